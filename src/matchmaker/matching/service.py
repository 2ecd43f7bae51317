"""A match, as data flows through it: one way, nothing calls back (house.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from matchmaker.matching.answer import Answer, Funnel, Item, Standing
from matchmaker.ranking import features, screen, slate, tables, text
from matchmaker.ranking.features import Sight
from matchmaker.ranking.price import Prices, prices
from matchmaker.ranking.questions import Survivors, questions
from matchmaker.rules import Answer as RuleAnswer
from matchmaker.rules import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matchmaker.ranking.card import Card
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.index import Index
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.slate import Curation, Slate
    from matchmaker.ranking.steps import Steps
    from matchmaker.ranking.tables import ScoreTables

_UNSCORED = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Model:
    """What ranks: the card's grids and the compiled tables."""

    card: Card
    tables: ScoreTables
    version: str = ""
    """The card's name and what tells its content; empty where it is not released."""


@dataclass(frozen=True)
class Scoring:
    """One query against one index: the verdict, the steps and the scores of every row."""

    query: Query
    index: Index
    model: Model
    curations: tuple[Curation, ...]
    prices: Prices
    verdict: screen.Verdict
    text: text.TextScore
    steps: Mapping[str, Steps]
    row_scores: Int

    @property
    def active(self) -> tuple[str, ...]:
        """A(q)."""
        return tuple(self.steps)

    @cached_property
    def ends(self) -> tuple[int, int]:
        """(lo, hi) of A(q)."""
        return self.model.tables.ends(self.active)

    @cached_property
    def keys(self) -> Int:
        """Of shape (offerings,): 2 x (best score + curation adds) + confirmed.

        `_UNSCORED` where none survives.
        """
        alive = self.verdict.alive
        keys = np.where(alive, 2 * self.row_scores + ~self.verdict.unconfirmed, _UNSCORED)
        best = np.maximum.reduceat(keys, self.index.row_start[:-1]) if len(keys) else keys
        for offering_id in sorted(
            {o for c in self.curations for b in c.boosts for o in b.offerings}
        ):
            place = self.index.place(offering_id)
            if place is not None and best[place] != _UNSCORED:
                best[place] += 2 * sum(add.adds for add in self.adds(place))
        return best

    @cached_property
    def scored(self) -> Int:
        """Places of the offerings that no rule excluded."""
        return np.flatnonzero(self.keys != _UNSCORED)

    @property
    def survivors(self) -> Survivors:
        """The rows that no rule excluded."""
        return Survivors(self.query, self.index, self.prices, self.verdict.alive)

    def adds(self, offering: int) -> tuple[slate.Add, ...]:
        """What curations add to the offering."""
        return slate.adds_for(self.index.offering_ids[offering], self.curations, self.ends)

    def tie(self, offering: int) -> bytes:
        """What breaks equal keys."""
        return slate.tie(self.query.digest, self.index.offering_ids[offering])

    def best_row(self, offering: int) -> int:
        """The row that stands for the offering.

        Score, confirmed, a known lower price, package order.
        """
        return min(self.survivors.rows_of(offering), key=self._rank_of_row)

    def _rank_of_row(self, row: int) -> tuple[int, bool, bool, int, int]:
        known = bool(self.prices.known[row])
        price = int(self.prices.first_year[row]) if known else 0
        return (
            -int(self.row_scores[row]),
            bool(self.verdict.unconfirmed[row]),
            not known,
            price,
            row,
        )


def score(query: Query, index: Index, model: Model, curations: Sequence[Curation]) -> Scoring:
    """Steps 3 to 5 of a match: screen, text and tables over all survivors."""
    priced = prices(index.price, query.currency, query.counts)
    verdict = screen.screen(query, index, priced, _exclusions(index, curations))
    words = text.score([*(query.plain or ()), *query.concepts], index.text, index.offerings)
    sight = Sight(query, index, model.card, words, priced, _preferred(query, index, priced))
    steps = features.encode(sight, features.active(query, words))
    rows = tables.score(model.tables, steps, index.offering_of_row)
    return Scoring(query, index, model, tuple(curations), priced, verdict, words, steps, rows)


def match(
    query: Query, index: Index, model: Model, curations: Sequence[Curation] = (), *, limit: int
) -> tuple[Answer, Scoring]:
    """The answer to ``query``, the first ``limit`` of the slate explained.

    And the scoring it was read from.
    """
    found = score(query, index, model, curations)
    shown = slate_of(found, 2 * limit)
    items = tuple(
        item_of(found, offering, rank, shown.moves.get(offering, ()))
        for rank, offering in enumerate(shown.offerings[:limit], 1)
    )
    answered = Answer(
        active=found.active,
        ends=found.ends,
        funnel=funnel_of(found, len(items)),
        items=items,
        questions=questions(
            found.survivors, model.tables, found.active, shown.offerings[: 2 * limit]
        ),
        unmatched_terms=tuple(
            text.unmatched(query.plain or (), index.text, screen.visible(query.caller_pools, index))
        ),
    )
    return answered, found


