"""Swapped places: a seed decides which two, and how likely each was is known.

Off unless a portal turns it on. A receipt has only the seed: what it does is part of the engine.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from matchmaker.ranking.slate import Move

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.ranking.slate import Slate

EXPLORE: Final = "explore"
SEEDS: Final = 2**32
_PLACES: Final = range(2, 7)
"""Ranks that may be swapped: the first one stays."""


def swapped(slate: Slate, shown: int, seed: int | None) -> Slate:
    """``slate``, of which ``shown`` are shown, with the two places swapped that ``seed`` names."""
    pairs = _pairs(min(shown, len(slate.offerings)))
    if seed is None or not pairs:
        return slate
    first, second = pairs[seed % len(pairs)]
    order = [*slate.offerings]
    order[first - 1], order[second - 1] = order[second - 1], order[first - 1]
    by = second - first
    moves = dict(slate.moves)
    for place, moved in ((second, by), (first, -by)):
        offering = order[place - 1]
        moves[offering] = (*moves.get(offering, ()), Move(EXPLORE, moved))
    return replace(slate, offerings=tuple(order), moves=moves)


def propensity(rank: int, moves: Sequence[Move], shown: int, share: float) -> float:
    """How likely the offering was to stand at ``rank``, where ``share`` of lists are swapped."""
    pairs = _pairs(shown)
    if not pairs or not any(rank in pair for pair in pairs):
        return 1.0
    if any(move.step == EXPLORE for move in moves):
        return share / len(pairs)
    with_it = sum(rank in pair for pair in pairs)
    return 1 - share * with_it / len(pairs)


def _pairs(shown: int) -> list[tuple[int, int]]:
    return [*combinations([place for place in _PLACES if place <= shown], 2)]
