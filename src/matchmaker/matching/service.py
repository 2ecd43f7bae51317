"""A match, as data flows through it: one way, nothing calls back (house.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.matching import drafting
from matchmaker.matching.answer import Answer, Funnel, Item, Standing
from matchmaker.matching.composing import place_of, slate_of
from matchmaker.matching.ordering import Order
from matchmaker.ranking import exploring, features, screen, slate, tables, text
from matchmaker.ranking.compiled import SWITCH
from matchmaker.ranking.features import Sight
from matchmaker.ranking.index import Part
from matchmaker.ranking.questions import Survivors, questions
from matchmaker.rules import Answer as RuleAnswer
from matchmaker.rules import answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.matching.drafting import Draft
    from matchmaker.ranking.card import Card
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.index import Columns, Index
    from matchmaker.ranking.interleaving import Drafted
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.slate import Curation, Slate
    from matchmaker.ranking.steps import Steps
    from matchmaker.ranking.tables import ScoreTables

_FEW: Final = 4
"""Survivors are scored apart where they are less than one offering in so many."""


@dataclass(frozen=True, slots=True)
class Model:
    """What ranks: the card's grids and the compiled tables."""

    card: Card
    tables: ScoreTables
    version: str = ""
    """The card's name and what tells its content; empty where it is not released."""


@dataclass(frozen=True, repr=False)
class Scoring(Order):
    """The order, and all that it was made of.

    Text, steps, scores and keys are over the offerings and rows of the part.
    """

    text: text.TextScore
    steps: Mapping[str, Steps]
    row_scores: Int
    draft: Draft | None = None
    """With one, the order is merged with that of a rival."""
    exact: int | None = None
    """So many places of the order are as they were among all offerings; None: all of them are."""

    @property
    def active(self) -> tuple[str, ...]:
        """A(q)."""
        return tuple(self.steps)

    @cached_property
    def ends(self) -> tuple[int, int]:
        """(lo, hi) of A(q)."""
        return self.model.tables.ends(self.active)

    @cached_property
    def references(self) -> Mapping[str, int]:
        """The effects of A(q) at the reference steps."""
        return self.model.tables.at_references(self.active)

    @cached_property
    def keys(self) -> Int:
        """2 x (best score + curation adds) + confirmed; `slate.UNSCORED` where no row survives."""
        alive, unconfirmed = map(self.part.of_rows, (self.verdict.alive, self.verdict.unconfirmed))
        planes, scores = self.part.columns.planes, self.row_scores
        if SWITCH.kernels:
            best = SWITCH.kernels.best_keys(scores, alive, unconfirmed, planes)
        else:
            best = tables.best_keys(scores, alive, unconfirmed, planes)
        self.boost(best)
        return best

    @cached_property
    def scored(self) -> Int:
        """Places of the offerings that no rule excluded."""
        return scored_of(self.verdict, self.part)

    @property
    def survivors(self) -> Survivors:
        """The rows that no rule excluded."""
        return Survivors(self.query, self.index, self.verdict.alive)

    def rows_of(self, offering: int) -> list[tuple[int, int]]:
        """The surviving rows of a scored offering: where each stands in the part, in the index."""
        in_part = self.part.columns.planes.parts_of(self.part.in_part(offering))
        rows = zip(in_part, self.index.rows_of(offering), strict=True)
        return [(place, row) for place, row in rows if self.verdict.alive[row]]

    def best_row(self, offering: int) -> tuple[int, int]:
        """The row that stands for the offering, in the part and in the index.

        Score, confirmed, a known lower price, package order.
        """
        rows = self.rows_of(offering)
        ranks = [
            (-self.row_scores.item(place), self.verdict.unconfirmed.item(row))
            for place, row in rows
        ]
        least = min(ranks)
        best = [each for each, rank in zip(rows, ranks, strict=True) if rank == least]
        return best[0] if len(best) == 1 else min(best, key=self._by_price)

    def _by_price(self, rows: tuple[int, int]) -> tuple[bool, int, int]:
        price = self.survivors.price(rows[1]).first_year
        return price is None, price or 0, rows[1]


def score(
    query: Query, index: Index, model: Model, curations: Sequence[Curation[int]] = ()
) -> Scoring:
    """Steps 3 to 5 of a match: screen, text and tables over all survivors."""
    verdict, part = screened(query, index, curations)
    words, steps = encode(query, part.columns, model.card)
    rows = tables.score(model.tables, steps, part.columns.planes)
    return Scoring(query, index, model, tuple(curations), verdict, part, words, steps, rows)


def screened(
    query: Query, index: Index, curations: Sequence[Curation[int]]
) -> tuple[screen.Verdict, Part]:
    """The verdict on all offerings, and the part of the index that is scored."""
    exclusions = {each.id: sorted(each.exclude) for each in curations if each.exclude}
    verdict = screen.screen(query, index, exclusions)
    survivors = np.count_nonzero(verdict.scored)
    is_few = survivors * _FEW < index.offerings
    return verdict, index.at(np.flatnonzero(verdict.scored)) if is_few else Part(index)


def scored_of(verdict: screen.Verdict, part: Part) -> Int:
    """Places of the offerings of ``part`` that no rule excluded."""
    return np.flatnonzero(verdict.scored) if part.places is None else part.places


def contenders(found: Scoring, query: Query, offerings: Int, exact: int) -> Scoring:
    """The scoring of ``query`` on these ``offerings`` (ascending) of ``found`` alone.

    What screens it is what screened ``found``; the first ``exact`` places of the order are among
    them.
    """
    part = found.index.at(offerings)
    words, steps = encode(query, part.columns, found.model.card)
    rows = tables.score(found.model.tables, steps, part.columns.planes)
    return replace(
        found, query=query, part=part, text=words, steps=steps, row_scores=rows, exact=exact
    )


