"""The plan: which scenes to raise, by which steps, in which year, at the least cost.

Pure, and exact in whole minor units. A step raises one scene from one level to a higher one; the
steps of a year cost no more than its budget; a step may need other scenes to stand somewhere before
it. The goal counts scenes: so many at a level, and so many of them binding. A package that raises
several scenes is paid once. Of the plans that come closest to the goal one of the least cost is
taken.

Plans are looked at in order of rising cost, scene by scene, the least that the remaining scenes
will cost added to what the chosen ones do (best first): the first that fits into the years is
the cheapest. Where that takes too long the answer says that it is not proven.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.pathway.laying import Laying
from matchmaker.pathway.problem import ALONE, NEVER, Goal, paid, rises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.pathway.problem import Demand, Move, Problem

MOST_LOOKED_AT: Final = 4_000
"""Partial plans, and as many ways to lay steps into years: of one answer, for all its goals."""
_APART: Final = 10**6
"""Costs are counted in these, so that of equal plans the worthier comes first."""
_WORTHIEST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, their cost, and how many scenes are missing at the goal."""

    moves: tuple[Move, ...]
    cost: int
    missing: int
    missing_binding: int
    proven: bool
    """Whether no cheaper plan comes as close."""

    @property
    def reaches(self) -> bool:
        """Whether the goal is reached."""
        return not self.missing and not self.missing_binding


def plan(problem: Problem, worth: Mapping[str, int] | None = None) -> Plan:
    """The plan; where the goal is out of reach, the cheapest of those that come closest.

    Of plans of equal cost one of the scenes of the greatest ``worth`` (0 to 1000) is taken, and of
    the steps that a year has room for theirs come first. Where packages of several scenes are too
    many to look at them all, the plan may be one without them.
    """
    found = _plan(problem, worth or {})
    if found.proven or len(problem.alone.arcs) == len(problem.arcs):
        return found
    alone = _plan(problem.alone, worth or {})
    closest = min(found, alone, key=lambda each: (each.missing + each.missing_binding, each.cost))
    return replace(closest, proven=False)


def _plan(problem: Problem, worth: Mapping[str, int]) -> Plan:
    search = _Search(problem, worth)
    for goal in _nearest_first(problem.goal):
        found: list[tuple[int, int, tuple[Move, ...]]] = []
        for place, each in enumerate(goal):
            moves = search.cheapest(each)
            if moves is not None:
                found.append((paid(move.arc for move in moves), place, moves))
        if found:
            cost, place, moves = min(found)
            return Plan(
                moves=moves,
                cost=cost,
                missing=problem.goal.scenes - goal[place].scenes,
                missing_binding=problem.goal.binding - goal[place].binding,
                proven=search.proven,
            )
    # Doing nothing is a plan too; it is not found only where nothing was in time.
    return _nothing(problem)


def _nothing(problem: Problem) -> Plan:
    goal, levels = problem.goal, problem.levels
    there = {scene for scene, level in levels.items() if level >= goal.level}
    return Plan(
        moves=(),
        cost=0,
        missing=max(0, goal.scenes - len(there)),
        missing_binding=max(0, goal.binding - len(there & problem.binding)),
        proven=False,
    )


def _nearest_first(goal: Goal) -> Iterator[list[Goal]]:
    """The goal, then all that ask for one scene less, for two less, and so on."""
    for less in range(goal.scenes + goal.binding + 1):
        yield [
            Goal(goal.level, goal.scenes - less + binding, goal.binding - binding)
            for binding in range(min(less, goal.binding) + 1)
            if less - binding <= goal.scenes
        ]


class _Partial(NamedTuple):
    """The rises chosen for the first scenes, by number; what costs least at least comes first."""

    bound: int
    negative: int
    """Less the number of scenes: of equal bounds the longest comes first."""
    number: int
    chosen: tuple[int, ...] = ()
    cost: int = 0
    """Of what is bought for one scene alone."""
    scenes: int = 0
    binding: int = 0
    packages: frozenset[int] = frozenset()


