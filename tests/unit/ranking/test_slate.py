"""Curation adds, pins and the cap (scoring.md 14 and 15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from matchmaker.ranking import moves
from matchmaker.ranking.slate import (
    UNSCORED,
    Add,
    Boost,
    Curation,
    Move,
    Slate,
    SlateRules,
    adds_for,
    ordered,
    tie,
)

ENDS = (-1_000, 9_000)
TWO_OF_TEN = SlateRules(2, 10)


def compose(
    order: Sequence[int],
    provider_of: Callable[[int], str],
    rules: SlateRules,
    pins: Sequence[tuple[int, int]],
) -> Slate:
    cap = (provider_of, rules.of_provider, rules.first)
    return moves.compose(order, moves.Moves(dict(pins), cap))


def boosting(name: str, *thousandths: int) -> Curation[str]:
    return Curation(name, tuple(Boost(frozenset({"o1"}), each) for each in thousandths))


def test_an_add_is_thousandths_of_the_width_by_floor() -> None:
    assert adds_for("o1", [boosting("c1", 7)], (0, 150)) == (Add("c1", 7, 0, 1),)
    assert adds_for("o1", [boosting("c1", -7)], (0, 150)) == (Add("c1", -7, 0, -2),)
    assert adds_for("o2", [boosting("c1", 7)], ENDS) == ()


def test_adds_run_in_the_order_of_curations_and_what_is_cut_is_shown() -> None:
    curations = [boosting("c2", 70), boosting("c1", 60, 10), boosting("c3", -250)]

    assert adds_for("o1", curations, ENDS) == (
        Add("c1", 60, 0, 600),
        Add("c1", 10, 0, 100),
        Add("c2", 30, 40, 300),
        Add("c3", -200, -50, -2000),
    )


def test_equal_keys_are_ordered_by_the_hash_of_input_and_offering() -> None:
    keys = np.array([5, 7, 5, 5], np.int64)
    ties = {place: tie("digest", f"o{place}") for place in range(4)}
    expected = [1, *sorted((0, 2, 3), key=ties.__getitem__)]

    assert ordered(keys, 4, ties.__getitem__, 4) == expected
    assert ordered(keys, 4, ties.__getitem__, 2) == expected
    assert len({*ties.values()}) == 4
    assert tie("digest", "o1") != tie("other", "o1")


def test_what_is_not_scored_is_not_in_the_order() -> None:
    keys = np.array([5, UNSCORED, 7, UNSCORED], np.int64)

    for count in (1, 2, 4):
        assert ordered(keys, 2, lambda _: b"", count) == [2, 0][:count]


@pytest.mark.parametrize("few", [8, 10_000])
@pytest.mark.parametrize("arranged", ["drawn", "rising", "falling", "best in one pile"])
def test_the_first_of_many_keys_are_those_of_the_whole_order(arranged: str, few: int) -> None:
    drawn = np.random.default_rng(few)
    keys = drawn.integers(-few, few, 6_437)
    keys[drawn.random(len(keys)) < 0.3] = UNSCORED
    if arranged != "drawn":
        keys.sort()
    if arranged == "falling":
        keys = keys[::-1].copy()
    if arranged == "best in one pile":
        # Every hundredth place lies in one pile.
        keys = keys[np.arange(6_400).reshape(100, 64).T.ravel()]
    scored = np.flatnonzero(keys > UNSCORED)
    whole = sorted(scored.tolist(), key=lambda place: (-keys[place], place))

    for count in (1, 3, 20, 40, 99, 100, 101, 500, len(scored)):
        found = ordered(keys, len(scored), lambda place: place.to_bytes(8, "big"), count)
        assert found == whole[: len(found)]
        assert len(found) == np.count_nonzero(keys >= keys[whole[count - 1]])


def test_the_third_of_a_provider_goes_behind_the_first_ten_in_order() -> None:
    shown = compose(range(12), lambda place: "p" if place < 4 else str(place), TWO_OF_TEN, [])

    assert shown.offerings == (0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3)
    assert shown.moves[2] == (Move("cap", 8),)
    assert shown.moves[4] == (Move("cap", -2),)
    assert 0 not in shown.moves


def test_in_a_shorter_list_it_goes_to_the_end() -> None:
    shown = compose([0, 1, 2, 3], lambda place: "p" if place < 3 else "q", TWO_OF_TEN, [])

    assert shown.offerings == (0, 1, 3, 2)


@pytest.mark.parametrize(("place", "expected"), [(1, (3, 0, 1, 2)), (4, (0, 1, 2, 3))])
def test_a_pin_is_an_exact_place(place: int, expected: tuple[int, ...]) -> None:
    assert compose(range(4), str, TWO_OF_TEN, [(3, place)]).offerings == expected


def test_a_pin_holds_downwards_too_and_its_provider_counts() -> None:
    shown = compose(
        range(5), lambda place: "p" if place < 3 else str(place), SlateRules(1, 3), [(0, 3)]
    )

    assert shown.offerings == (3, 4, 0, 1, 2)
    assert shown.moves[0] == (Move("pin", 2),)
    assert shown.moves[3] == (Move("cap", -3),)
    assert shown.moves[1] == (Move("pin", -1), Move("cap", 3))


def test_a_pin_behind_the_end_stands_at_the_end_and_a_missing_offering_is_no_pin() -> None:
    shown = compose([0, 1, 2], str, TWO_OF_TEN, [(0, 9), (7, 1)])

    assert shown.offerings == (1, 2, 0)
