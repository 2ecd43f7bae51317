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

from matchmaker.pathway.bounding import Asked, Prices, cheapest, nearest_first, needs, possible
from matchmaker.pathway.laying import Laying
from matchmaker.pathway.problem import NEVER, paid, rises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.pathway.bounding import ToGoal
    from matchmaker.pathway.problem import Goal, Move, Problem

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
    for bound, packages in _promising(problem, _distance(best)):
        if bound >= (_distance(best), best.cost):
            break
        if spent.plans <= 0:
            proven = False
            break
        price = sum(problem.packages[each] for each in packages)
        found = _plan(problem.buying(packages), worth or {}, spent, (best, price))
        proven = proven and found.proven
        best = min(best, found, key=lambda each: (_distance(each), each.cost))
    return replace(best, proven=proven)


def _distance(found: Plan) -> int:
    """How far from the goal the plan ends."""
    return found.missing + found.missing_binding


_Known = tuple[Plan, int]
"""A plan, and what the packages cost that may take its place."""


@dataclass(slots=True)
class _Allowance:
    """How many more partial plans, and ways to lay steps into years, may be looked at."""

    plans: int
    ways: int


def _promising(problem: Problem, most: int) -> list[tuple[tuple[int, int], frozenset[int]]]:
    """Which packages to buy together, by how close a plan with them could come and for how much.

    At the least; those that cannot come within ``most`` of the goal are left out.
    """
    touching = {
        scene: frozenset(arc.package for arc in problem.arcs if arc.scene == scene)
        for scene in problem.levels
    }
    at_best = _Search(problem, {}, _Allowance(0, 0))
    goals = [
        (distance, each)
        for distance, alike in enumerate(itertools.islice(nearest_first(problem.goal), most + 1))
        for each in alike
        if at_best.might_reach(each)
    ]
    total = NEVER - 1 if problem.budgets is None else sum(problem.budgets)
    known: dict[tuple[str, frozenset[int]], int] = {}
    sets = itertools.chain.from_iterable(
        itertools.combinations(problem.packages, count)
        for count in range(1, len(problem.packages) + 1)
    )
    found: list[tuple[tuple[int, int], int, frozenset[int]]] = []
    for packages in map(frozenset, itertools.islice(sets, MOST_TOGETHER)):
        price = sum(problem.packages[each] for each in packages)
        for scene, own in touching.items():
            if (scene, packages & own) not in known:
                least = problem.buying(packages).least(scene)
                known[scene, packages & own] = least if scene in at_best.in_reach else NEVER
        prices = Prices.of(
            (known[scene, packages & own], scene in problem.binding)
            for scene, own in touching.items()
        )
        bounds = (
            (distance, prices.least(each.scenes, each.binding) + price) for distance, each in goals
        )
        bound = min((each for each in bounds if each[1] <= total), default=None)
        if bound is not None:
            found.append((bound, len(found), packages))
    return [(bound, packages) for bound, _, packages in sorted(found)]


def _plan(
    problem: Problem, worth: Mapping[str, int], spent: _Allowance, known: _Known | None = None
) -> Plan:
    """The plan with every package of the problem; where it is no better, that which is ``known``.

    Known with it: what the packages cost, whatever else is bought.
    """
    search = _Search(problem, worth, spent)
    for distance, goal in enumerate(nearest_first(problem.goal)):
        most = NEVER
        if known is not None and distance >= _distance(known[0]):
            if distance > _distance(known[0]):
                break
            most = known[0].cost - known[1] - 1
        found: list[tuple[int, int, tuple[Move, ...]]] = []
        for place, each in enumerate(goal):
            moves = search.cheapest(each, most) if search.might_reach(each) else None
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
    return _nothing(problem) if known is None else replace(known[0], proven=search.proven)


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


