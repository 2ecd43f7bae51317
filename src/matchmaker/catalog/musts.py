"""Whether the standing condition of an offering is a sound rule over facts it may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog.reasons import fault
from matchmaker.rules import MalformedRule, Severity, lint, parse, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.errors import FieldFault
    from matchmaker.rules import Specs

_ASKS = ("profile.", "need.", "package.")


def must_faults(must: object, specs: Specs, *, at: str) -> Iterator[FieldFault]:
    """What is wrong with ``must``; it may ask for facts of profile, need and package only.

    Args:
        must: The rule as decoded JSON.
        specs: What a field is; None for a field that does not exist.
        at: JSON pointer of the rule, as a fragment.
    """
    try:
        rule = parse(must, at=at)
    except MalformedRule as error:
        reason = error.reason
        yield fault(
            error.pointer, "invalid_rule", zh=wording(reason, "zh"), en=wording(reason, "en")
        )
        return
    for finding in lint(rule, lambda name: specs(name) if name.startswith(_ASKS) else None, at=at):
        if finding.severity is Severity.ERROR:
            code = finding.code
            yield fault(
                finding.pointer, "invalid_rule", zh=wording(code, "zh"), en=wording(code, "en")
            )
