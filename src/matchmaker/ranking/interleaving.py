"""Two orders merged by team draft: a seed decides who chooses first, and how likely all was.

In every round a coin says which team goes first; each takes the foremost of its order that is not
taken yet. A receipt has only the seed: what it does is part of the engine.
"""

from __future__ import annotations

import enum
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INTERLEAVE: Final = "interleave"


class Team(enum.StrEnum):
    """For which of two orders an offering was drafted."""

    A = "a"
    B = "b"


class Drafted(NamedTuple):
    """For whom an offering was drafted, and how likely it was drafted at its place."""

    team: Team
    likelihood: float


_TEAMS: Final = (Team.A, Team.B)
Orders = tuple["Sequence[int]", "Sequence[int]"]
"""What team A would show, and team B: all of both, or as much of each as is drafted."""


def draft(orders: Orders, count: int, seed: int) -> dict[int, Team]:
    """The first ``count`` offerings of the merged order, each with its team."""
    left = tuple(map(iter, orders))
    chosen: dict[int, Team] = {}
    for turn in range(-(-count // 2)):
        first = _coin(seed, turn)
        for team in (first, 1 - first):
            offering = next((each for each in left[team] if each not in chosen), None)
            if offering is not None and len(chosen) < count:
                chosen[offering] = _TEAMS[team]
    return chosen


def likelihoods(orders: Orders, count: int) -> list[Mapping[int, float]]:
    """How likely each offering is drafted at each of the first ``count`` places.

    What is taken is always a first part of either order, so the ways that a draft can go are few.
    """
    rounds = _Rounds(orders)
    ways: Mapping[tuple[int, int], float] = {(0, 0): 1.0}
    places: list[Mapping[int, float]] = []
    while len(places) < count:
        later: dict[tuple[int, int], float] = defaultdict(float)
        both: tuple[dict[int, float], dict[int, float]] = (defaultdict(float), defaultdict(float))
        for way, chance in ways.items():
            for team in (0, 1):
                after = way
                for place, who in zip(both, (team, 1 - team), strict=True):
                    offering, after = rounds.take(who, after)
                    if offering is not None:
                        place[offering] += chance / 2
                later[after] += chance / 2
        places += both
        ways = later
    return places[:count]


class _Rounds:
    """Who takes what where the first parts of both orders are gone."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._places = tuple({each: at for at, each in enumerate(order)} for order in orders)

    def take(self, team: int, way: tuple[int, int]) -> tuple[int | None, tuple[int, int]]:
        """What ``team`` takes, None where nothing is left, and how much is gone then."""
        at = next(self._left(team, way), None)
        if at is None:
            return None, way
        gone = at + 1
        return self._orders[team][at], (gone, way[1]) if team == 0 else (way[0], gone)

    def _left(self, team: int, way: tuple[int, int]) -> Iterator[int]:
        """Where in its order ``team`` finds what is not taken."""
        order, others, gone = self._orders[team], self._places[1 - team], way[1 - team]
        for at in range(way[team], len(order)):
            if others.get(order[at], gone) >= gone:
                yield at


def _coin(seed: int, turn: int) -> int:
    return hashlib.sha256(f"{seed}:{turn}".encode()).digest()[0] & 1