class _Search:
    """Best first over the scenes, for each of which there are some ways to raise it."""

    def __init__(self, problem: Problem, worth: Mapping[str, int], spent: _Allowance) -> None:
        self.problem, self.worth, self.spent = problem, worth, spent
        self.proven = True
        self.scenes = _needed_first(problem)
        of: dict[str, int] = {scene: place for place, scene in enumerate(self.scenes)}
        asked = [
            Asked(of[demand.scene], of[demand.needed], demand)
            for demand in problem.demands
            if demand.scene in of and demand.needed in of
        ]
        self.rises = possible(problem, [rises(problem, scene) for scene in self.scenes], asked)
        self.costs = [
            [rise.cost * _APART + self._unworthy(scene, rise.end) for rise in own]
            for scene, own in zip(self.scenes, self.rises, strict=True)
        ]
        self.demands: dict[int, list[Asked]] = defaultdict(list)
        for each in asked:
            self.demands[max(each.scene, each.needed)].append(each)
        self.goals = [self._to_goal(place, asked) for place in range(len(self.scenes))]
        self.looked_at = [
            sorted({each.needed for each in asked if each.needed < place <= each.scene})
            for place in range(len(self.scenes) + 1)
        ]
        self._prices: dict[tuple[int, tuple[int, ...]], Prices] = {}
        self.in_reach = {scene for scene, ways in zip(self.scenes, self.goals, strict=True) if ways}

    def might_reach(self, goal: Goal) -> bool:
        """Whether there are ways for so many scenes, whatever they cost."""
        binding = len(self.in_reach & self.problem.binding)
        return goal.scenes <= len(self.in_reach) and goal.binding <= binding

    def cheapest(self, goal: Goal, dearest: int) -> tuple[Move, ...] | None:
        """The moves of the cheapest plan that reaches ``goal`` in the years; None: there is none.

        None also where what is bought alone would cost more than ``dearest``, and where too many
        were looked at; then it is not proven.
        """
        budgets = self.problem.budgets
        most = (min(dearest, NEVER if budgets is None else sum(budgets)) + 1) * _APART - 1
        most = min(most, NEVER - 1)
        order = itertools.count()
        waiting = [_Partial(self.least((), goal.scenes, goal.binding), 0, next(order))]
        while self.spent.plans > 0:
            self.spent.plans -= 1
            if not waiting or waiting[0].bound > most:
                return None
            partial = heapq.heappop(waiting)
            if len(partial.chosen) == len(self.scenes):
                moves = self._laid(partial.chosen)
                if moves is not None:
                    return moves
                continue
            for more in self._extended(partial, goal, most, order):
                heapq.heappush(waiting, more)
        self.proven = False
        return None

    def least(self, chosen: Sequence[int], scenes: int, binding: int) -> int:
        """The least that so many more scenes at the goal will cost, after those that are chosen.

        Exact as soon as all scenes that others need are chosen: what is left then asks for nothing
        but them.
        """
        place = len(chosen)
        ends = tuple(self.rises[each][chosen[each]].end for each in self.looked_at[place])
        prices = self._prices.get((place, ends))
        if prices is None:
            stand = dict(zip(self.looked_at[place], ends, strict=True))
            prices = self._prices[place, ends] = Prices.of(
                (cheapest(own, stand), scene in self.problem.binding)
                for scene, own in zip(self.scenes[place:], self.goals[place:], strict=True)
            )
        return prices.least(max(0, scenes), max(0, binding))

    def _unworthy(self, scene: str, end: int) -> int:
        """How much less a scene that is raised is worth than it might be."""
        is_raised = end > self.problem.levels[scene]
        return _WORTHIEST - self.worth.get(scene, 0) if is_raised else 0

    def _to_goal(self, place: int, asked: Sequence[Asked]) -> list[ToGoal]:
        """The ways that bring the scene to the goal and what they ask for, cheapest first."""
        level, own = self.problem.goal.level, zip(self.rises[place], self.costs[place], strict=True)
        of_scene = [each for each in asked if each.scene == place]
        return sorted(
            (cost, tuple(needs(self.problem, of_scene, rise)))
            for rise, cost in own
            if rise.end >= level
        )

    def _extended(
        self, partial: _Partial, goal: Goal, most: int, order: Iterator[int]
    ) -> Iterator[_Partial]:
        """``partial`` and every rise of the next scene that may yet cost no more than ``most``."""
        place = len(partial.chosen)
        is_binding = self.scenes[place] in self.problem.binding
        # What is left to pay depends on where a rise ends, not on its steps.
        left: dict[int, int] = {}
        for number, rise in enumerate(self.rises[place]):
            chosen = (*partial.chosen, number)
            counts = rise.end >= self.problem.goal.level
            scenes, binding = partial.scenes + counts, partial.binding + (counts and is_binding)
            if rise.end not in left:
                holds = all(self._holds(each, chosen) for each in self.demands[place])
                more = goal.scenes - scenes, goal.binding - binding
                left[rise.end] = self.least(chosen, *more) if holds else NEVER
            cost = partial.cost + self.costs[place][number]
            bound = cost + left[rise.end]
            if bound <= most:
                yield _Partial(bound, -place - 1, next(order), chosen, cost, scenes, binding)

    def _holds(self, asked: Asked, chosen: Sequence[int]) -> bool:
        rise = self.rises[asked.scene][chosen[asked.scene]]
        end = self.rises[asked.needed][chosen[asked.needed]].end
        return all(end >= least for _, least in needs(self.problem, [asked], rise))

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
