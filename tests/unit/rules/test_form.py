"""What the contract says of the form of a rule, against the reader."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from matchmaker.rules import MalformedRule, Op, form, parse
from matchmaker.rules.reading import MAX_TEXT, MAX_VALUES

LEAF = {"field": "profile.region", "op": "exists"}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **form.REFERENCE,
    "components": {"schemas": {form.NAME: form.SCHEMA}},
}
VALIDATOR = jsonschema_rs.validator_for(SCHEMA, validate_formats=False)
VALUES: dict[Op, object] = {
    Op.IN: ["a", 1, True],
    Op.NOT_IN: ["a"],
    Op.OVERLAPS: ["a"],
    Op.PREFIX_IN: ["a"],
    Op.GTE: 1,
    Op.LTE: 1.5,
    Op.BETWEEN: [1, 2],
    Op.BEFORE: "2026-01-01",
    Op.AFTER: "2026-01-01",
}


def reads(data: object) -> bool:
    try:
        parse(data)
    except MalformedRule:
        return False
    return True


@pytest.mark.parametrize("op", Op)
def test_every_operator_is_described(op: Op) -> None:
    leaf = {"field": "profile.region", "op": op.value}
    whole = {**leaf, "value": VALUES[op]} if op in VALUES else leaf
    assert VALIDATOR.is_valid(whole)
    assert reads(whole)


@pytest.mark.parametrize(
    "data",
    [
        {"all": []},
        {"any": [LEAF, {"not": LEAF}]},
        {"all": [{"any": [{"not": {"all": [LEAF]}}]}]},
    ],
)
def test_a_tree_is_described(data: object) -> None:
    assert VALIDATOR.is_valid(data)
    assert reads(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"all": LEAF},
        {"all": [], "any": []},
        {"not": [LEAF]},
        {"field": "profile.region"},
        {"field": "Profile", "op": "exists"},
        {"field": "profile.region", "op": "like", "value": ["a"]},
        {"field": "profile.region", "op": "exists", "value": True},
        {"field": "profile.region", "op": "in", "value": []},
        {"field": "profile.region", "op": "in", "value": ["a"] * (MAX_VALUES + 1)},
        {"field": "profile.region", "op": "in", "value": ["a" * (MAX_TEXT + 1)]},
        {"field": "profile.region", "op": "prefix_in", "value": [1]},
        {"field": "profile.region", "op": "gte", "value": "1"},
        {"field": "profile.region", "op": "gte", "value": 2**53},
        {"field": "profile.region", "op": "between", "value": [1]},
        {"field": "profile.region", "op": "before", "value": "20260101"},
        {**LEAF, "colour": "red"},
    ],
)
def test_what_is_no_rule_is_described_as_none(data: object) -> None:
    assert not VALIDATOR.is_valid(data)
    assert not reads(data)
