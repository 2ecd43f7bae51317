"""The plan against every plan there is, on small cases; and what it never does on any."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from matchmaker.pathway import planning
from matchmaker.pathway.planning import Plan, plan
from matchmaker.pathway.problem import Arc, Demand, Goal, Move, Problem

CASES = 1_000
SCENES = ("a", "b", "c", "d")


def drawn(seed: int) -> Problem:
    """A small case: three or four scenes, two or three levels, two years, or no budgets.

    In two of three cases there are packages, each of which raises two scenes or three.
    """
    rng = random.Random(seed)  # noqa: S311  (the same every time)
    scenes = SCENES[: rng.randint(2, 4)]
    top = rng.randint(1, 3 if len(scenes) < 4 else 2)
    levels = {scene: rng.randint(0, 1) for scene in scenes}
    arcs = [
        Arc(scene, start, end, rng.randint(0, 30) * 10 ** rng.randint(0, 6) * (end - start))
        for scene in scenes
        for start in range(levels[scene], top)
        for end in range(start + 1, top + 1)
        if rng.random() < 0.85
    ]
    few = len(scenes) < 4 and top < 3
    for package in range(rng.randint(0, 2 if few else 1)):
        raised = rng.sample(scenes, min(len(scenes), rng.randint(2, 3)))
        price = rng.randint(0, 40) * 10 ** rng.randint(0, 6)
        low, high = rng.choice([(0, top), (0, 1), (top - 1, top)] if few else [(top - 1, top)])
        arcs += [
            Arc(scene, start, end, price, package)
            for scene in raised
            for start in range(max(low, levels[scene]), high)
            for end in range(start + 1, high + 1)
        ]
    demands = [
        Demand(scene, level, needed, level - 1)
        for scene, needed in itertools.permutations(scenes, 2)
        for level in range(2, top + 1)
        if rng.random() < 0.2
    ]
    binding = frozenset(scene for scene in scenes if rng.random() < 0.6)
    goal = Goal(top, rng.randint(0, len(scenes)), rng.randint(0, len(binding)))
    room = max(1, sum(arc.cost for arc in arcs))
    budgets = [rng.randint(0, room) for _ in range(2)] if rng.random() < 0.8 else None
    return Problem(
        levels=levels, binding=binding, goal=goal, arcs=arcs, demands=demands, budgets=budgets
    )


def chains(arcs: Sequence[Arc], start: int) -> Iterator[tuple[Arc, ...]]:
    yield ()
    for arc in arcs:
        if arc.start == start:
            for rest in chains(arcs, arc.end):
                yield (arc, *rest)


def can_be_done(problem: Problem, moves: Sequence[Move]) -> bool:
    """Whether the steps of each year find an order in which each finds what it needs."""
    levels = dict(problem.levels)
    for year in range(max((move.year for move in moves), default=-1) + 1):
        left = [move.arc for move in moves if move.year == year]
        if problem.budgets is not None and bill(left) > problem.budgets[year]:
            return False
        while ready := [arc for arc in left if is_ready(problem, levels, arc)]:
            levels[ready[0].scene] = ready[0].end
            left.remove(ready[0])
        if left:
            return False
    return True


def bill(arcs: Sequence[Arc]) -> int:
    """What is paid: each package of several scenes once, everything else for itself."""
    total, seen = 0, set[int]()
    for arc in arcs:
        if arc.package < 0 or arc.package not in seen:
            total += arc.cost
        seen.add(arc.package)
    return total


def is_bought_twice(moves: Sequence[Move]) -> bool:
    years = {(move.arc.package, move.year) for move in moves if move.arc.package >= 0}
    return len(years) > len({package for package, _ in years})


def is_ready(problem: Problem, levels: dict[str, int], arc: Arc) -> bool:
    return levels[arc.scene] == arc.start and all(
        levels[demand.needed] >= demand.least
        for demand in problem.demands
        if demand.scene == arc.scene and arc.start < demand.level <= arc.end
    )


def missing(problem: Problem, moves: Sequence[Move]) -> int:
    levels = dict(problem.levels)
    for move in moves:
        levels[move.arc.scene] = max(levels[move.arc.scene], move.arc.end)
    there = {scene for scene, level in levels.items() if level >= problem.goal.level}
    return max(0, problem.goal.scenes - len(there)) + max(
        0, problem.goal.binding - len(there & problem.binding)
    )


@functools.cache
def best_of(seed: int) -> tuple[int, int]:
    """What the small case comes to by force."""
    return by_force(drawn(seed))


def by_force(problem: Problem) -> tuple[int, int]:
    """The least that is missing, and the least cost with no more missing, of all plans."""
    years = 1 if problem.budgets is None else len(problem.budgets)
    ways = []
    for scene, now in problem.levels.items():
        own = [arc for arc in problem.arcs if arc.scene == scene]
        ways.append(
            [
                tuple(map(Move, when, chain))
                for chain in chains(own, now)
                for when in itertools.combinations_with_replacement(range(years), len(chain))
            ]
        )
    best: tuple[int, int] | None = None
    for chosen in itertools.product(*ways):
        moves = list(itertools.chain.from_iterable(chosen))
        found = missing(problem, moves), bill([move.arc for move in moves])
        if best is not None and found >= best:
            continue
        if not is_bought_twice(moves) and can_be_done(problem, moves):
            best = found
    assert best is not None
    return best


def told(found: Plan) -> tuple[int, int]:
    return found.missing + found.missing_binding, found.cost


def test_it_is_as_good_as_the_best_of_all_plans() -> None:
    reached = together = 0
    for seed in range(CASES):
        problem = drawn(seed)
        found = plan(problem)
        assert found.proven
        assert told(found) == best_of(seed), seed
        assert found.reaches == (missing(problem, found.moves) == 0)
        reached += found.reaches
        shared = [move.arc.package for move in found.moves if move.arc.package >= 0]
        together += len(set(shared)) < len(shared)
    assert CASES // 4 < reached < CASES, "the control: some goals are reached and some are not"
    assert together > CASES // 20, "the control: some packages raise several scenes"


def test_control_paid_for_every_scene_it_is_not_as_good() -> None:
    """The naive plan: each scene by itself, and so some packages paid twice."""
    dearer = 0
    for seed in range(CASES):
        problem = drawn(seed)
        dearer += told(plan(problem.buying(frozenset()))) > best_of(seed)
    assert dearer > CASES // 20


def test_control_the_dearest_way_is_noticed() -> None:
    """A plan of one step too many is not as good."""
    for seed in range(CASES):
        problem = drawn(seed)
        found = plan(problem)
        dear = [
            arc
            for arc in problem.buying(frozenset()).useful
            if arc.cost and arc not in {m.arc for m in found.moves}
        ]
        if dear and problem.budgets is None:
            assert (told(found)[0], found.cost + dear[0].cost) != by_force(problem)
            return
    pytest.fail("no case has a step to spare")


def test_every_plan_can_be_done_in_its_order() -> None:
    for seed in range(CASES):
        problem = drawn(seed)
        found = plan(problem)
        assert can_be_done(problem, found.moves), seed
        levels = dict(problem.levels)
        for move in found.moves:
            assert is_ready(problem, levels, move.arc), seed
            levels[move.arc.scene] = move.arc.end


class TestLarge:
    def problem(self, budgets: Sequence[int] | None) -> Problem:
        rng = random.Random(8)  # noqa: S311  (the same every time)
        scenes = [f"s{n:02}" for n in range(16)]
        levels = {scene: rng.randint(0, 1) for scene in scenes}
        arcs = [
            Arc(scene, start, end, rng.randint(10**5, 10**7) * (end - start))
            for scene in scenes
            for start in range(levels[scene], 3)
            for end in range(start + 1, 4)
        ]
        goal = Goal(3, 8, 5)
        return Problem(
            levels=levels, binding=frozenset(scenes[:10]), goal=goal, arcs=arcs, budgets=budgets
        )

    def test_budgets_that_are_ample_cost_what_none_do(self) -> None:
        ample = plan(self.problem([10**9] * 3))
        assert ample.reaches
        assert ample.cost == plan(self.problem(None)).cost
        assert {move.year for move in ample.moves} == {0}

    def test_tight_budgets_put_steps_off(self) -> None:
        free = plan(self.problem(None))
        tight = plan(self.problem([free.cost // 3 + 10**7] * 3))
        assert tight.proven
        assert len({move.year for move in tight.moves}) > 1

    def test_one_that_takes_too_long_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(planning, "MOST_LOOKED_AT", 3)
        found = plan(self.problem([10**9] * 3))
        assert not found.proven

    def test_the_worthiest_come_first(self) -> None:
        problem = replace(self.problem([10**9]), goal=Goal(1, 16, 10))
        last = plan(problem).moves[-1].arc.scene
        assert plan(problem, {last: 1000}).moves[0].arc.scene == last


def test_of_equal_costs_the_worthiest_are_raised() -> None:
    arcs = [Arc(scene, 0, 1, 5) for scene in SCENES]
    problem = Problem(
        levels=dict.fromkeys(SCENES, 0), binding=frozenset(), goal=Goal(1, 2, 0), arcs=arcs
    )
    found = plan(problem, {"c": 900, "d": 1000})
    assert [move.arc.scene for move in found.moves] == ["d", "c"]
    dearer = [Arc("d", 0, 1, 6), *arcs[:3]]
    assert "d" not in {m.arc.scene for m in plan(replace(problem, arcs=dearer), {"d": 1000}).moves}


class TestPackages:
    """Two scenes for 7 by one package, for 5 each alone."""

    arcs = (Arc("a", 0, 1, 5), Arc("b", 0, 1, 5), Arc("a", 0, 1, 7, 0), Arc("b", 0, 1, 7, 0))

    def problem(self, scenes: int, budgets: Sequence[int] | None = None) -> Problem:
        return Problem(
            levels={"a": 0, "b": 0},
            binding=frozenset(),
            goal=Goal(1, scenes, 0),
            arcs=self.arcs,
            budgets=budgets,
        )

    def test_it_is_paid_once_where_two_are_raised(self) -> None:
        found = plan(self.problem(2))
        assert (found.cost, {move.arc.package for move in found.moves}) == (7, {0})

    def test_it_is_not_bought_for_one(self) -> None:
        found = plan(self.problem(1))
        assert (found.cost, {move.arc.package for move in found.moves}) == (5, {-1})

    def test_its_steps_are_of_one_year(self) -> None:
        found = plan(self.problem(2, [6, 7]))
        assert {move.year for move in found.moves} == {1}
        apart = plan(self.problem(2, [6, 6]))
        assert (apart.cost, [move.year for move in apart.moves]) == (10, [0, 1])

    def test_of_too_many_some_are_thought_of_and_it_says_so(self) -> None:
        rng = random.Random(8)  # noqa: S311  (the same every time)
        scenes = [f"s{n:02}" for n in range(12)]
        arcs = [Arc(scene, 0, 1, rng.randint(90, 110)) for scene in scenes]
        arcs += [
            Arc(scene, 0, 1, price, package)
            for package in range(9)
            for price in [rng.randint(150, 199)]
            for scene in rng.sample(scenes, 2)
        ]
        problem = Problem(
            levels=dict.fromkeys(scenes, 0), binding=frozenset(), goal=Goal(1, 8, 0), arcs=arcs
        )
        found, alone = plan(problem), plan(problem.buying(frozenset()))
        assert alone.proven
        assert found.reaches
        assert not found.proven
        assert found.cost < alone.cost
        assert plan(problem.buying(frozenset(range(8)))).proven


def test_what_is_there_already_costs_nothing() -> None:
    there = Problem(
        levels={"a": 2, "b": 0},
        binding=frozenset("a"),
        goal=Goal(2, 1, 1),
        arcs=[Arc("b", 0, 2, 5)],
    )
    assert plan(there) == Plan(moves=(), cost=0, missing=0, missing_binding=0, proven=True)


def test_smaller_steps_that_cost_no_more_are_taken() -> None:
    arcs = [Arc("a", 0, 2, 10), Arc("a", 0, 1, 4), Arc("a", 1, 2, 6)]
    problem = Problem(levels={"a": 0}, binding=frozenset("a"), goal=Goal(2, 1, 0), arcs=arcs)
    assert [move.arc for move in plan(problem).moves] == arcs[1:]
    assert not plan(replace(problem, budgets=[3])).moves
    assert [move.year for move in plan(replace(problem, budgets=[6, 6])).moves] == [0, 1]
