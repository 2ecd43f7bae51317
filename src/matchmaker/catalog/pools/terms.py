"""What a pool says of itself and asks of an offering: one immutable version of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import Code, Text
from matchmaker.rules import form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.taxonomy.checking import Checker

READS: Final = frozenset({"provider", "offering", "evidence"})
"""The nouns whose fields the rules of a pool may read."""

RuleTree = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="A rule over fields of provider, offering and evidence",
        extra_json_schema=form.REFERENCE,
    ),
]
Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of a pool: what it asks beyond the admission rule and the tiers before it."""

    code: Code
    name: Text
    rule: RuleTree


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name, admission rule and tiers of a pool; the lowest tier comes first."""

    name: Text
    description: Text | None = None
    rule: RuleTree
    tiers: Annotated[tuple[Tier, ...], msgspec.Meta(max_length=10)] = ()
    admission_days: (
        Annotated[Days, msgspec.Meta(description="How long an admission lasts; null = no end")]
        | None
    ) = None


def terms_faults(checker: Checker, terms: Terms, at: str) -> Iterator[FieldFault]:
    """What is wrong with the rules of ``terms``, and tiers of the same code."""
    yield from checker.rule(terms.rule, f"{at}/rule", reads=READS)
    seen: set[str] = set()
    for place, tier in enumerate(terms.tiers):
        here = f"{at}/tiers/{place}"
        yield from checker.rule(tier.rule, f"{here}/rule", reads=READS)
        if tier.code in seen:
            said = Bilingual(zh=f"等级“{tier.code}”重复", en=f"the tier '{tier.code}' stands twice")
            yield FieldFault(f"{here}/code", "repeated_tier", said)
        seen.add(tier.code)
