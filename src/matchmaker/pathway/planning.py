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
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.pathway.laying import Laying
from matchmaker.pathway.problem import NEVER, Goal, paid, rises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.pathway.problem import Demand, Move, Problem

MOST_LOOKED_AT: Final = 4_000
"""Partial plans, and as many ways to lay steps into years: of one answer, for all its goals.

With packages of several scenes a quarter as many again, for all their sets together.
"""
MOST_TOGETHER: Final = 255
"""Sets of packages of several scenes that are thought of: all of eight packages."""
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
    the steps that a year has room for theirs come first.

    Packages of several scenes: the plan without any is the first; then those are bought that could
    make it cheaper, together as they are most promising.
    """
    spent = _Allowance(MOST_LOOKED_AT, MOST_LOOKED_AT)
    best = _plan(problem.buying(frozenset()), worth or {}, spent)
    if not problem.packages:
        return best
    spent = _Allowance(MOST_LOOKED_AT // 4, MOST_LOOKED_AT // 4)
    proven = best.proven and 2 ** len(problem.packages) <= MOST_TOGETHER + 1
    for bound, packages in _promising(problem):
        if best.reaches and bound >= best.cost:
            break
        if spent.plans <= 0:
            proven = False
            break
        found = _plan(problem.buying(packages), worth or {}, spent)
        proven = proven and found.proven
        best = min(best, found, key=lambda each: (each.missing + each.missing_binding, each.cost))
    return replace(best, proven=proven)


@dataclass(slots=True)
class _Allowance:
    """How many more partial plans, and ways to lay steps into years, may be looked at."""

    plans: int
    ways: int


def _promising(problem: Problem) -> list[tuple[int, frozenset[int]]]:
    """Which packages to buy together, by the least that a plan with all of them could cost."""
    touching = {
        scene: frozenset(arc.package for arc in problem.arcs if arc.scene == scene)
        for scene in problem.levels
    }
    known: dict[tuple[str, frozenset[int]], int] = {}
    sets = itertools.chain.from_iterable(
        itertools.combinations(problem.packages, count)
        for count in range(1, len(problem.packages) + 1)
    )
    found: list[tuple[int, int, frozenset[int]]] = []
    for packages in map(frozenset, itertools.islice(sets, MOST_TOGETHER)):
        price = sum(problem.packages[each] for each in packages)
        if problem.budgets is not None and price > sum(problem.budgets):
            continue
        for scene, own in touching.items():
            if (scene, packages & own) not in known:
                known[scene, packages & own] = problem.buying(packages).least(scene)
        least = {scene: known[scene, packages & own] for scene, own in touching.items()}
        found.append((_least(problem, least) + price, len(found), packages))
    return [(bound, packages) for bound, _, packages in sorted(found)]


def _least(problem: Problem, each: Mapping[str, int]) -> int:
    """The least that so many scenes at the goal cost, at the least of ``each``."""
    goal = problem.goal
    binding = sorted(each[scene] for scene in each if scene in problem.binding)
    others = [each[scene] for scene in each if scene not in problem.binding]
    rest = sorted([*binding[goal.binding :], *others])
    return sum(binding[: goal.binding]) + sum(rest[: max(0, goal.scenes - goal.binding)])


def _plan(problem: Problem, worth: Mapping[str, int], spent: _Allowance) -> Plan:
    search = _Search(problem, worth, spent)
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
    scenes: int = 0
    binding: int = 0


class _Asked(NamedTuple):
    """A demand between the scenes at these places."""

    scene: int
    needed: int
    demand: Demand


class _Search:
    """Best first over the scenes, for each of which there are some ways to raise it."""

    def __init__(self, problem: Problem, worth: Mapping[str, int], spent: _Allowance) -> None:
        self.problem, self.worth, self.spent = problem, worth, spent
        self.proven = True
        self.scenes = _needed_first(problem)
        self.rises = [rises(problem, scene) for scene in self.scenes]
        self.costs = [
            [rise.cost * _APART + self._unworthy(scene, rise.end) for rise in own]
            for scene, own in zip(self.scenes, self.rises, strict=True)
        ]
        self.prices = [
            (self._price(place), scene in problem.binding)
            for place, scene in enumerate(self.scenes)
        ]
        self._least: dict[tuple[int, int, int], int] = {}
        of: dict[str, int] = {scene: place for place, scene in enumerate(self.scenes)}
        self.demands: dict[int, list[_Asked]] = defaultdict(list)
        for demand in problem.demands:
            if demand.scene in of and demand.needed in of:
                asked = _Asked(of[demand.scene], of[demand.needed], demand)
                self.demands[max(asked.scene, asked.needed)].append(asked)

    def cheapest(self, goal: Goal) -> tuple[Move, ...] | None:
        """The moves of the cheapest plan that reaches ``goal`` in the years; None: there is none.

        None also where too many were looked at; then it is not proven.
        """
        budgets = self.problem.budgets
        most = NEVER if budgets is None else (sum(budgets) + 1) * _APART - 1
        order = itertools.count()
        waiting = [_Partial(self.least(0, goal.scenes, goal.binding), 0, next(order))]
        while self.spent.plans > 0:
            self.spent.plans -= 1
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
        known = self._least.get(key)
        if known is None:
            prices = self.prices[start:]
            of_binding = sorted(price for price, is_binding in prices if is_binding)
            others = sorted(price for price, is_binding in prices if not is_binding)
            rest = sorted([*of_binding[binding:], *others])
            count = max(0, scenes - binding)
            enough = len(of_binding) >= binding and len(rest) >= count
            total = sum(of_binding[:binding]) + sum(rest[:count])
            known = self._least[key] = min(NEVER, total) if enough else NEVER
        return known

    def _unworthy(self, scene: str, end: int) -> int:
        """How much less a scene that is raised is worth than it might be."""
        is_raised = end > self.problem.levels[scene]
        return _WORTHIEST - self.worth.get(scene, 0) if is_raised else 0

    def _price(self, place: int) -> int:
        level, own = self.problem.goal.level, zip(self.rises[place], self.costs[place], strict=True)
        return min((cost for rise, cost in own if rise.end >= level), default=NEVER)

    def _extended(self, partial: _Partial, goal: Goal, order: Iterator[int]) -> Iterator[_Partial]:
        """``partial`` and every rise of the next scene that contradicts no demand."""
        place, level = len(partial.chosen), self.problem.goal.level
        asked, costs = self.demands[place], self.costs[place]
        is_binding = self.scenes[place] in self.problem.binding
        for number, rise in enumerate(self.rises[place]):
            chosen = (*partial.chosen, number)
            if asked and not all(self._holds(each, chosen) for each in asked):
                continue
            scenes, binding = partial.scenes, partial.binding
            if rise.end >= level:
                scenes, binding = scenes + 1, binding + is_binding
            left = self.least(place + 1, goal.scenes - scenes, goal.binding - binding)
            if left < NEVER:
                cost = partial.cost + costs[number]
                yield _Partial(cost + left, -place - 1, next(order), chosen, cost, scenes, binding)

    def _holds(self, asked: _Asked, chosen: Sequence[int]) -> bool:
        scene, demand = asked.scene, asked.demand
        end = self.rises[scene][chosen[scene]].end
        if not self.problem.levels[demand.scene] < demand.level <= end:
            return True
        return self.rises[asked.needed][chosen[asked.needed]].end >= demand.least

    def _laid(self, chosen: Sequence[int]) -> tuple[Move, ...] | None:
        arcs = [
            arc for own, number in zip(self.rises, chosen, strict=True) for arc in own[number].arcs
        ]
        laying = Laying(self.problem, arcs, self.worth, tries=self.spent.ways)
        moves = laying.moves()
        self.spent.ways = laying.left
        self.proven = self.proven and laying.proven
        return moves


def _needed_first(problem: Problem) -> list[str]:
    """The scenes that can be raised or that others need, those that others need first."""
    raised = {arc.scene for arc in problem.useful}
    needed = {demand.needed for demand in problem.demands}
    return sorted(
        problem.levels, key=lambda scene: (scene not in needed, scene not in raised, scene)
    )
