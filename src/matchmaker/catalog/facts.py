"""The declared facts of an offering as rules read them, by the name behind ``offering.``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, cast

import msgspec

from matchmaker.rules import Fact, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.catalog.declaration import OfferingDocument

NO_FACTS: Final = frozenset({"cases", "scenarios", "standards"})
"""Fields that no rule reads."""
_ATTRIBUTES: Final = "attributes"


def declared_facts(document: OfferingDocument, *, kind: str, visibility: str) -> dict[str, Fact]:
    """Every fact a rule may read as ``offering.<name>``, attributes beside the rest."""
    found: dict[str, Fact] = {}
    for name, value in msgspec.structs.asdict(document).items():
        found |= field_facts(name, value)
    return {**found, "kind": kind, "visibility": visibility}


def field_facts(name: str, value: object) -> dict[str, Fact]:
    """The facts that one field of a document states; attributes by their own names."""
    plain: object = msgspec.to_builtins(value, builtin_types=(dt.date,))
    if name in NO_FACTS:
        return {}
    if not isinstance(plain, dict):
        return _known({name: _fact(plain)})
    inner = cast("dict[str, object]", plain)
    if name == _ATTRIBUTES:
        return {key: fact for each in inner for key, fact in field_facts(each, inner[each]).items()}
    parts = {f"{name}.{part}": _fact(each) for part, each in inner.items()}
    return _known({**parts, name: _range(inner)})


def _known(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {name: fact for name, fact in facts.items() if fact is not None}


def _fact(value: object) -> Fact:
    """A stored value as rules read it: a pair of numbers is from-to, any other list a set."""
    if isinstance(value, list | tuple):
        each = cast("Sequence[object]", value)
        numbers = [number for number in each if isinstance(number, int)]
        if numbers:
            return Span(numbers[0], numbers[-1])
        return frozenset(map(str, each)) or None
    return value if isinstance(value, bool | int | float | str | dt.date) else None


def _range(value: Mapping[str, object]) -> Fact:
    """An amount from-to; None for an object that is none."""
    lowest, highest = value.get("from"), value.get("to")
    if isinstance(lowest, int) and isinstance(highest, int):
        return Span(lowest, highest)
    return None
