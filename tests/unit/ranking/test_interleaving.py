"""Team draft: fair to equal orders, open to a better one, and as likely as it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.ranking import interleaving
from matchmaker.ranking.comparing import Share, difference, sign_test
from matchmaker.ranking.interleaving import Orders, Team, draft, likelihoods

LISTS, SHOWN, POOL = 1000, 10, 30
Merge = Callable[[Orders, int, int], Mapping[int, Team]]


def naive(orders: Orders, count: int, seed: int) -> dict[int, Team]:
    """The same without a coin: what ranks now always chooses first."""
    del seed
    chosen: dict[int, Team] = {}
    while len(chosen) < count:
        for team, order in zip(Team, orders, strict=True):
            chosen[next(each for each in order if each not in chosen)] = team
    return chosen


def clicked(merged: Mapping[int, Team], worth: Sequence[float], draw: np.random.Generator) -> Team:
    """Whose the offering is that a firm looks at: the foremost that it likes, the last at worst."""
    for offering, team in merged.items():
        if draw.random() < worth[offering]:
            return team
    return team


def wins_of_b(merge: Merge, noise: tuple[float, float]) -> int:
    """How many of the lists of two rankers, each as noisy as told, B wins."""
    draw, won = np.random.default_rng(7), 0
    for seed in range(LISTS):
        worth = draw.random(POOL) ** 2
        orders = tuple(np.argsort(-(worth + draw.normal(0, each, POOL))).tolist() for each in noise)
        merged = merge((orders[0], orders[1]), SHOWN, seed)
        won += clicked(merged, worth.tolist(), draw) is Team.B
    return won


def test_equal_models_win_half_each_and_a_better_one_more() -> None:
    assert sign_test(LISTS - (won := wins_of_b(draft, (0.3, 0.3))), won) > 0.01
    better = wins_of_b(draft, (0.6, 0.05))
    assert better > LISTS / 2
    assert sign_test(LISTS - better, better) < 1e-6
    # The control: a merge in which what ranks now goes first is unfair to an equal model.
    unfair = wins_of_b(naive, (0.3, 0.3))
    assert unfair < LISTS / 2
    assert sign_test(LISTS - unfair, unfair) < 1e-6


def every_draft(orders: Orders, count: int) -> list[list[int]]:
    """The merged orders of all coins there are."""
    turns = -(-count // 2)
    found = []
    for coins in range(2**turns):
        left, chosen = [iter(each) for each in orders], list[int]()
        for turn in range(turns):
            first = coins >> turn & 1
            for team in (first, 1 - first):
                taken = next((each for each in left[team] if each not in chosen), None)
                chosen += [] if taken is None else [taken]
        found.append(chosen[:count])
    return found


@given(st.permutations(range(6)), st.permutations(range(6)), st.integers(1, 6))
def test_likelihoods_are_those_of_all_coins(a: list[int], b: list[int], count: int) -> None:
    drafts = every_draft((a, b), count)
    for place, found in enumerate(likelihoods((a, b), count)):
        for offering in range(6):
            share = sum(each[place] == offering for each in drafts) / len(drafts)
            assert math.isclose(found.get(offering, 0.0), share, abs_tol=1e-12)


@given(st.permutations(range(8)), st.permutations(range(8)), st.integers(0, 2**32 - 1))
def test_more_of_a_draft_begins_as_less_of_it(a: list[int], b: list[int], seed: int) -> None:
    whole = draft((a, b), 8, seed)
    assert sorted(whole) == list(range(8))
    for count in range(1, 9):
        # Of either order no more is needed than is drafted.
        assert [*draft((a[:count], b[:count]), count, seed).items()] == [*whole.items()][:count]


def test_many_places_are_followed_in_no_time() -> None:
    random = np.random.default_rng(0)
    orders = random.permutation(300).tolist(), random.permutation(300).tolist()
    for place in likelihoods(orders, 200):
        assert math.isclose(sum(place.values()), 1.0)
    assert interleaving.INTERLEAVE == "interleave"


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1.0), (3, 3, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (2, 10, 158 / 4096)],
)
def test_the_sign_test_is_exact(first: int, second: int, p: float) -> None:
    assert math.isclose(sign_test(first, second), p)
    assert sign_test(first, second) == sign_test(second, first)


def test_the_interval_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: 56/70 and 48/80; then 0/10 and 10/10.
    found = difference(Share(48, 80), Share(56, 70), 0.95)
    assert found is not None
    assert [round(each, 4) for each in found] == [0.2, 0.0524, 0.3339]
    last = difference(Share(0, 10), Share(10, 10), 0.95)
    assert last is not None
    assert (round(last.low, 4), last.high) == (0.6075, 1.0)
    assert difference(Share(0, 0), Share(3, 9), 0.95) is None
