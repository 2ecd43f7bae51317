"""The plan: which scenes to raise, by which steps, in which year, at the least cost.

Pure, and exact in whole minor units. A step raises one scene from one level to a higher one; the
steps of a year cost no more than its budget; a step may need other scenes to stand somewhere before
it. The goal counts scenes: so many at a level, and so many of them binding. Of the plans that come
closest to the goal one of the least cost is taken.

Plans are looked at in order of rising cost, scene by scene, the least that the remaining scenes
will cost added to what the chosen ones do (best first): the first that fits into the years is
the cheapest. Where that takes too long the answer says that it is not proven.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_LOOKED_AT: Final = 4_000
"""Partial plans, and as many ways to lay steps into years: of one answer, for all its goals."""
_NEVER: Final = 2**80
_APART: Final = 10**6
"""Costs are counted in these, so that of equal plans the worthier comes first."""
_WORTHIEST: Final = 1000


class Arc(NamedTuple):
    """One way to raise a scene, and its price in minor units."""

    scene: str
    start: int
    end: int
    cost: int

    def crosses(self, level: int) -> bool:
        """Whether the step brings its scene to ``level``."""
        return self.start < level <= self.end


class Demand(NamedTuple):
    """To reach ``level`` of ``scene`` the scene ``needed`` must stand at ``least`` or above."""

    scene: str
    level: int
    needed: str
    least: int


class Goal(NamedTuple):
    """So many scenes at ``level``, and so many of them binding."""

    level: int
    scenes: int
    binding: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Where a firm stands, what it could do, what it may spend."""

    levels: Mapping[str, int]
    """The present level of every scene."""
    binding: frozenset[str]
    goal: Goal
    arcs: Sequence[Arc]
    demands: Sequence[Demand] = ()
    budgets: Sequence[int] | None = None
    """By year; None: without limit, and a step is done as soon as what it needs is done."""

    @cached_property
    def useful(self) -> tuple[Arc, ...]:
        """The arcs but those for which smaller steps together cost no more."""
        best: dict[tuple[str, int, int], int] = {}
        kept: list[Arc] = []
        for arc in sorted(self.arcs, key=lambda arc: (arc.end - arc.start, arc)):
            scene, start, end, cost = arc
            least = min(
                (
                    best.get((scene, start, way), _NEVER) + best.get((scene, way, end), _NEVER)
                    for way in range(start + 1, end)
                ),
                default=_NEVER,
            )
            known = best.get((scene, start, end), _NEVER)
            if cost < min(least, known):
                kept.append(arc)
            best[scene, start, end] = min(cost, least, known)
        return tuple(kept)


