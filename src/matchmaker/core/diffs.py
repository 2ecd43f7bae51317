"""What differs between two versions of a document, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from matchmaker.core import faults
from matchmaker.core.patching import WHOLE


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One place that differs; null is what is not stated."""

    pointer: Annotated[str, msgspec.Meta(description="JSON pointer as a fragment, #/revenue")]
    before: Any
    after: Any


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every place where ``after`` differs from ``before``, by pointer; null is like absent.

    Objects are compared member by member. A list is one value, for its order may mean something,
    and so is a rule: half a rule says nothing.
    """
    return sorted(_changes(before, after, "#"), key=lambda change: change.pointer)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> Iterator[Change]:
    for name in before.keys() | after.keys():
        old, new, place = before.get(name), after.get(name), f"{at}/{faults.escape(name)}"
        if isinstance(old, dict) and isinstance(new, dict) and name not in WHOLE:
            yield from _changes(old, new, place)
        elif not same(old, new):
            yield Change(pointer=place, before=old, after=new)


def same(one: object, other: object) -> bool:
    """Whether two values of JSON are equal; unlike Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
