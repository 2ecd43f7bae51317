"""The three-valued answer of a rule to facts: yes, no or unknown (Kleene's strong logic).

The scalar semantics that every other evaluation of a rule is held equal to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Final, TypeAlias

from matchmaker.rules.tree import (
    AllOf,
    Leaf,
    Not,
    Number,
    Op,
    Rule,
    Scalar,
    Value,
    is_number,
    leaves,
)

ALL: Final = "all"


class Answer(IntEnum):
    """Ordered, so that all is the least, any the greatest and not is 2 - x."""

    NO = 0
    UNKNOWN = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Span:
    """A from-to fact; rules read its upper end."""

    low: Number
    high: Number


Fact: TypeAlias = bool | Number | str | frozenset[str] | Span | date | None
Facts: TypeAlias = Callable[[str], Fact]
Overrides: TypeAlias = Callable[[Leaf], Answer | None]


def is_unknown(fact: Fact) -> bool:
    """Whether a fact says nothing: None, an empty set, or not a number."""
    return fact is None or fact == frozenset() or (isinstance(fact, float) and math.isnan(fact))


def leaf_answer(op: Op, value: Value, fact: Fact) -> Answer:
    """What one fact answers to one question; never raises.

    Unknown facts, and facts whose type does not fit the op, answer unknown; only exists answers no.
    """
    if op is Op.EXISTS:
        return Answer.NO if is_unknown(fact) else Answer.YES
    if is_unknown(fact):
        return Answer.UNKNOWN
    holds = _TESTS[op](value, fact)
    if holds is None:
        return Answer.UNKNOWN
    return Answer.YES if holds else Answer.NO


def answer(rule: Rule, facts: Facts) -> Answer:
    """What the facts answer to a rule."""
    return answer_with(rule, facts, _no_override)


def answer_with(rule: Rule, facts: Facts, overrides: Overrides) -> Answer:
    """The answer of a rule when `overrides` sets some leaves; None leaves a leaf to its fact."""
    if isinstance(rule, Leaf):
        forced = overrides(rule)
        return leaf_answer(rule.op, rule.value, facts(rule.field)) if forced is None else forced
    if isinstance(rule, Not):
        return negation(answer_with(rule.part, facts, overrides))
    answers = (answer_with(part, facts, overrides) for part in rule.parts)
    return every(answers) if isinstance(rule, AllOf) else some(answers)


def answer_if(rule: Rule, facts: Facts, field: str, assumed: Answer) -> Answer:
    """The answer when every unknown leaf that reads `field` is set to `assumed` (scoring 16)."""

    def override(leaf: Leaf) -> Answer | None:
        if leaf.field != field or leaf_answer(leaf.op, leaf.value, facts(field)) != Answer.UNKNOWN:
            return None
        return assumed

    return answer_with(rule, facts, override)


def unknown_leaves(rule: Rule, facts: Facts) -> tuple[Leaf, ...]:
    """The leaves the facts leave open, from left to right, decided branches included."""
    return tuple(
        leaf
        for leaf in leaves(rule)
        if leaf_answer(leaf.op, leaf.value, facts(leaf.field)) == Answer.UNKNOWN
    )


def every(answers: Iterable[Answer]) -> Answer:
    """The least answer; yes when there is none."""
    return min(answers, default=Answer.YES)


def some(answers: Iterable[Answer]) -> Answer:
    """The greatest answer; no when there is none."""
    return max(answers, default=Answer.NO)


def negation(of: Answer) -> Answer:
    """Yes for no, no for yes, unknown for unknown."""
    return Answer(2 - of)


def _no_override(_leaf: Leaf) -> Answer | None:
    return None


def _overlaps(value: Value, fact: Fact) -> bool | None:
    wanted = _comparable(value, fact)
    if not wanted:
        return None
    if isinstance(fact, frozenset):
        return ALL in fact or any(element in wanted for element in fact)
    return fact == ALL or fact in wanted


def _is_apart(value: Value, fact: Fact) -> bool | None:
    overlaps = _overlaps(value, fact)
    return None if overlaps is None else not overlaps


def _comparable(value: Value, fact: Fact) -> tuple[Scalar, ...]:
    """The listed values of the fact's family: True is no 1, and 1 is no "1"."""
    if not isinstance(value, tuple):
        return ()
    if isinstance(fact, str | frozenset):
        return tuple(item for item in value if isinstance(item, str))
    if isinstance(fact, bool):
        return tuple(item for item in value if isinstance(item, bool))
    return tuple(item for item in value if is_number(item)) if is_number(fact) else ()


def _starts_with(value: Value, fact: Fact) -> bool | None:
    if not isinstance(fact, str | frozenset):
        return None
    prefixes = tuple(item for item in _comparable(value, fact) if isinstance(item, str))
    if not prefixes:
        return None
    elements = fact if isinstance(fact, frozenset) else (fact,)
    return any(element == ALL or element.startswith(prefixes) for element in elements)


def _at_least(value: Value, fact: Fact) -> bool | None:
    upper = _upper_end(fact)
    return upper >= value if upper is not None and is_number(value) else None


def _at_most(value: Value, fact: Fact) -> bool | None:
    upper = _upper_end(fact)
    return upper <= value if upper is not None and is_number(value) else None


def _between(value: Value, fact: Fact) -> bool | None:
    upper = _upper_end(fact)
    if upper is None or not isinstance(value, tuple):
        return None
    ends = tuple(item for item in value if is_number(item))
    return ends[0] <= upper <= ends[-1] if ends else None


def _upper_end(fact: Fact) -> Number | None:
    if isinstance(fact, Span):
        return fact.high
    return fact if is_number(fact) else None


def _before(value: Value, fact: Fact) -> bool | None:
    day = _iso_day(fact)
    return day < value if day is not None and isinstance(value, str) else None


def _after(value: Value, fact: Fact) -> bool | None:
    day = _iso_day(fact)
    return day > value if day is not None and isinstance(value, str) else None


def _iso_day(fact: Fact) -> str | None:
    """The day as text, which sorts as days do; a moment is no day."""
    if isinstance(fact, datetime) or not isinstance(fact, date):
        return None
    return fact.isoformat()


def _is_so(_value: Value, fact: Fact) -> bool | None:
    return fact if isinstance(fact, bool) else None


_TESTS: Final[Mapping[Op, Callable[[Value, Fact], bool | None]]] = {
    Op.IN: _overlaps,
    Op.NOT_IN: _is_apart,
    Op.OVERLAPS: _overlaps,
    Op.PREFIX_IN: _starts_with,
    Op.GTE: _at_least,
    Op.LTE: _at_most,
    Op.BETWEEN: _between,
    Op.BEFORE: _before,
    Op.AFTER: _after,
    Op.IS_TRUE: _is_so,
}
