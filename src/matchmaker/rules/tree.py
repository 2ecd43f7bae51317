"""The rule tree: what a must, an admission or an eligibility asks, as immutable nodes.

`to_data` writes it as JSON data, `reading.parse` reads that back. It knows no facts and no field
catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

Number: TypeAlias = int | float
Scalar: TypeAlias = str | Number | bool
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None


class Op(StrEnum):
    """What a leaf asks of one fact."""

    IN = "in"
    NOT_IN = "not_in"
    OVERLAPS = "overlaps"
    PREFIX_IN = "prefix_in"
    GTE = "gte"
    LTE = "lte"
    BETWEEN = "between"
    BEFORE = "before"
    AFTER = "after"
    EXISTS = "exists"
    IS_TRUE = "is_true"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question about one fact; lists are tuples, `value` is None for exists and is_true."""

    field: str
    op: Op
    value: Value = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold; empty holds always."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part must hold; empty never holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not hold."""

    part: Rule


Rule: TypeAlias = Leaf | AllOf | AnyOf | Not


def to_data(rule: Rule) -> dict[str, object]:
    """The JSON form of a rule; `parse` of it gives the rule back, and the reverse."""
    if isinstance(rule, Not):
        return {"not": to_data(rule.part)}
    if isinstance(rule, AllOf):
        return {"all": [to_data(part) for part in rule.parts]}
    if isinstance(rule, AnyOf):
        return {"any": [to_data(part) for part in rule.parts]}
    data: dict[str, object] = {"field": rule.field, "op": rule.op.value}
    if rule.value is not None:
        data["value"] = list(rule.value) if isinstance(rule.value, tuple) else rule.value
    return data


def conjuncts(rule: Rule | None) -> tuple[Rule, ...]:
    """The parts that are counted as `must.i`: those of a top-level all, not flattened deeper."""
    if rule is None:
        return ()
    return rule.parts if isinstance(rule, AllOf) else (rule,)


def leaves(rule: Rule) -> Iterator[Leaf]:
    """Every leaf, from left to right."""
    if isinstance(rule, Leaf):
        yield rule
    for part in parts(rule):
        yield from leaves(part)


def parts(rule: Rule) -> tuple[Rule, ...]:
    """The direct children of a node; none of a leaf."""
    if isinstance(rule, Leaf):
        return ()
    return (rule.part,) if isinstance(rule, Not) else rule.parts


def fields(rule: Rule) -> tuple[str, ...]:
    """The distinct fields a rule reads, sorted."""
    return tuple(sorted({leaf.field for leaf in leaves(rule)}))


def is_number(value: object) -> TypeGuard[Number]:
    """Whether the value is a number; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