class _Search:
    """Best first over the scenes, for each of which there are some ways to raise it.

    What a package costs is shared out over the scenes it can raise: for a scene still to be looked
    at its share is the least that it adds, whether it is bought already or not.
    """

    def __init__(self, problem: Problem, worth: Mapping[str, int]) -> None:
        self.problem, self.worth = problem, worth
        self.proven = True
        self.left = self.tries = MOST_LOOKED_AT
        self.scenes = _needed_first(problem)
        self.rises = [rises(problem, scene) for scene in self.scenes]
        self.costs = [
            [rise.cost * _APART + self._unworthy(scene, rise.end) for rise in own]
            for scene, own in zip(self.scenes, self.rises, strict=True)
        ]
        self.prices = {
            arc.package: arc.cost * _APART for arc in problem.useful if arc.package != ALONE
        }
        raising = [frozenset[int]().union(*(rise.packages for rise in own)) for own in self.rises]
        uses = Counter(package for packages in raising for package in packages)
        self.shares = {package: self.prices[package] // count for package, count in uses.items()}
        # By how many scenes are chosen, how many others each package can raise.
        self.to_come = [
            Counter(package for packages in raising[place:] for package in packages)
            for place in range(len(raising) + 1)
        ]
        self._least: dict[tuple[int, int, int], int] = {}
        of: dict[str, int] = {scene: place for place, scene in enumerate(self.scenes)}
        self.demands: dict[int, list[Demand]] = defaultdict(list)
        for demand in problem.demands:
            if demand.scene in of and demand.needed in of:
                self.demands[max(of[demand.scene], of[demand.needed])].append(demand)

    def cheapest(self, goal: Goal) -> tuple[Move, ...] | None:
        """The moves of the cheapest plan that reaches ``goal`` in the years; None: there is none.

        None also where too many were looked at; then it is not proven.
        """
        budgets = self.problem.budgets
        most = NEVER if budgets is None else (sum(budgets) + 1) * _APART - 1
        order = itertools.count()
        waiting = [_Partial(self.least(0, goal.scenes, goal.binding), 0, next(order))]
        while self.left > 0:
            self.left -= 1
            if not waiting or waiting[0].bound > min(most, NEVER - 1):
                return None
            partial = heapq.heappop(waiting)
            if len(partial.chosen) == len(self.scenes):
                moves = self._laid(partial.chosen)
                if moves is not None:
                    return moves
                continue
            for more in self._extended(partial, goal, order):
                heapq.heappush(waiting, more)
        self.proven = False
        return None

    def least(self, start: int, scenes: int, binding: int) -> int:
        """The least that so many more scenes at the goal will cost, of those from ``start``."""
        scenes, binding = max(0, scenes), max(0, binding)
        key = (start, scenes, binding)
        if key not in self._least:
            prices = [
                (self._price(n), self.scenes[n] in self.problem.binding)
                for n in range(start, len(self.scenes))
            ]
            of_binding = sorted(price for price, is_binding in prices if is_binding)
            others = sorted(price for price, is_binding in prices if not is_binding)
            rest = sorted([*of_binding[binding:], *others])
            count = max(0, scenes - binding)
            enough = len(of_binding) >= binding and len(rest) >= count
            total = sum(of_binding[:binding]) + sum(rest[:count])
            self._least[key] = min(NEVER, total) if enough else NEVER
        return self._least[key]

    def _unworthy(self, scene: str, end: int) -> int:
        """How much less a scene that is raised is worth than it might be."""
        is_raised = end > self.problem.levels[scene]
        return _WORTHIEST - self.worth.get(scene, 0) if is_raised else 0

    def _price(self, place: int) -> int:
        level = self.problem.goal.level
        return min(
            (
                cost + sum(self.shares[package] for package in rise.packages)
                for rise, cost in zip(self.rises[place], self.costs[place], strict=True)
                if rise.end >= level
            ),
            default=NEVER,
        )

    def _bought(self, packages: frozenset[int], place: int) -> int:
        """What bought packages cost, less the shares of scenes from ``place`` they can raise."""
        to_come = self.to_come[place]
        return sum(self.prices[each] - self.shares[each] * to_come[each] for each in packages)

    def _extended(self, partial: _Partial, goal: Goal, order: Iterator[int]) -> Iterator[_Partial]:
        """``partial`` and every rise of the next scene that contradicts no demand."""
        place, level = len(partial.chosen), self.problem.goal.level
        is_binding = self.scenes[place] in self.problem.binding
        for number, rise in enumerate(self.rises[place]):
            chosen = (*partial.chosen, number)
            if not all(self._holds(demand, chosen) for demand in self.demands[place]):
                continue
            cost = partial.cost + self.costs[place][number]
            scenes = partial.scenes + (rise.end >= level)
            binding = partial.binding + (is_binding and rise.end >= level)
            packages = partial.packages | rise.packages
            left = self.least(place + 1, goal.scenes - scenes, goal.binding - binding)
            if left < NEVER:
                bound = cost + self._bought(packages, place + 1) + left
                yield _Partial(
                    bound, -len(chosen), next(order), chosen, cost, scenes, binding, packages
                )

    def _holds(self, demand: Demand, chosen: Sequence[int]) -> bool:
        ends = {
            scene: own[number].end
            for scene, own, number in zip(self.scenes, self.rises, chosen, strict=False)
        }
        is_asked = self.problem.levels[demand.scene] < demand.level <= ends[demand.scene]
        return not is_asked or ends[demand.needed] >= demand.least

    def _laid(self, chosen: Sequence[int]) -> tuple[Move, ...] | None:
        arcs = [
            arc for own, number in zip(self.rises, chosen, strict=True) for arc in own[number].arcs
        ]
        laying = Laying(self.problem, arcs, self.worth, tries=self.tries)
        moves = laying.moves()
        self.tries = laying.left
        self.proven = self.proven and laying.proven
        return moves


def _needed_first(problem: Problem) -> list[str]:
    """The scenes that can be raised or that others need, those that others need first."""
    raised = {arc.scene for arc in problem.useful}
    needed = {demand.needed for demand in problem.demands}
    return sorted(
        problem.levels, key=lambda scene: (scene not in needed, scene not in raised, scene)
    )
