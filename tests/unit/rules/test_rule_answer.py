from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from matchmaker.rules import (
    AllOf,
    Answer,
    AnyOf,
    Fact,
    Leaf,
    Not,
    Op,
    Span,
    Value,
    answer,
    answer_if,
    answer_with,
    leaf_answer,
    unknown_leaves,
)

NO, UNKNOWN, YES = Answer.NO, Answer.UNKNOWN, Answer.YES
SETS = [Op.IN, Op.NOT_IN, Op.OVERLAPS, Op.PREFIX_IN]


@pytest.mark.parametrize(
    ("op", "value", "fact", "expected"),
    [
        (Op.IN, ("a", "b"), frozenset({"b", "c"}), YES),
        (Op.IN, ("a", "b"), frozenset({"c"}), NO),
        (Op.OVERLAPS, ("a",), frozenset({"a", "c"}), YES),
        (Op.OVERLAPS, ("a",), frozenset({"c"}), NO),
        (Op.NOT_IN, ("a",), frozenset({"b"}), YES),
        (Op.NOT_IN, ("a",), frozenset({"a", "b"}), NO),
        (Op.PREFIX_IN, ("65", "21"), frozenset({"110000", "210200"}), YES),
        (Op.PREFIX_IN, ("65",), frozenset({"165000"}), NO),
        (Op.IN, ("a",), "a", YES),
        (Op.IN, ("a",), "A", NO),
        (Op.OVERLAPS, ("a",), "a", YES),
        (Op.NOT_IN, ("a",), "a", NO),
        (Op.NOT_IN, ("a",), "b", YES),
        (Op.PREFIX_IN, ("65",), "650100", YES),
        (Op.PREFIX_IN, ("650100",), "65", NO),
        (Op.IN, (1, 2), 2, YES),
        (Op.IN, (1.0,), 1, YES),
        (Op.NOT_IN, (1, 2), 3, YES),
        (Op.IN, (True,), True, YES),
        (Op.IN, (True,), False, NO),
        (Op.GTE, 20, 20, YES),
        (Op.GTE, 20, 19, NO),
        (Op.GTE, 0.5, 0.6, YES),
        (Op.LTE, 20, 20, YES),
        (Op.LTE, 20, 21, NO),
        (Op.BETWEEN, (1, 3), 1, YES),
        (Op.BETWEEN, (1, 3), 3, YES),
        (Op.BETWEEN, (1, 3), 4, NO),
        (Op.LTE, 4, Span(1, 5), NO),
        (Op.GTE, 5, Span(1, 5), YES),
        (Op.BETWEEN, (1, 4), Span(1, 5), NO),
        (Op.BETWEEN, (5, 9), Span(1, 5), YES),
        (Op.BEFORE, "2027-03-01", date(2027, 2, 28), YES),
        (Op.BEFORE, "2027-03-01", date(2027, 3, 1), NO),
        (Op.AFTER, "2027-03-01", date(2027, 3, 1), NO),
        (Op.AFTER, "0999-12-31", date(1000, 1, 1), YES),
        (Op.IS_TRUE, None, True, YES),
        (Op.IS_TRUE, None, False, NO),
    ],
)
def test_a_known_fact_is_answered(op: Op, value: Value, fact: Fact, expected: Answer) -> None:
    assert leaf_answer(op, value, fact) is expected


@pytest.mark.parametrize("fact", ["all", frozenset({"all"}), frozenset({"b", "all"})])
def test_a_declared_all_meets_any_wish_and_no_refusal(fact: Fact) -> None:
    answers = {op: leaf_answer(op, ("x",), fact) for op in SETS}

    assert answers == {Op.IN: YES, Op.NOT_IN: NO, Op.OVERLAPS: YES, Op.PREFIX_IN: YES}


@pytest.mark.parametrize("op", [op for op in Op if op is not Op.EXISTS])
@pytest.mark.parametrize("fact", [None, frozenset[str](), math.nan])
def test_an_unknown_fact_is_unknown_to_every_op_but_exists(op: Op, fact: Fact) -> None:
    value: dict[Op, Value] = {Op.GTE: 1, Op.LTE: 1, Op.BETWEEN: (1, 2), Op.IS_TRUE: None}

    assert leaf_answer(op, value.get(op, ("x",)), fact) is UNKNOWN
    assert leaf_answer(Op.EXISTS, None, fact) is NO


