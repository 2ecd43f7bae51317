from __future__ import annotations

import math

import pytest

from matchmaker.rules import (
    AllOf,
    AnyOf,
    Flaw,
    Leaf,
    MalformedRule,
    Not,
    Op,
    conjuncts,
    fields,
    leaves,
    parse,
    to_data,
)

ON_PREMISES = {"field": "offering.deployment", "op": "in", "value": ["on_premises"]}
LARGE = {"field": "profile.employees", "op": "gte", "value": 20}


def test_a_rule_of_every_kind_of_node_is_read() -> None:
    rule = parse({"all": [ON_PREMISES, {"any": [LARGE, {"not": LARGE}]}]})

    large = Leaf("profile.employees", Op.GTE, 20)
    deployment = Leaf("offering.deployment", Op.IN, ("on_premises",))
    assert rule == AllOf((deployment, AnyOf((large, Not(large)))))


@pytest.mark.parametrize(
    "leaf",
    [
        {"field": "a", "op": "in", "value": ["x", 1, 1.5, True]},
        {"field": "a", "op": "not_in", "value": ["x"]},
        {"field": "a", "op": "overlaps", "value": ["x"] * 100},
        {"field": "a.b_2.2c", "op": "prefix_in", "value": ["C33"]},
        {"field": "a", "op": "gte", "value": 0.5},
        {"field": "a", "op": "lte", "value": -(2**53) + 1},
        {"field": "a", "op": "between", "value": [3, 3]},
        {"field": "a", "op": "before", "value": "2028-02-29"},
        {"field": "a", "op": "after", "value": "0001-01-01"},
        {"field": "a", "op": "exists"},
        {"field": "a", "op": "is_true"},
    ],
)
def test_every_op_survives_the_round_trip(leaf: dict[str, object]) -> None:
    assert to_data(parse(leaf)) == leaf


@pytest.mark.parametrize(
    ("data", "pointer", "reason"),
    [
        (None, "", Flaw.NOT_AN_OBJECT),
        ([LARGE], "", Flaw.NOT_AN_OBJECT),
        ({}, "", Flaw.NOT_ONE_KNOWN_KEY),
        ({"nor": []}, "", Flaw.NOT_ONE_KNOWN_KEY),
        ({"value": 3}, "", Flaw.NOT_ONE_KNOWN_KEY),
        ({"all": [], "any": []}, "", Flaw.NOT_ONE_KNOWN_KEY),
        ({"all": LARGE}, "/all", Flaw.NOT_A_LIST),
        ({"any": "all"}, "/any", Flaw.NOT_A_LIST),
        ({"not": [LARGE]}, "/not", Flaw.NOT_AN_OBJECT),
        ({"all": [LARGE, {"not": {"any": [LARGE, 7]}}]}, "/all/1/not/any/1", Flaw.NOT_AN_OBJECT),
        ({"field": "a"}, "", Flaw.WRONG_LEAF_KEYS),
        ({"op": "exists"}, "", Flaw.WRONG_LEAF_KEYS),
        ({**LARGE, "all": []}, "", Flaw.WRONG_LEAF_KEYS),
        ({"field": "a", "op": "exists", "value": None}, "", Flaw.WRONG_LEAF_KEYS),
        ({"field": "a", "op": "is_true", "value": True}, "", Flaw.WRONG_LEAF_KEYS),
        ({"field": "a", "op": "gte"}, "", Flaw.WRONG_LEAF_KEYS),
        ({**LARGE, "field": ""}, "/field", Flaw.NOT_A_FIELD_NAME),
        ({**LARGE, "field": "Profile.x"}, "/field", Flaw.NOT_A_FIELD_NAME),
        ({**LARGE, "field": "a\n"}, "/field", Flaw.NOT_A_FIELD_NAME),
        ({**LARGE, "field": "a." + "b" * 99}, "/field", Flaw.NOT_A_FIELD_NAME),
        ({**LARGE, "field": 3}, "/field", Flaw.NOT_A_FIELD_NAME),
        ({**LARGE, "op": "GTE"}, "/op", Flaw.UNKNOWN_OP),
        ({**LARGE, "op": ["gte"]}, "/op", Flaw.UNKNOWN_OP),
        ({**ON_PREMISES, "value": "on_premises"}, "/value", Flaw.NOT_A_LIST),
        ({**ON_PREMISES, "value": []}, "/value", Flaw.EMPTY_LIST),
        ({**ON_PREMISES, "value": ["x"] * 101}, "/value", Flaw.TOO_MANY_VALUES),
        ({**ON_PREMISES, "value": ["x", None]}, "/value/1", Flaw.NOT_A_SCALAR),
        ({**ON_PREMISES, "value": [["x"]]}, "/value/0", Flaw.NOT_A_SCALAR),
        ({**ON_PREMISES, "value": [""]}, "/value/0", Flaw.NOT_A_TEXT),
        ({**ON_PREMISES, "value": ["x" * 201]}, "/value/0", Flaw.NOT_A_TEXT),
        ({**ON_PREMISES, "op": "prefix_in", "value": [65]}, "/value/0", Flaw.NOT_A_TEXT),
        ({**LARGE, "value": True}, "/value", Flaw.NOT_A_NUMBER),
        ({**LARGE, "value": "20"}, "/value", Flaw.NOT_A_NUMBER),
        ({**LARGE, "value": None}, "/value", Flaw.NOT_A_NUMBER),
        ({**LARGE, "value": 2**53}, "/value", Flaw.NUMBER_OUT_OF_RANGE),
        ({**LARGE, "value": math.nan}, "/value", Flaw.NUMBER_OUT_OF_RANGE),
        ({**LARGE, "value": -math.inf}, "/value", Flaw.NUMBER_OUT_OF_RANGE),
        ({**LARGE, "op": "between", "value": 3}, "/value", Flaw.NOT_A_RISING_PAIR),
        ({**LARGE, "op": "between", "value": [1]}, "/value", Flaw.NOT_A_RISING_PAIR),
        ({**LARGE, "op": "between", "value": [1, 2, 3]}, "/value", Flaw.NOT_A_RISING_PAIR),
        ({**LARGE, "op": "between", "value": [2, 1]}, "/value", Flaw.NOT_A_RISING_PAIR),
        ({**LARGE, "op": "between", "value": [1, False]}, "/value/1", Flaw.NOT_A_NUMBER),
        ({**LARGE, "op": "before", "value": 20270301}, "/value", Flaw.NOT_A_DATE),
        ({**LARGE, "op": "before", "value": "20270301"}, "/value", Flaw.NOT_A_DATE),
        ({**LARGE, "op": "after", "value": "2027-W01-1"}, "/value", Flaw.NOT_A_DATE),
        ({**LARGE, "op": "after", "value": "2027-02-29"}, "/value", Flaw.NOT_A_DATE),
    ],
)
def test_data_that_is_no_rule_is_named_with_its_place(
    data: object, pointer: str, reason: Flaw
) -> None:
    with pytest.raises(MalformedRule) as caught:
        parse(data, at="/need/must")

    assert (caught.value.pointer, caught.value.reason) == ("/need/must" + pointer, reason)


