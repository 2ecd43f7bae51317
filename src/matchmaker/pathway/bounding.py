"""What plans cannot do better than: what is in reach at all, and what is left costs at least."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from matchmaker.pathway.problem import NEVER, Goal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matchmaker.pathway.problem import Demand, Problem, Rise


class Asked(NamedTuple):
    """A demand between the scenes at these places."""

    scene: int
    needed: int
    demand: Demand


ToGoal = tuple[int, tuple[tuple[int, int], ...]]
"""A cost, and the places of the scenes that have to stand at a level."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What each further scene costs at the least, rising; known sums are kept."""

    binding: list[int]
    others: list[int]
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, prices: Iterable[tuple[int, bool]]) -> Prices:
        """Of the price of each scene, and whether it is binding."""
        sums: tuple[list[int], list[int]] = ([], [])
        for price, is_binding in sorted(prices):
            sums[is_binding].append(price)
        return cls(binding=sums[True], others=sums[False])

    def least(self, scenes: int, binding: int) -> int:
        """The least of so many scenes, so many of them binding."""
        found = self.known.get((scenes, binding))
        if found is None:
            rest = sorted([*self.binding[binding:], *self.others])
            count = max(0, scenes - binding)
            enough = len(self.binding) >= binding and len(rest) >= count
            total = sum(self.binding[:binding]) + sum(rest[:count])
            found = self.known[scenes, binding] = min(NEVER, total) if enough else NEVER
        return found


def cheapest(ways: Sequence[ToGoal], stand: Mapping[int, int]) -> int:
    """The least cost of the ways that ask for no more than where the chosen scenes ``stand``."""
    for cost, needed in ways:
        if all(stand.get(place, least) >= least for place, least in needed):
            return cost
    return NEVER


def needs(problem: Problem, asked: Iterable[Asked], rise: Rise) -> Iterator[tuple[int, int]]:
    """The scenes, by place, that have to stand somewhere for the rise."""
    for each in asked:
        if problem.levels[each.demand.scene] < each.demand.level <= rise.end:
            yield each.needed, each.demand.least


def possible(problem: Problem, ways: list[list[Rise]], asked: Sequence[Asked]) -> list[list[Rise]]:
    """Without the rises that need a scene to stand where nothing brings it."""
    while True:
        highest = [max(rise.end for rise in own) for own in ways]
        kept = [
            [
                rise
                for rise in own
                if all(
                    highest[needed] >= least
                    for needed, least in needs(
                        problem, (each for each in asked if each.scene == place), rise
                    )
                )
            ]
            for place, own in enumerate(ways)
        ]
        if kept == ways:
            return ways
        ways = kept


def nearest_first(goal: Goal) -> Iterator[list[Goal]]:
    """The goal, then all that ask for one scene less, for two less, and so on."""
    for less in range(goal.scenes + goal.binding + 1):
        yield [
            Goal(goal.level, goal.scenes - less + binding, goal.binding - binding)
            for binding in range(min(less, goal.binding) + 1)
            if less - binding <= goal.scenes
        ]
