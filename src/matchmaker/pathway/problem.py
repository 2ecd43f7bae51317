"""What a plan is looked for in: where a firm stands, what it could buy, what it may spend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ALONE: Final = -1
"""The package of a step that is bought by itself."""
NEVER: Final = 2**80
"""More than anything costs."""


class Arc(NamedTuple):
    """One way to raise a scene, and its price in minor units.

    A package that raises several scenes has an arc for each, all of its whole price: those of one
    plan are bought in the same year and paid once.
    """

    scene: str
    start: int
    end: int
    cost: int
    package: int = ALONE

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
    def packages(self) -> dict[int, int]:
        """The price of every package that raises several scenes."""
        return {arc.package: arc.cost for arc in self.arcs if arc.package != ALONE}

    def buying(self, packages: frozenset[int]) -> Problem:
        """The same with no other packages of several scenes than these."""
        arcs = [arc for arc in self.arcs if arc.package == ALONE or arc.package in packages]
        return replace(self, arcs=arcs)

    @cached_property
    def useful(self) -> tuple[Arc, ...]:
        """The arcs but those for which smaller steps together cost no more.

        What is of a package costs nothing more once it is bought. Where there are budgets it has to
        be done in the year of its package, and so stands beside the others.
        """
        best: dict[tuple[str, int, int], int] = {}
        kept = [] if self.budgets is None else [arc for arc in self.arcs if arc.package != ALONE]
        rest = [arc for arc in self.arcs if arc.package == ALONE or self.budgets is None]
        for arc in sorted(rest, key=lambda arc: (arc.end - arc.start, own_cost(arc), arc)):
            scene, start, end = arc[:3]
            least = min(
                (
                    best.get((scene, start, way), NEVER) + best.get((scene, way, end), NEVER)
                    for way in range(start + 1, end)
                ),
                default=NEVER,
            )
            known = best.get((scene, start, end), NEVER)
            if own_cost(arc) < min(least, known):
                kept.append(arc)
            best[scene, start, end] = min(own_cost(arc), least, known)
        return tuple(kept)

    def least(self, scene: str) -> int:
        """The least it costs to bring the scene to the goal, whatever has to stand before."""
        cost = {self.levels[scene]: 0}
        own = sorted((a.start, a.end, own_cost(a)) for a in self.arcs if a.scene == scene)
        for start, end, price in own:
            if start in cost:
                cost[end] = min(cost.get(end, NEVER), cost[start] + price)
        return min((c for end, c in cost.items() if end >= self.goal.level), default=NEVER)


class Move(NamedTuple):
    """A step of the plan in its year, from 0."""

    year: int
    arc: Arc


class Rise(NamedTuple):
    """One way to raise a scene: where it ends, what is bought for it alone, and its steps."""

    end: int
    cost: int
    arcs: tuple[Arc, ...] = ()


def own_cost(arc: Arc) -> int:
    """What is paid for the arc alone: nothing where it is of a package."""
    return arc.cost if arc.package == ALONE else 0


def paid(arcs: Iterable[Arc]) -> int:
    """What the arcs cost together: a package once."""
    listed = list(arcs)
    packages = {arc.package: arc.cost for arc in listed if arc.package != ALONE}
    return sum(map(own_cost, listed)) + sum(packages.values())


def rises(problem: Problem, scene: str) -> list[Rise]:
    """Every way to raise the scene that may be worth it; the first leaves it where it is.

    Only to the goal or to a level that another scene needs. Where neither budgets nor demands care
    by which steps, the cheapest of each.
    """
    now = problem.levels[scene]
    wanted = {each.least for each in problem.demands if each.needed == scene} | {problem.goal.level}
    own = [arc for arc in problem.useful if arc.scene == scene]
    found = [Rise(now, 0)] + [
        Rise(arcs[-1].end, sum(map(own_cost, arcs)), arcs)
        for arcs in _chains(own, now)
        # A step may only end above what is wanted.
        if any(arcs[-1].crosses(level) for level in wanted)
    ]
    cares = any(scene in {each.scene, each.needed} for each in problem.demands)
    if cares or problem.budgets is not None:
        return found
    return [
        min(rise for rise in found if rise.end == end)
        for end in sorted({rise.end for rise in found})
    ]


def _chains(arcs: Iterable[Arc], start: int) -> Iterator[tuple[Arc, ...]]:
    known = list(arcs)
    for arc in known:
        if arc.start == start:
            yield (arc,)
            for rest in _chains(known, arc.end):
                yield (arc, *rest)
