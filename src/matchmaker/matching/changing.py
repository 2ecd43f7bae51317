"""What would change where an offering stands: for its firm and for its provider, each re-run.

Only what somebody can change is suggested: what a firm asks for, not what it is; what a provider
asks and promises, not what it has done. Numbers change in steps, and a
suggestion is the first step that has the effect: it has it, and one step less has not. Steps are
tried on the offerings that may come first alone (docs/adr/0069).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
import numpy as np

from matchmaker.matching import composing, service
from matchmaker.ranking import alike, features, screen
from matchmaker.ranking import tables as tabled
from matchmaker.ranking.features import Sight
from matchmaker.ranking.price import price_steps
from matchmaker.ranking.questions import Survivors
from matchmaker.ranking.steps import FULL
from matchmaker.rules import AllOf, Answer, Leaf, Op, answer, conjuncts, parse, to_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from matchmaker.matching.answer import Item
    from matchmaker.matching.schemas import MatchInput
    from matchmaker.matching.service import Scoring
    from matchmaker.ranking.query import Query
    from matchmaker.rules import Fact, Rule

PERCENT: Final = 5
"""Budgets and prices change in steps of so many per cent, dates and weeks in whole weeks."""
MOST_RAISE: Final = 60
"""Steps by which a budget is raised at most: to four times what it was."""
MOST_CUT: Final = 15
"""Steps by which a price is cut at most: by three quarters."""
MOST_WEEKS: Final = 52
Value: TypeAlias = "int | str | dict[str, object] | None"
Ask: TypeAlias = "Callable[[MatchInput], Query]"
"""The query of an input that was changed, as of the same moment."""
_NARROW: Final = 2
"""Those that may come first are scored apart where they are less than one offering in so many."""
_FARTHEST: Final = 2**62
"""Farther than any number is moved."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise: a rule, a number, a date; None after: it is left out."""

    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Changes that together bring the offering to a rank; no part of them does."""

    by: Literal["firm", "provider"]
    changes: tuple[Change, ...]
    rank: int


def suggested(asked: MatchInput, found: Scoring, offering: int, ask: Ask) -> list[Suggestion]:
    """What would change where an offering stands that is not shown."""
    if not found.verdict.scored[offering]:
        opened = _opened(asked, found, offering, ask)
        return [] if opened is None else [opened]
    for tried in (_narrowed(found, offering, asked.limit), found):
        try:
            return [
                *_for_firm(asked, tried, offering, ask),
                *_for_provider(tried, offering, asked.limit),
            ]
        except composing.OrderTooShort:
            # Moves hold so many back that others come first.
            continue
    return []


def _narrowed(found: Scoring, offering: int, limit: int) -> Scoring:
    """The scoring of those alone that may come first when a number is changed; else all of them.

    No score falls when a firm can pay more or wait longer, and none rises by more than the effects
    of the feature lie apart; where a provider changes something, its own alone.
    """
    asked, tables = composing.moves_for(found), found.model.tables
    count = 2 * max(limit, asked.first)
    names = [name for name in ("price", "weeks") if name in found.active]
    is_paired = any(name in pair for pair in tables.pairs_in(found.active) for name in names)
    if asked.is_whole or is_paired or count >= len(found.scored):
        return found
    reach = max((int(np.ptp(tables.effects[name])) for name in names), default=0)
    least = found.keys[found.part.in_part(found.order(count)[count - 1])]
    near = np.flatnonzero(found.keys >= least - 2 * reach - 1)
    if len(near) * _NARROW > found.index.offerings:
        return found
    places = near if found.part.places is None else found.part.places[near]
    return service.contenders(found, found.query, np.union1d(places, [offering]), count)


def _rerun(found: Scoring, query: Query) -> Scoring:
    """The match of the changed query, on those that may come first where nothing else screens."""
    places = found.part.places
    rules = (rule for tree in found.index.musts.trees for rule in tree)
    read = alike.fields_of(rules)
    is_alike = alike.of_screen(query, read) == alike.of_screen(found.query, read)
    if found.exact is None or places is None or not is_alike:
        return service.score(query, found.index, found.model, found.curations)
    return service.contenders(found, query, places, found.exact)


def _for_firm(asked: MatchInput, found: Scoring, offering: int, ask: Ask) -> list[Suggestion]:
    """What the firm could ask otherwise to be shown an offering that it is not shown."""
    tried = (_with_budget(asked, found, offering), _with_time(asked, found, offering))
    return [
        suggestion
        for way in tried
        if way is not None
        and (suggestion := _first(way, asked, found, offering, ask=ask)) is not None
    ]


def _for_provider(found: Scoring, offering: int, limit: int) -> list[Suggestion]:
    """What the provider could offer otherwise to stand among the first ``limit``."""
    if _is_first(found, offering, limit):
        return []
    item = service.item_of(found, offering, None, ())
    told: list[Suggestion] = []
    for way in _provider_ways(found, item):
        stands = partial(_with_way, found, item, way)
        step = _boundary(partial(_is_first_at, stands, offering, limit), way.most)
        if step is not None:
            rank = _rank_of(stands(step), offering)
            told.append(Suggestion("provider", (way.change(step),), rank))
    return told


def _with_way(found: Scoring, item: Item, way: _Way, step: int) -> Scoring:
    """The scoring with the shown package of the offering otherwise by so many steps."""
    rows = found.row_scores.copy()
    steps = {**item.steps, way.feature: way.step_at(step)}
    in_part, _ = found.best_row(item.offering)
    rows[in_part] = sum(found.model.tables.at(steps).values())
    return replace(found, row_scores=rows)


# ---- the firm, whose musts exclude


def _opened(asked: MatchInput, found: Scoring, offering: int, ask: Ask) -> Suggestion | None:
    """The fewest of its own musts that keep the offering out: relaxed where that is a number."""
    facts = Survivors(found.query, found.index, found.verdict.alive).facts
    rules = dict(screen.musts_of(found.query, found.index, offering))
    ours = (screen.PROFILE_MUST, screen.NEED_MUST)
    ways: list[tuple[int, int, dict[str, Rule | None]]] = []
    for row in found.index.rows_of(offering):
        closed = [name for name, rule in rules.items() if answer(rule, facts(row)) == Answer.NO]
        if closed and all(name.startswith(ours) for name in closed):
            way = {name: _relaxed(rules[name], facts(row)) for name in closed}
            ways.append((len(closed), _far(rules, way), way))
    if not ways:
        # A rule of its provider or of a curation keeps it out: nobody here can open it.
        return None
    _, _, after = min(ways, key=lambda way: way[:2])
    again = _rerun(found, ask(_with_musts(asked, after)))
    if not again.verdict.scored[offering]:
        return None
    changes = (
        Change(name, to_data(rules[name]), None if rule is None else to_data(rule))
        for name, rule in after.items()
    )
    return Suggestion("firm", tuple(changes), _rank_of(again, offering))


def _relaxed(rule: Rule, facts: Callable[[str], Fact]) -> Rule | None:
    """The rule with its number just as far as the row needs it; None: only without the rule."""
    if isinstance(rule, Leaf) and rule.op in {Op.LTE, Op.GTE}:
        fact = facts(rule.field)
        if isinstance(fact, int) and not isinstance(fact, bool):
            return Leaf(rule.field, rule.op, fact)
    return None


def _far(rules: Mapping[str, Rule], after: Mapping[str, Rule | None]) -> int:
    """How far the numbers are moved in all; to leave a rule out is farther than any number."""
    far = 0
    for name, relaxed in after.items():
        rule = rules[name]
        before, now = getattr(rule, "value", None), getattr(relaxed, "value", None)
        if isinstance(before, int) and isinstance(now, int):
            far += abs(now - before)
        else:
            far += _FARTHEST
    return far


def _with_musts(asked: MatchInput, after: Mapping[str, Rule | None]) -> MatchInput:
    """What is asked, with these conjuncts otherwise, or without them."""
    need = msgspec.structs.replace(asked.need, must=_must(asked.need.must, screen.NEED_MUST, after))
    profile = asked.profile
    if profile is not None:
        must = _must(profile.must, screen.PROFILE_MUST, after)
        profile = msgspec.structs.replace(profile, must=must)
    return msgspec.structs.replace(asked, need=need, profile=profile)


def _must(
    said: dict[str, Any] | None, owner: str, after: Mapping[str, Rule | None]
) -> dict[str, Any] | None:
    if said is None:
        return None
    named = ((f"{owner}.{place}", rule) for place, rule in enumerate(conjuncts(parse(said))))
    kept = [after.get(name, rule) for name, rule in named]
    left = tuple(rule for rule in kept if rule is not None)
    return to_data(AllOf(left)) if left else None


# ---- the firm, whose budget or date holds back


@dataclass(frozen=True, slots=True)
class _Ask:
    """One thing that a firm may ask otherwise, in steps: cheaply told, then asked for good."""

    most: int
    is_enough: Callable[[int], bool]
    asked: Callable[[int], MatchInput]
    change: Callable[[int], Change]


def _with_budget(asked: MatchInput, found: Scoring, offering: int) -> _Ask | None:
    budget = asked.need.budget
    if budget is None or "price" not in found.active:
        return None

    def amount(step: int) -> int:
        return budget.amount * (100 + PERCENT * step) // 100

    def request(step: int) -> MatchInput:
        raised = msgspec.structs.replace(budget, amount=amount(step))
        return msgspec.structs.replace(
            asked, need=msgspec.structs.replace(asked.need, budget=raised)
        )

    def is_enough(step: int) -> bool:
        query = replace(found.query, budget=amount(step))
        return _is_first(_with_feature(found, "price", query), offering, asked.limit)

    return _Ask(
        MOST_RAISE,
        is_enough,
        request,
        lambda step: Change("need.budget.amount", budget.amount, amount(step)),
    )


def _with_time(asked: MatchInput, found: Scoring, offering: int) -> _Ask | None:
    ready_by = asked.need.ready_by
    if ready_by is None or "weeks" not in found.active:
        return None

    def day(step: int) -> dt.date:
        return ready_by + dt.timedelta(weeks=step)

    def is_enough(step: int) -> bool:
        query = replace(found.query, ready_by=day(step))
        return _is_first(_with_feature(found, "weeks", query), offering, asked.limit)

    return _Ask(
        MOST_WEEKS,
        is_enough,
        lambda step: msgspec.structs.replace(
            asked, need=msgspec.structs.replace(asked.need, ready_by=day(step))
        ),
        lambda step: Change("need.ready_by", ready_by.isoformat(), day(step).isoformat()),
    )


def _first(
    way: _Ask, asked: MatchInput, found: Scoring, offering: int, *, ask: Ask
) -> Suggestion | None:
    """The first step with the effect, when the matches of it and of one step less say so."""
    step = _boundary(way.is_enough, way.most)
    if step is None:
        return None
    rank = _rank_of(_rerun(found, ask(way.asked(step))), offering)
    before = asked if step == 1 else way.asked(step - 1)
    if rank > asked.limit or _rank_of(_rerun(found, ask(before)), offering) <= asked.limit:
        return None
    return Suggestion("firm", (way.change(step),), rank)


def _with_feature(found: Scoring, name: str, query: Query) -> Scoring:
    """The scoring with one feature answered anew: all that another budget or date changes."""
    columns, tables = found.part.columns, found.model.tables
    sight = Sight(query, columns, found.model.card, found.text)
    steps = {**found.steps, name: features.BY_NAME[name].steps(sight)}
    if any(name in pair for pair in tables.pairs_in(found.active)):
        rows = tabled.score(tables, steps, columns.planes)
    else:
        effects, planes = tables.effects[name], columns.planes
        before, after = (
            each.by_row(effects.take(each.table), planes)
            for each in (found.steps[name], steps[name])
        )
        rows = found.row_scores - before + after
    return replace(found, query=query, steps=steps, row_scores=rows)


# ---- the provider


@dataclass(frozen=True, slots=True)
class _Way:
    """One thing that a provider may offer otherwise, in steps, and the feature that reads it."""

    feature: str
    most: int
    step_at: Callable[[int], int]
    change: Callable[[int], Change]


def _provider_ways(found: Scoring, item: Item) -> Iterator[_Way]:
    card, query = found.model.card.features, found.query
    price = item.price
    if "price" in item.steps and price is not None and query.budget:
        grid = card["price"].grid

        def price_at(step: int) -> int:
            amounts = np.array([price * (100 - PERCENT * step) // 100], np.int64)
            ends = {name: grid[name] for name in ("full", "even", "none")}
            return int(price_steps(amounts, query.budget or 0, **ends)[0])

        yield _Way(
            "price",
            MOST_CUT,
            price_at,
            lambda step: Change("package.price", price, price * (100 - PERCENT * step) // 100),
        )
    weeks = found.index.fact("package.weeks", item.row)
    left = 0 if query.ready_by is None else (query.ready_by - query.today).days // 7
    upper = int(getattr(weeks, "high", 0) or 0)
    if "weeks" in item.steps and left > 0 and upper > 1:
        last = card["weeks"].grid["none"] * left

        def weeks_at(step: int) -> int:
            return min(FULL, max(0, FULL * (last - 1000 * (upper - step)) // (last - 1000 * left)))

        yield _Way(
            "weeks", upper - 1, weeks_at, lambda step: Change("package.weeks", upper, upper - step)
        )
    if item.steps.get("freshness", FULL) < FULL:
        column = found.index.attested
        before = column.fact(int(column.codes[item.offering]))
        said = before.isoformat() if isinstance(before, dt.date) else None
        today = query.today.isoformat()
        yield _Way(
            "freshness", 1, lambda _: FULL, lambda _: Change("offering.attested", said, today)
        )


# ---- what both look for


def _boundary(has_effect: Callable[[int], bool], most: int) -> int | None:
    """A step that has the effect where one less has not; None where the last one has not either."""
    if most < 1 or not has_effect(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has_effect(middle) else (middle, high)
    return high


def _is_first_at(stands: Callable[[int], Scoring], offering: int, limit: int, step: int) -> bool:
    return _is_first(stands(step), offering, limit)


def _is_first(found: Scoring, offering: int, limit: int) -> bool:
    """Whether the offering is among the first ``limit`` of the slate."""
    return offering in composing.slate_of(found, limit).offerings[:limit]


def _rank_of(found: Scoring, offering: int) -> int:
    """The place of the offering in the slate, from 1; behind all where it is excluded."""
    if not found.verdict.scored[offering]:
        return len(found.scored) + 1
    return composing.place_of(found, offering)[0]