def standing_of(found: Scoring, offering: int, limit: int) -> Standing:
    """Where a considered offering stands in the whole slate, of which ``limit`` are shown."""
    funnel = funnel_of(found, min(limit, len(found.scored)))
    excluded = int(found.verdict.excluded_by[offering])
    if excluded >= 0:
        return Standing(
            name="excluded",
            offering=offering,
            item=None,
            excluded_by=found.verdict.rules[excluded],
            funnel=funnel,
        )
    whole = slate_of(found, len(found.scored))
    rank = whole.offerings.index(offering) + 1
    return Standing(
        name="shown" if rank <= limit else "below_cut",
        offering=offering,
        item=item_of(found, offering, rank, whole.moves.get(offering, ())),
        excluded_by=None,
        funnel=funnel,
    )


def slate_of(found: Scoring, needed: int) -> Slate:
    """The slate, composed from as much of the order as its first ``needed`` places depend on."""
    rules, index = found.model.card.slate, found.index
    pins = _pins(index, found.curations)
    total = len(found.scored)
    count = total if pins else 4 * max(needed, rules.first)
    while True:
        order = slate.ordered(found.keys, found.scored, found.tie, count)
        shown = slate.compose(order, lambda place: index.provider_ids[place], rules, pins)
        if len(order) == total or _is_settled(shown, index, needed, rules):
            return shown
        count *= 4


def _is_settled(shown: Slate, index: Index, needed: int, rules: slate.SlateRules) -> bool:
    """Whether a longer order could not change the first ``needed`` places.

    The cap found its first places full.
    """
    counts: dict[str, int] = {}
    for offering in shown.offerings[: rules.first]:
        provider = index.provider_ids[offering]
        counts[provider] = counts.get(provider, 0) + 1
    is_capped = max(counts.values(), default=0) <= rules.of_provider
    return is_capped and len(shown.offerings) >= needed


def item_of(found: Scoring, offering: int, rank: int | None, moves: tuple[slate.Move, ...]) -> Item:
    """The offering explained on its best row; its contributions sum to its score exactly."""
    row = found.best_row(offering)
    places = {name: step.place(row, offering) for name, step in found.steps.items()}
    steps = {name: int(found.steps[name].table[place]) for name, place in places.items()}
    effects = found.model.tables.at(steps)
    references = found.model.tables.at_references(found.active)
    adds = found.adds(offering)
    known = bool(found.prices.known[row])
    return Item(
        rank=rank,
        offering=offering,
        row=row,
        steps=steps,
        effects=effects,
        base=sum(references.values()),
        contributions={name: effect - references[name] for name, effect in effects.items()},
        curation=adds,
        score=sum(effects.values()) + sum(add.adds for add in adds),
        fit=tables.fit(sum(effects.values()), found.ends),
        alternatives=tuple(r for r in found.survivors.rows_of(offering) if r != row),
        unconfirmed=_unconfirmed(found, offering, row),
        not_stated=tuple(
            sorted(name for name, place in places.items() if found.steps[name].unstated[place])
        ),
        price=int(found.prices.first_year[row]) if known else None,
        price_3_years=int(found.prices.three_years[row]) if known else None,
        tie=found.tie(offering).hex(),
        slate=moves,
    )


def funnel_of(found: Scoring, shown: int) -> Funnel:
    """The closed books of the match."""
    return Funnel(
        considered=int(found.verdict.considered.sum()),
        excluded=found.verdict.excluded(),
        scored=len(found.scored),
        shown=shown,
    )


def _unconfirmed(found: Scoring, offering: int, row: int) -> tuple[str, ...]:
    facts = found.survivors.facts(row)
    return tuple(
        name
        for name, rule in screen.musts_of(found.query, found.index, offering)
        if answer(rule, facts) == RuleAnswer.UNKNOWN
    )


def _preferred(query: Query, index: Index, priced: Prices) -> Int:
    screened = screen.Screen(query, index, priced)
    yes = np.zeros(len(index.offering_of_row), np.int64)
    for leaf in query.prefer:
        yes += screened.answers(leaf) == RuleAnswer.YES
    return yes


def _places(index: Index, ids: Sequence[str]) -> list[int]:
    return [place for place in map(index.place, ids) if place is not None]


def _exclusions(index: Index, curations: Sequence[Curation]) -> dict[str, list[int]]:
    return {each.id: _places(index, sorted(each.exclude)) for each in curations if each.exclude}


def _pins(index: Index, curations: Sequence[Curation]) -> list[tuple[int, int]]:
    find: Callable[[str], int | None] = index.place
    return [
        (place, pin.place)
        for curation in sorted(curations, key=lambda each: each.id)
        for pin in curation.pins
        if (place := find(pin.offering)) is not None
    ]