def test_the_error_says_reason_and_place() -> None:
    with pytest.raises(MalformedRule, match=r'^not_an_object at "/any/0"$'):
        parse({"any": [1]})
    with pytest.raises(MalformedRule, match=r'^not_an_object at ""$'):
        parse(1)


def test_eight_levels_are_read_and_nine_are_not() -> None:
    data: dict[str, object] = dict(LARGE)
    for _ in range(7):
        data = {"not": data}

    assert to_data(parse(data)) == data
    with pytest.raises(MalformedRule) as caught:
        parse({"not": data})
    assert (caught.value.pointer, caught.value.reason) == ("/not" * 8, Flaw.TOO_DEEP)


@pytest.mark.parametrize("key", ["all", "any", "not"])
def test_hostile_nesting_ends_at_the_ninth_level(key: str) -> None:
    data: object = LARGE
    for _ in range(100_000):
        data = {key: data if key == "not" else [data]}

    with pytest.raises(MalformedRule) as caught:
        parse(data)
    assert caught.value.reason is Flaw.TOO_DEEP


def test_data_that_holds_itself_ends_at_the_ninth_level() -> None:
    parts: list[object] = []
    parts.append({"all": parts})

    with pytest.raises(MalformedRule) as caught:
        parse({"all": parts})
    assert caught.value.reason is Flaw.TOO_DEEP


def test_sixty_four_leaves_are_read_and_one_more_is_not() -> None:
    half = {"any": [LARGE] * 32}

    assert len(tuple(leaves(parse({"all": [half, half]})))) == 64
    with pytest.raises(MalformedRule) as caught:
        parse({"all": [half, half, LARGE]})
    assert (caught.value.pointer, caught.value.reason) == ("/all/2", Flaw.TOO_MANY_LEAVES)


def test_empty_groups_count_as_leaves_so_that_width_is_bounded_too() -> None:
    assert parse({"all": [{"any": []}] * 64}) == AllOf((AnyOf(()),) * 64)
    with pytest.raises(MalformedRule) as caught:
        parse({"all": [{"any": []}] * 65})
    assert caught.value.reason is Flaw.TOO_MANY_LEAVES


def test_conjuncts_are_the_parts_of_a_top_level_all_only() -> None:
    large, nested = parse(LARGE), parse({"all": [LARGE, LARGE]})

    assert conjuncts(None) == ()
    assert conjuncts(AllOf(())) == ()
    assert conjuncts(large) == (large,)
    assert conjuncts(AnyOf((large, nested))) == (AnyOf((large, nested)),)
    assert conjuncts(AllOf((nested, large))) == (nested, large)


def test_leaves_come_in_order_and_fields_once() -> None:
    rule = parse({"all": [LARGE, {"not": {"any": [ON_PREMISES, LARGE]}}]})

    assert [leaf.field for leaf in leaves(rule)] == [
        "profile.employees",
        "offering.deployment",
        "profile.employees",
    ]
    assert fields(rule) == ("offering.deployment", "profile.employees")