class Move(NamedTuple):
    """A step of the plan in its year, from 0."""

    year: int
    arc: Arc


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
    """
    search = _Search(problem, worth or {})
    for goal in _nearest_first(problem.goal):
        found: list[tuple[int, int, tuple[Move, ...]]] = []
        for place, each in enumerate(goal):
            moves = search.cheapest(each)
            if moves is not None:
                found.append((sum(move.arc.cost for move in moves), place, moves))
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


class _Search:
    """Best first over the scenes, for each of which there are some ways to raise it."""

    def __init__(self, problem: Problem, worth: Mapping[str, int]) -> None:
        self.problem, self.worth = problem, worth
        self.proven = True
        self.left = self.tries = MOST_LOOKED_AT
        self.scenes = _needed_first(problem)
        self.ways = [
            [(end, cost * _APART + self._unworthy(scene, end), arcs) for end, cost, arcs in ways]
            for scene in self.scenes
            for ways in [_ways(problem, scene)]
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
        most = _NEVER if budgets is None else (sum(budgets) + 1) * _APART - 1
        order = itertools.count()
        waiting = [(self.least(0, goal.scenes, goal.binding), 0, next(order), tuple[int, ...]())]
        while self.left > 0:
            self.left -= 1
            if not waiting or waiting[0][0] > min(most, _NEVER - 1):
                return None
            _, negative, _, chosen = heapq.heappop(waiting)
            if -negative == len(self.scenes):
                moves = self._laid(chosen)
                if moves is not None:
                    return moves
                continue
            for more in self._extended(chosen):
                cost, scenes, binding = self._sum(more)
                bound = cost + self.least(len(more), goal.scenes - scenes, goal.binding - binding)
                if bound < _NEVER:
                    heapq.heappush(waiting, (bound, -len(more), next(order), more))
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
            self._least[key] = min(_NEVER, total) if enough else _NEVER
        return self._least[key]

    def _unworthy(self, scene: str, end: int) -> int:
        """How much less a scene that is raised is worth than it might be."""
        is_raised = end > self.problem.levels[scene]
        return _WORTHIEST - self.worth.get(scene, 0) if is_raised else 0

    def _price(self, place: int) -> int:
        level = self.problem.goal.level
        return min((cost for end, cost, _ in self.ways[place] if end >= level), default=_NEVER)

    def _extended(self, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """``chosen`` and every way of the next scene that contradicts no demand."""
        place = len(chosen)
        for number in range(len(self.ways[place])):
            more = (*chosen, number)
            if all(self._holds(demand, more) for demand in self.demands[place]):
                yield more

    def _holds(self, demand: Demand, chosen: Sequence[int]) -> bool:
        ends = {
            scene: way[number][0]
            for scene, way, number in zip(self.scenes, self.ways, chosen, strict=False)
        }
        is_asked = self.problem.levels[demand.scene] < demand.level <= ends[demand.scene]
        return not is_asked or ends[demand.needed] >= demand.least

    def _sum(self, chosen: Sequence[int]) -> tuple[int, int, int]:
        """What the chosen ways cost, and how many scenes and binding ones are at the goal."""
        cost = scenes = binding = 0
        for scene, ways, number in zip(self.scenes, self.ways, chosen, strict=False):
            end, price, _ = ways[number]
            cost += price
            if end >= self.problem.goal.level:
                scenes += 1
                binding += scene in self.problem.binding
        return cost, scenes, binding

    def _laid(self, chosen: Sequence[int]) -> tuple[Move, ...] | None:
        arcs = [
            arc for ways, number in zip(self.ways, chosen, strict=True) for arc in ways[number][2]
        ]
        laying = _Laying(self.problem, arcs, self.worth, tries=self.tries)
        moves = laying.moves()
        self.tries = laying.left
        self.proven = self.proven and laying.proven
        return moves


class _Laying:
    """The steps of one plan laid into the years, each after what it needs."""

    def __init__(
        self, problem: Problem, arcs: Sequence[Arc], worth: Mapping[str, int], *, tries: int
    ) -> None:
        self.problem = problem
        self.proven = True
        self.left = tries
        self.needs = {arc: self._needed(arc, arcs) for arc in arcs}
        self.order = self._in_order(worth)

    def moves(self) -> tuple[Move, ...] | None:
        """The steps in order with their years; None where the budgets have no room for them."""
        if len(self.order) < len(self.needs):
            return None
        if self.problem.budgets is None:
            years: dict[Arc, int] = {}
            for arc in self.order:
                years[arc] = 1 + max((years[each] for each in self.needs[arc]), default=-1)
        else:
            left, found = list(self.problem.budgets), dict[Arc, int]()
            if not self._fits(0, left, found):
                return None
            years = found
        place = {arc: number for number, arc in enumerate(self.order)}
        ordered = sorted(self.order, key=lambda arc: (years[arc], place[arc]))
        return tuple(Move(years[arc], arc) for arc in ordered)

    def _needed(self, arc: Arc, arcs: Sequence[Arc]) -> tuple[Arc, ...]:
        before = [each for each in arcs if each.scene == arc.scene and each.end == arc.start]
        for demand in self.problem.demands:
            if demand.scene == arc.scene and arc.crosses(demand.level):
                before += [
                    each
                    for each in arcs
                    if each.scene == demand.needed and each.crosses(demand.least)
                ]
        return tuple(before)

    def _in_order(self, worth: Mapping[str, int]) -> list[Arc]:
        """The steps, each after what it needs, the worthiest first; fewer where they go round."""
        left = sorted(self.needs, key=lambda arc: (-worth.get(arc.scene, 0), arc))
        found: list[Arc] = []
        while ready := [arc for arc in left if all(each in found for each in self.needs[arc])]:
            found.append(ready[0])
            left.remove(ready[0])
        return found

    def _fits(self, place: int, left: list[int], years: dict[Arc, int]) -> bool:
        """Whether the steps from ``place`` on find room, each as early as may be."""
        if place == len(self.order):
            return True
        arc = self.order[place]
        for year in range(max((years[e] for e in self.needs[arc]), default=0), len(left)):
            self.left -= 1
            if self.left < 0:
                self.proven = False
                return False
            if left[year] < arc.cost:
                continue
            left[year] -= arc.cost
            years[arc] = year
            if self._fits(place + 1, left, years):
                return True
            left[year] += arc.cost
            del years[arc]
        return False


def _needed_first(problem: Problem) -> list[str]:
    """The scenes that can be raised or that others need, those that others need first."""
    raised = {arc.scene for arc in problem.useful}
    needed = {demand.needed for demand in problem.demands}
    return sorted(
        problem.levels, key=lambda scene: (scene not in needed, scene not in raised, scene)
    )


def _ways(problem: Problem, scene: str) -> Iterator[tuple[int, int, tuple[Arc, ...]]]:
    """Every way to raise the scene that may be worth it: the level it ends at, its cost, its steps.

    Only to the goal or to a level that another scene needs. Where neither budgets nor demands care
    by which steps, the cheapest of each.
    """
    now = problem.levels[scene]
    wanted = {each.least for each in problem.demands if each.needed == scene} | {problem.goal.level}
    found = [(now, 0, ())] + [
        (arcs[-1].end, sum(arc.cost for arc in arcs), arcs)
        for arcs in _chains([arc for arc in problem.useful if arc.scene == scene], now)
        # A step may only end above what is wanted.
        if any(arcs[-1].crosses(level) for level in wanted)
    ]
    cares = any(scene in {each.scene, each.needed} for each in problem.demands)
    if cares or problem.budgets is not None:
        yield from found
        return
    for end in sorted({end for end, _, _ in found}):
        yield min(way for way in found if way[0] == end)


def _chains(arcs: Iterable[Arc], start: int) -> Iterator[tuple[Arc, ...]]:
    known = list(arcs)
    for arc in known:
        if arc.start == start:
            yield (arc,)
            for rest in _chains(known, arc.end):
                yield (arc, *rest)