def unscreened(found: Scoring, offerings: Int) -> Int:
    """The best score of each of these ``offerings`` (ascending), whatever a rule says of them."""
    columns = found.index.at(offerings).columns
    _, steps = encode(found.query, columns, found.model.card)
    rows = tables.score(found.model.tables, steps, columns.planes)
    return columns.planes.fold(np.maximum, rows)


def encode(
    query: Query, columns: Columns, card: Card
) -> tuple[text.TextScore, Mapping[str, Steps]]:
    """The words of the need and the steps of A(q) on every offering or row of ``columns``."""
    words = text.score(tokens_of(query), columns.text)
    sight = Sight(query, columns, card, words)
    return words, features.encode(sight, features.active(query, words))


def tokens_of(query: Query) -> tuple[str, ...]:
    """The distinct tokens of the need's text."""
    return (*(query.plain or ()), *query.concepts)


def match(
    query: Query,
    index: Index,
    model: Model,
    curations: Sequence[Curation[int]] = (),
    *,
    limit: int,
    seed: int | None = None,
    rival: Model | None = None,
) -> tuple[Answer, Scoring]:
    """The answer to ``query``, the first ``limit`` of the slate explained.

    And the scoring it was read from. With a ``seed`` two places of the slate are swapped; or, with
    a ``rival``, its order is merged in.
    """
    found = score(query, index, model, curations)
    if rival is None or seed is None:
        return answer_of(found, limit, seed=seed), found
    merged = drafting.against(found, rival, seed)
    return answer_of(merged, limit), merged


def answer_of(
    found: Scoring, limit: int, *, is_asking: bool = True, seed: int | None = None
) -> Answer:
    """What the scoring answers, the first ``limit`` of the slate explained.

    Questions take as long as the rest: a batch asks none. With a ``seed`` two places of the slate
    are swapped.
    """
    query, index = found.query, found.index
    shown = exploring.swapped(slate_of(found, 2 * limit), limit, seed)
    items = items_of(found, shown, limit)
    asked = shown.offerings[: 2 * limit]
    return Answer(
        active=found.active,
        ends=found.ends,
        funnel=funnel_of(found, len(items)),
        items=items,
        missed_floors=shown.missed,
        questions=questions(found.survivors, found.model.tables, found.active, asked)
        if is_asking
        else (),
        unmatched_terms=tuple(
            text.unmatched(query.plain or (), index.text, screen.visible(query.caller_pools, index))
        ),
    )


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
    rank, displaced = place_of(found, offering)
    return Standing(
        name="shown" if rank <= limit else "below_cut",
        offering=offering,
        item=item_of(found, offering, rank, displaced),
        excluded_by=None,
        funnel=funnel,
    )


def items_of(found: Scoring, shown: Slate, limit: int) -> tuple[Item, ...]:
    """The first ``limit`` of the slate, explained."""
    drafted = drafting.drafted(found, shown, limit)
    return tuple(
        item_of(found, offering, rank, shown.moves.get(offering, ()), drafted=drafted.get(offering))
        for rank, offering in enumerate(shown.offerings[:limit], 1)
    )


def steps_of(found: Scoring, offering: int, in_part: int) -> dict[str, int]:
    """The steps of a row of the offering, by feature of A(q)."""
    whole = found.part.in_part(offering)
    return {name: step.table.item(step.place(in_part, whole)) for name, step in found.steps.items()}


def item_of(
    found: Scoring,
    offering: int,
    rank: int | None,
    displaced: tuple[slate.Move, ...],
    *,
    drafted: Drafted | None = None,
) -> Item:
    """The offering explained on its best row; its contributions sum to its score exactly."""
    in_part, row = found.best_row(offering)
    whole = found.part.in_part(offering)
    places = {name: step.place(in_part, whole) for name, step in found.steps.items()}
    steps = {name: found.steps[name].table.item(place) for name, place in places.items()}
    effects = found.model.tables.at(steps)
    adds, price = found.adds(offering), found.survivors.price(row)
    return Item(
        rank=rank,
        offering=offering,
        row=row,
        steps=steps,
        effects=effects,
        base=sum(found.references.values()),
        contributions={name: effect - found.references[name] for name, effect in effects.items()},
        curation=adds,
        score=sum(effects.values()) + sum(add.adds for add in adds),
        fit=tables.fit(sum(effects.values()), found.ends),
        alternatives=tuple(other for _, other in found.rows_of(offering) if other != row),
        unconfirmed=_unconfirmed(found, offering, row),
        not_stated=tuple(
            sorted(name for name, place in places.items() if found.steps[name].unstated[place])
        ),
        price=price.first_year,
        price_3_years=price.three_years,
        waits_for=price.waits_for,
        tie=found.tie(offering).hex(),
        slate=displaced,
        drafted=drafted,
    )


def funnel_of(found: Scoring, shown: int) -> Funnel:
    """The closed books of the match."""
    return Funnel(
        considered=int(np.count_nonzero(found.verdict.considered)),
        excluded=found.verdict.excluded,
        scored=len(found.scored),
        shown=shown,
    )


def _unconfirmed(found: Scoring, offering: int, row: int) -> tuple[str, ...]:
    if not found.verdict.unconfirmed[row]:
        return ()
    facts = found.survivors.facts(row)
    return tuple(
        name
        for name, rule in screen.musts_of(found.query, found.index, offering)
        if answer(rule, facts) == RuleAnswer.UNKNOWN
    )
