"""The declared facts of an offering as rules read them, by the name behind ``offering.``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, cast

import msgspec

from matchmaker.rules import Fact, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.catalog.declaration import OfferingDocument

_NO_FACTS: Final = frozenset({"cases", "standards"})


def declared_facts(document: OfferingDocument, *, kind: str, visibility: str) -> dict[str, Fact]:
    """Every fact a rule may read as ``offering.<name>``, attributes beside the rest."""
    plain: dict[str, object] = msgspec.to_builtins(document, builtin_types=(dt.date,))
    attributes = plain.pop("attributes", None)
    if attributes is not None:
        plain = {**cast("dict[str, object]", attributes), **plain}
    found: dict[str, Fact] = {}
    for name, value in plain.items():
        if isinstance(value, dict):
            inner = cast("dict[str, object]", value)
            found |= {f"{name}.{part}": _fact(each) for part, each in inner.items()}
            found[name] = _range(inner)
        elif name not in _NO_FACTS:
            found[name] = _fact(value)
    known = {name: fact for name, fact in found.items() if fact is not None}
    return {**known, "kind": kind, "visibility": visibility}


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
