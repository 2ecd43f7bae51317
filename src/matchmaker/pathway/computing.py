"""A way computed: position, entry points and phases, in numbers and codes, no language.

Pure, of facts, rules and what the published index holds.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from matchmaker.matching.supply import Firm, Span, Stock, Supply, courses_in
from matchmaker.pathway.planning import Plan, plan
from matchmaker.pathway.position import Facts, Position, position
from matchmaker.pathway.problem import ALONE, Arc, Goal, Problem
from matchmaker.policy.guides.declaration import GuideTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from matchmaker.pathway.problem import Move
    from matchmaker.pathway.released import Wayfinder
    from matchmaker.ranking.index import Index

    Found = Mapping[Span, Supply]

_THOUSAND: Final = 1000


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A scene raised from a level to a higher one; amounts in minor units of the currency."""

    number: int
    scene: str
    start: int
    end: int
    assumed: bool
    """Whether nobody has rated the scene, so that it was taken to be at 0."""
    needs: list[int]
    """The numbers of the steps that come before it."""
    cost: int
    """Of a package that does several steps: with the first of them, 0 with the others."""
    upper: int
    weeks: tuple[int, int] | None
    offerings: int
    skills: list[str]
    courses: int
    """How many training offerings there are for its skills."""
    scenarios: list[str] = []
    """Typical scenarios that stand for the scene."""
    standards: list[str] = []
    """Classes of the national standard system that bear on it."""
    together: list[int] = []
    """The numbers of all steps that the same package does; none: it is bought alone."""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """What is done in one year, or at the same time where there are no budgets."""

    number: int
    budget: int | None
    cost: int
    steps: list[Step]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A good step to begin with; scores in thousandths."""

    step: int
    score: int
    value: int
    feasibility: int
    supply: int
    goals: list[str]


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """What stops the plan: supply, budget or search (no plan was found in time, none excluded)."""

    reason: str
    scenes: int
    binding: int
    cost: int | None
    """What the goal would cost without budgets; null where it cannot be bought at all."""
    budget: int | None


class SupplyGap(msgspec.Struct, frozen=True, kw_only=True):
    """A step that nothing on offer does at a known price; ``offerings`` are those without one."""

    scene: str
    start: int
    end: int
    offerings: int


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    position: Position
    reaches: bool
    cost: int
    currency: str
    stopped: Shortfall | None
    entries: list[Entry]
    phases: list[Phase]
    gaps: list[SupplyGap]
    as_of: dt.date
    editions: dict[str, str]
    proven: bool = True
    """Whether it is sure that no other comes as close for less."""


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A guide for the firm, as it stood."""

    id: UUID
    terms: GuideTerms


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: facts, aim, budgets by year (null: without limit), currency, day."""

    facts: Facts
    guides: list[Cited] = []
    """The most specific first; see `cited`."""
    target: int | None = None
    budgets: list[int] | None = None
    currency: str = "CNY"
    as_of: dt.date


def compute(released: Wayfinder, asked: Asked, index: Index) -> Way:
    """The way of the firm."""
    courses = courses_in(index, asked.as_of)
    stands = position(released, asked.facts, asked.target)
    levels = {code: asked.facts.scenes.get(code, 0) for code in released.form.scenes}
    stock, arcs = _stock(released, asked, index, levels=levels, top=stands.gaps.scene_level)
    rule = next(r for r in released.form.questionnaire.levels if r.level == stands.target)
    problem = Problem(
        levels=levels,
        binding=released.form.binding,
        goal=Goal(rule.scene_level, rule.min_scenes, rule.min_binding),
        arcs=arcs,
        demands=released.demands,
        budgets=asked.budgets,
    )
    worth = {code: value_of(released, asked.facts, code) for code in levels}
    found = plan(problem, worth)
    steps = list(_steps(released, asked.facts, found, stock=stock, courses=courses))
    return Way(
        position=stands,
        reaches=found.reaches,
        cost=found.cost,
        currency=asked.currency,
        stopped=None if found.reaches else _stopped(problem, found),
        entries=_entries(released, asked, steps, found),
        phases=list(_phases(asked.budgets, found.moves, steps)),
        gaps=_gaps(stock, levels),
        as_of=asked.as_of,
        editions=released.edition,
        proven=found.proven,
    )


def cited(released: Wayfinder, asked: Asked) -> list[Cited]:
    """The guides for the firm; the general one where none were looked for."""
    general = Cited(id=released.general.id, terms=released.general.guide)
    return asked.guides or [general]


def value_of(released: Wayfinder, facts: Facts, scene: str) -> int:
    """What raising the scene is worth to the firm, in thousandths of the most."""
    rules = released.rules
    shares = [share for goal, share in facts.goals.items() if scene in rules.goals.get(goal, ())]
    most = _THOUSAND - rules.binding
    found = min(most, round(most * sum(shares))) if shares else rules.base
    return found + (rules.binding if scene in released.form.binding else 0)


def _stock(
    released: Wayfinder, asked: Asked, index: Index, *, levels: Mapping[str, int], top: int
) -> tuple[Found, list[Arc]]:
    """What is on offer for every step that could be part of a plan, and how it can be bought."""
    spans = [
        Span(scene, start, end)
        for scene, now in levels.items()
        for start in range(now, top)
        for end in range(start + 1, top + 1)
    ]
    facts = asked.facts
    firm = Firm(scale=facts.scale, currency=asked.currency, counts=facts.counts)
    rules = released.rules
    stock = Stock(index, firm, kind=rules.kind, today=asked.as_of)
    found = stock.supply(spans, rules.quantile)
    arcs = [Arc(*span, each.cheapest) for span, each in found.items() if each.cheapest is not None]
    for package, bundle in enumerate(stock.bundles(levels, top, _alone(arcs), rules.bundles)):
        arcs += [
            Arc(scene, start, end, bundle.price, package)
            for scene, lowest, highest in bundle.spans
            for start in range(lowest, highest)
            for end in range(start + 1, highest + 1)
        ]
    return found, arcs


def _alone(arcs: Iterable[Arc]) -> dict[Span, int]:
    """What each step costs where its scene is raised by itself, in one step or several."""
    least: dict[Span, int] = {}
    for scene, start, end, cost, _ in sorted(arcs, key=lambda arc: (arc.end - arc.start, arc)):
        ways = [
            least[Span(scene, start, way)] + least[Span(scene, way, end)]
            for way in range(start + 1, end)
            if Span(scene, start, way) in least and Span(scene, way, end) in least
        ]
        least[Span(scene, start, end)] = min([cost, *ways])
    return least


def _steps(
    released: Wayfinder,
    facts: Facts,
    found: Plan,
    *,
    stock: Found,
    courses: Callable[[Sequence[str]], int],
) -> Iterator[Step]:
    packages: dict[int, list[int]] = defaultdict(list)
    for number, (_, arc) in enumerate(found.moves, 1):
        if arc.package != ALONE:
            packages[arc.package].append(number)
    for number, (_, arc) in enumerate(found.moves, 1):
        together = packages.get(arc.package, [])
        # A package that turned out to do one step alone is one like any other.
        is_paid = number > together[0] if together else False
        has = stock[Span(arc.scene, arc.start, arc.end)]
        skills = released.rules.skills.get(arc.scene, ())
        yield Step(
            number=number,
            scene=arc.scene,
            start=arc.start,
            end=arc.end,
            assumed=arc.scene not in facts.scenes,
            needs=[
                place
                for place, (_, before) in enumerate(found.moves[: number - 1], 1)
                if _is_needed(released, before, arc)
            ],
            cost=0 if is_paid else arc.cost,
            upper=0 if is_paid else max(arc.cost, has.upper or arc.cost),
            weeks=has.weeks,
            offerings=has.offerings,
            skills=list(skills),
            courses=courses(skills),
            scenarios=released.scenarios(arc.scene),
            together=together if len(together) > 1 else [],
            standards=list(released.rules.standards.get(arc.scene, ())),
        )


def _is_needed(released: Wayfinder, before: Arc, arc: Arc) -> bool:
    if before.scene == arc.scene:
        return before.end == arc.start
    return any(
        demand.scene == arc.scene
        and demand.needed == before.scene
        and arc.crosses(demand.level)
        and before.crosses(demand.least)
        for demand in released.demands
    )


def _phases(
    budgets: Sequence[int] | None, moves: Sequence[Move], steps: Sequence[Step]
) -> Iterator[Phase]:
    for year in range(max((move.year for move in moves), default=-1) + 1):
        own = [step for move, step in zip(moves, steps, strict=True) if move.year == year]
        yield Phase(
            number=year + 1,
            budget=None if budgets is None else budgets[year],
            cost=sum(step.cost for step in own),
            steps=own,
        )


def _stopped(problem: Problem, found: Plan) -> Shortfall:
    """Why the goal is out of reach: without budgets it still is, or it costs more than there is."""
    free = plan(
        Problem(
            levels=problem.levels,
            binding=problem.binding,
            goal=problem.goal,
            arcs=problem.arcs,
            demands=problem.demands,
        )
    )
    closer = free.missing + free.missing_binding < found.missing + found.missing_binding
    reason = "search" if not found.proven else "budget" if closer else "supply"
    return Shortfall(
        reason=reason,
        scenes=found.missing,
        binding=found.missing_binding,
        cost=free.cost if free.reaches else None,
        budget=None if problem.budgets is None else sum(problem.budgets),
    )


def _entries(released: Wayfinder, asked: Asked, steps: Sequence[Step], found: Plan) -> list[Entry]:
    """The best steps to begin with, of those that need no other.

    Where two are as good as each other, the most specific guide says which comes first.
    """
    first = {step.number: step for step in steps if not step.needs}
    price = {step.number: step.cost for step in steps}
    order = cited(released, asked)[0].terms.scenes
    place = {scene: number for number, scene in enumerate(order)}
    scored = sorted(
        (
            _entry(released, asked, step, found, price=price[min([step.number, *step.together])])
            for step in first.values()
        ),
        key=lambda entry: (
            -entry.score,
            place.get(first[entry.step].scene, len(place)),
            entry.step,
        ),
    )
    return scored[: released.rules.entries]


def _entry(released: Wayfinder, asked: Asked, step: Step, found: Plan, *, price: int) -> Entry:
    rules, facts = released.rules, asked.facts
    room = asked.budgets[0] if asked.budgets else found.cost
    affordable = _THOUSAND - min(_THOUSAND, _THOUSAND * price // (2 * room)) if room else 0
    weeks = step.weeks[1] if step.weeks else 2 * rules.quick
    quick = max(0, min(_THOUSAND, _THOUSAND * (2 * rules.quick - weeks) // rules.quick))
    value = value_of(released, facts, step.scene)
    feasibility = (affordable + quick) // 2
    has = min(_THOUSAND, _THOUSAND * step.offerings // rules.enough)
    share = rules.ranking
    return Entry(
        step=step.number,
        score=(value * share.value + feasibility * share.feasibility + has * share.supply)
        // _THOUSAND,
        value=value,
        feasibility=feasibility,
        supply=has,
        goals=[goal for goal in facts.goals if step.scene in released.rules.goals.get(goal, ())],
    )


def _gaps(stock: Found, levels: Mapping[str, int]) -> list[SupplyGap]:
    """Single levels that no package of a known price brings, alone or on the way further up."""
    return [
        SupplyGap(scene=span.scene, start=span.start, end=span.end, offerings=found.offerings)
        for span, found in stock.items()
        if span.end == span.start + 1
        and span.start >= levels[span.scene]
        and found.cheapest is None
    ]
