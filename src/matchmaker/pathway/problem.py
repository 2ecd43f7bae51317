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

    @property
    def alone(self) -> Problem:
        """The same without packages that raise several scenes."""
        return replace(self, arcs=[arc for arc in self.arcs if arc.package == ALONE])

    @cached_property
    def useful(self) -> tuple[Arc, ...]:
        """The arcs but those of one scene for which smaller steps together cost no more."""
        best: dict[tuple[str, int, int], int] = {}
        kept = [arc for arc in self.arcs if arc.package != ALONE]
        for arc in sorted(self.alone.arcs, key=lambda arc: (arc.end - arc.start, arc)):
            scene, start, end, cost, _ = arc
            least = min(
                (
                    best.get((scene, start, way), NEVER) + best.get((scene, way, end), NEVER)
                    for way in range(start + 1, end)
                ),
                default=NEVER,
            )
            known = best.get((scene, start, end), NEVER)
            if cost < min(least, known):
                kept.append(arc)
            best[scene, start, end] = min(cost, least, known)
        return tuple(kept)


class Move(NamedTuple):
    """A step of the plan in its year, from 0."""

    year: int
    arc: Arc


class Rise(NamedTuple):
    """One way to raise a scene: where it ends, what is bought for it alone, and of which packages.

    Scenes that are left where they are have one of no steps.
    """

    end: int
    cost: int
    packages: frozenset[int]
    arcs: tuple[Arc, ...]


def paid(arcs: Iterable[Arc]) -> int:
    """What the arcs cost together: a package once."""
    listed = list(arcs)
    packages = {arc.package: arc.cost for arc in listed if arc.package != ALONE}
    return sum(arc.cost for arc in listed if arc.package == ALONE) + sum(packages.values())


def rises(problem: Problem, scene: str) -> list[Rise]:
    """Every way to raise the scene that may be worth it.

    Only to the goal or to a level that another scene needs. Where neither budgets nor demands care
    by which steps, the cheapest of each end and packages.
    """
    now = problem.levels[scene]
    wanted = {each.least for each in problem.demands if each.needed == scene} | {problem.goal.level}
    own = [arc for arc in problem.useful if arc.scene == scene]
    found = [Rise(now, 0, frozenset(), ())] + [
        _rise(arcs)
        for arcs in _chains(own, now)
        # A step may only end above what is wanted.
        if any(arcs[-1].crosses(level) for level in wanted)
    ]
    if any(scene in {each.scene, each.needed} for each in problem.demands):
        return found
    # Nothing waits for a part of what one package does.
    once = [rise for rise in found if len(rise.packages) == _of_packages(rise)]
    if problem.budgets is not None:
        return once
    best: dict[tuple[int, frozenset[int]], Rise] = {}
    for rise in once:
        key = (rise.end, rise.packages)
        best[key] = min(rise, best.get(key, rise), key=lambda each: (each.cost, each.arcs))
    return list(best.values())


def _rise(arcs: tuple[Arc, ...]) -> Rise:
    packages = frozenset(arc.package for arc in arcs if arc.package != ALONE)
    return Rise(arcs[-1].end, sum(a.cost for a in arcs if a.package == ALONE), packages, arcs)


def _of_packages(rise: Rise) -> int:
    return sum(arc.package != ALONE for arc in rise.arcs)


def _chains(arcs: Iterable[Arc], start: int) -> Iterator[tuple[Arc, ...]]:
    known = list(arcs)
    for arc in known:
        if arc.start == start:
            yield (arc,)
            for rest in _chains(known, arc.end):
                yield (arc, *rest)
