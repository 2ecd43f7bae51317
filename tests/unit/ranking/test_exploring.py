"""Swapped places: how likely each is, is what happens; the first one and the rest stay."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from matchmaker.ranking.exploring import EXPLORE, propensity, swapped
from matchmaker.ranking.slate import MissedFloor, Move, Slate

SLATE = Slate(tuple("abcdefgh"), {"c": (Move("cap", 1),)})  # type: ignore[arg-type, dict-item]


def test_without_a_seed_nothing_is_explored() -> None:
    assert swapped(SLATE, 8, None) is SLATE


@pytest.mark.parametrize("shown", [1, 2, 3, 5, 6, 8])
def test_propensities_are_what_happens(shown: int) -> None:
    share, seeds = 0.2, range(60)
    seen: Counter[tuple[object, int]] = Counter()
    for seed in seeds:
        for is_swapped in (False, True):
            found = swapped(SLATE, shown, seed if is_swapped else None)
            often = (share if is_swapped else 1 - share) / len(seeds)
            for rank, offering in enumerate(found.offerings[:shown], 1):
                seen[offering, rank] += often  # type: ignore[assignment]
    told: dict[tuple[object, int], float] = {}
    for seed in (None, *seeds):
        found = swapped(SLATE, shown, seed)
        for rank, offering in enumerate(found.offerings[:shown], 1):
            moves = found.moves.get(offering, ())
            told[offering, rank] = propensity(rank, moves, shown, share)
    assert told.keys() == seen.keys()
    for at, likely in told.items():
        assert likely == pytest.approx(seen[at])


def test_a_swap_is_listed_behind_the_other_moves_and_moves_nothing_else() -> None:
    for seed in range(30):
        found = swapped(SLATE, 8, seed)
        moved = {o for o, moves in found.moves.items() if moves[-1].step == EXPLORE}
        assert len(moved) == 2
        assert sum(found.moves[offering][-1].moved for offering in moved) == 0
        for offering in moved:
            was, is_ = SLATE.offerings.index(offering), found.offerings.index(offering)
            assert found.moves[offering][-1].moved == is_ - was
            assert 1 <= is_ <= 5
        assert found.offerings[0] == SLATE.offerings[0]
        assert found.offerings[6:] == SLATE.offerings[6:]
        assert found.moves[SLATE.offerings[2]][0] == Move("cap", 1)


def test_what_a_floor_lacks_is_told_of_a_swapped_list_too() -> None:
    missed = MissedFloor("c", asked=3, met=1, eligible=1, room=2)
    found = swapped(replace(SLATE, missed=(missed,)), 8, 1)
    assert found.offerings != SLATE.offerings
    assert found.missed == (missed,)
