"""A diff names every place that differs and no other; applied to one side it gives the other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.core.diffs import Change, diff, same

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, "a", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(["a", "b", "a/b", "~", "must"])
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


def applied(document: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """``document`` with every place of ``changes`` set to what it became."""
    found = copy.deepcopy(document)
    for change in changes:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in change.pointer.split("/")]
        place = found
        for step in steps[1:-1]:
            place = place[step]
        place[steps[-1]] = change.after
    return found


def without_nulls(value: object, *, is_rule: bool = False) -> object:
    """``value`` with the members left out that say nothing."""
    if not isinstance(value, dict) or is_rule:
        return value
    return {
        name: without_nulls(inner, is_rule=name == "must")
        for name, inner in value.items()
        if inner is not None
    }


def test_nothing_differs_from_itself() -> None:
    document = {"a": {"b": [1, {"c": None}]}, "must": {"all": []}}
    assert diff(document, copy.deepcopy(document)) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"a": 1}, [("#/a", None, 1)]),
        ({"a": 1}, {"a": None}, [("#/a", 1, None)]),
        ({"a": None}, {}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("#/a/c", 2, 3)]),
        ({}, {"a": {"b": 1}}, [("#/a", None, {"b": 1})]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [("#/a", ["x", "y"], ["y", "x"])]),
        ({"must": {"all": [], "any": []}}, {"must": {"all": []}}, "#/must"),
        ({"a": 1}, {"a": True}, [("#/a", 1, True)]),
        ({"a": [0]}, {"a": [False]}, [("#/a", [0], [False])]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"x/y": 1}, {"x~y": 2}, [("#/x~0y", None, 2), ("#/x~1y", 1, None)]),
    ],
)
def test_each_place_that_differs(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, Any, Any]] | str
) -> None:
    if isinstance(expected, str):  # a rule changes as a whole
        name = expected.removeprefix("#/")
        expected = [(expected, before[name], after[name])]
    assert [(c.pointer, c.before, c.after) for c in diff(before, after)] == expected


@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_applied_to_one_side_gives_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = diff(before, after)
    assert same(without_nulls(applied(before, changes)), without_nulls(after))


@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_read_backwards_is_the_diff_the_other_way(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    backwards = [
        Change(pointer=change.pointer, before=change.after, after=change.before)
        for change in diff(before, after)
    ]
    assert backwards == diff(after, before)