@pytest.mark.parametrize(
    "fact", [False, 0, 0.0, "x", frozenset({"x"}), Span(0, 0), date(2027, 1, 1)]
)
def test_every_known_fact_exists(fact: Fact) -> None:
    assert leaf_answer(Op.EXISTS, None, fact) is YES


@pytest.mark.parametrize(
    ("op", "value", "fact"),
    [
        (Op.IN, (1,), True),
        (Op.IN, (True,), 1),
        (Op.IN, ("1",), 1),
        (Op.IN, (1,), "1"),
        (Op.NOT_IN, (1,), frozenset({"1"})),
        (Op.IN, ("x",), Span(1, 2)),
        (Op.OVERLAPS, ("2027-01-01",), date(2027, 1, 1)),
        (Op.IN, "x", "x"),
        (Op.PREFIX_IN, ("1",), 10),
        (Op.PREFIX_IN, (1,), "10"),
        (Op.GTE, 1, True),
        (Op.GTE, 1, "2"),
        (Op.GTE, "1", 2),
        (Op.LTE, 1, frozenset({"1"})),
        (Op.LTE, None, 1),
        (Op.BETWEEN, (1, 2), "1"),
        (Op.BETWEEN, 1, 1),
        (Op.BETWEEN, ("1", "2"), 1),
        (Op.BEFORE, "2027-01-01", "2026-01-01"),
        (Op.BEFORE, 1, date(2026, 1, 1)),
        (Op.AFTER, "2027-01-01", datetime(2028, 1, 1, tzinfo=UTC)),
        (Op.AFTER, None, date(2026, 1, 1)),
        (Op.IS_TRUE, None, 1),
        (Op.IS_TRUE, None, "true"),
    ],
)
def test_what_does_not_fit_is_unknown_and_never_raises(op: Op, value: Value, fact: Fact) -> None:
    assert leaf_answer(op, value, fact) is UNKNOWN


YES_LEAF, NO_LEAF, OPEN_LEAF = (Leaf(name, Op.IS_TRUE) for name in ("yes", "no", "open"))
FACTS: dict[str, Fact] = {"yes": True, "no": False}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (AllOf(()), YES),
        (AnyOf(()), NO),
        (AllOf((YES_LEAF, OPEN_LEAF)), UNKNOWN),
        (AllOf((NO_LEAF, OPEN_LEAF)), NO),
        (AnyOf((YES_LEAF, OPEN_LEAF)), YES),
        (AnyOf((NO_LEAF, OPEN_LEAF)), UNKNOWN),
        (Not(YES_LEAF), NO),
        (Not(NO_LEAF), YES),
        (Not(OPEN_LEAF), UNKNOWN),
        (AnyOf((OPEN_LEAF, Not(OPEN_LEAF))), UNKNOWN),
    ],
)
def test_groups_answer_by_strong_kleene_logic(rule: AllOf | AnyOf | Not, expected: Answer) -> None:
    assert answer(rule, FACTS.get) is expected


def test_overrides_set_the_leaves_they_name_and_no_others() -> None:
    rule = AllOf((YES_LEAF, OPEN_LEAF))

    def deny_yes(leaf: Leaf) -> Answer | None:
        return NO if leaf.field == "yes" else None

    assert answer_with(rule, FACTS.get, deny_yes) is NO
    assert answer_with(rule, FACTS.get, lambda _leaf: None) is UNKNOWN
    assert answer_with(rule, FACTS.get, lambda _leaf: YES) is YES


def test_assuming_an_answer_moves_only_the_unknown_leaves_of_the_field() -> None:
    exists = Leaf("open", Op.EXISTS)

    assert answer_if(AllOf((YES_LEAF, OPEN_LEAF)), FACTS.get, "open", YES) is YES
    assert answer_if(AllOf((YES_LEAF, OPEN_LEAF)), FACTS.get, "open", NO) is NO
    assert answer_if(AllOf((YES_LEAF, OPEN_LEAF)), FACTS.get, "yes", NO) is UNKNOWN
    assert answer_if(AnyOf((exists, OPEN_LEAF)), FACTS.get, "open", YES) is YES
    assert answer_if(exists, FACTS.get, "open", YES) is NO


def test_unknown_leaves_are_listed_in_order_decided_branches_included() -> None:
    other = Leaf("other", Op.GTE, 3)
    rule = AllOf((AnyOf((YES_LEAF, other)), Not(OPEN_LEAF), NO_LEAF, Leaf("x", Op.EXISTS)))

    assert unknown_leaves(rule, FACTS.get) == (other, OPEN_LEAF)
