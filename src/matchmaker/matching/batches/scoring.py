"""What one firm of a batch is worth to each offering, and what it is told: the single match."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
import numpy as np

from matchmaker.core.wire import Money
from matchmaker.matching import composing, service
from matchmaker.matching.schemas import MatchInput, SlateMove
from matchmaker.matching.scorer import Scorer
from matchmaker.ranking.allocation import NOT_ELIGIBLE
from matchmaker.ranking.tables import MILLION
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from matchmaker.demand.declaration import NeedFacts
    from matchmaker.enterprise.declaration import ProfileFacts
    from matchmaker.matching.answer import Item
    from matchmaker.matching.index import Published
    from matchmaker.matching.matcher import Matcher
    from matchmaker.matching.ordering import Order
    from matchmaker.matching.query import Caller
    from matchmaker.matching.service import Scoring
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.wishes import Worths

T = TypeVar("T")
PLACES: Final = 64
"""Units of worth for each millionth of fit: so much room below it is for the order of the match."""

Reason: TypeAlias = Literal["nothing_considered", "all_excluded", "no_place", "unusable_profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all firms of a batch ask alike."""

    need: NeedFacts
    pools: list[str] | None
    limit: int
    caller: Caller
    as_of: dt.datetime


class Entrant(NamedTuple):
    """A firm of the batch: what it is called in the results, and what it states."""

    reference: str
    facts: ProfileFacts | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One offering as a line tells it; ``rank`` is its place by score in the single match."""

    rank: int
    offering_id: str
    version: int
    package: str
    provider_id: str
    score: float
    fit: int | None
    price: Money | None
    slate: list[SlateMove]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one firm: a line of the results.

    ``digest`` is that of the receipt of its single match, so that anybody can replay it.
    """

    reference: str
    assigned: Shown | None
    unmatched: Reason | None
    items: list[Shown]
    considered: int
    excluded: dict[str, int]
    scored: int
    digest: str | None


@dataclass(frozen=True)
class Desk:
    """Where single matches are answered: a matcher, and the one index of the batch."""

    matcher: Matcher
    published: Published

    @cached_property
    def _scorers(self) -> dict[str | None, Scorer]:
        return {}

    def scorer(self, caller: Caller) -> Scorer:
        """What scores the needs of the caller, under the curations in force for it."""
        name = caller.organisation
        if name not in self._scorers:
            curations = self.published.curations_for(name)
            self._scorers[name] = Scorer(self.published.index, self.matcher.model, curations)
        return self._scorers[name]

    def scores(self, asked: Asked, entrants: Sequence[Entrant]) -> list[Scoring | None]:
        """The scorings of their matches; None where what a firm states cannot be used any more."""
        return self._of_usable(asked, entrants, self.scorer(asked.caller).scores)

    def orders(self, asked: Asked, entrants: Sequence[Entrant]) -> list[Order | None]:
        """The orders alone of those scorings."""
        return self._of_usable(asked, entrants, self.scorer(asked.caller).orders)

    def _of_usable(
        self,
        asked: Asked,
        entrants: Sequence[Entrant],
        work: Callable[[Sequence[Query]], Sequence[T]],
    ) -> list[T | None]:
        queries = [self._query(asked, each) for each in entrants]
        found = iter(work([query for query in queries if query is not None]))
        return [None if query is None else next(found) for query in queries]

    def _query(self, asked: Asked, entrant: Entrant) -> Query | None:
        try:
            return self.matcher.query(_input(asked, entrant), asked.caller, asked.as_of)
        except UnusableInput:
            return None


def worths_of(desk: Desk, asked: Asked, entrants: Sequence[Entrant], columns: Int) -> Worths:
    """What the offerings at ``columns`` are worth to each firm, in 64ths of a millionth of fit.

    With what curations add: the allocation wants what the match would show. Below the millionth
    stands the place in the order of the match, so that of equals a firm prefers its own first.
    """
    worths = np.full((len(entrants), len(columns)), NOT_ELIGIBLE, np.int32)
    for place, found in enumerate(desk.orders(asked, entrants)):
        if found is not None and len(found.scored):
            worths[place] = _worth(found)[columns]
    return worths


def outcomes_of(
    desk: Desk, asked: Asked, entrants: Sequence[Entrant], given: Sequence[int | None] | None
) -> list[Outcome]:
    """What came of each firm that was ``given`` an offering, or none; None: its own first."""
    places = [None] * len(entrants) if given is None else given
    scorings = desk.scores(asked, entrants)
    return [
        _nothing(entrant, "unusable_profile")
        if found is None
        else _outcome(desk, asked, entrant, found, given=place, is_free=given is None)
        for entrant, found, place in zip(entrants, scorings, places, strict=True)
    ]


def _worth(found: Order) -> Int:
    """Of every offering of the index, `NOT_ELIGIBLE` where no row of it survives."""
    lo, hi = found.ends
    worth = np.full(found.index.offerings, NOT_ELIGIBLE, np.int64)
    best = found.best
    fit = (best - lo) * MILLION // (hi - lo) if hi > lo else np.zeros_like(best)
    worth[found.scored] = np.maximum(fit, 0) * PLACES
    for place, offering in enumerate(found.order(PLACES)[:PLACES]):
        worth[offering] += PLACES - 1 - place
    return worth


def _outcome(
    desk: Desk,
    asked: Asked,
    entrant: Entrant,
    found: Scoring,
    *,
    given: int | None,
    is_free: bool,
) -> Outcome:
    answer = service.answer_of(found, asked.limit, is_asking=False)
    run = desk.matcher.run_of(
        answer, found, desk.published, asked=_input(asked, entrant), caller=asked.caller
    )
    order = found.order(1)
    first = order[0] if order else None
    if is_free:
        given = first
    items = answer.items
    if given is not None and given != first:
        slate = composing.slate_of(found, asked.limit, given)
        items = service.items_of(found, slate, asked.limit)
    assigned = None if given is None else service.item_of(found, given, None, ())
    funnel = answer.funnel
    return Outcome(
        reference=entrant.reference,
        assigned=None if assigned is None else _shown(assigned, found, desk.published),
        unmatched=None if given is not None else _reason(funnel.considered, funnel.scored),
        items=[_shown(item, found, desk.published) for item in items],
        considered=funnel.considered,
        excluded=dict(funnel.excluded),
        scored=funnel.scored,
        digest=run.digest,
    )


def _reason(considered: int, scored: int) -> Reason:
    if not considered:
        return "nothing_considered"
    return "no_place" if scored else "all_excluded"


def _nothing(entrant: Entrant, reason: Reason) -> Outcome:
    return Outcome(
        reference=entrant.reference,
        assigned=None,
        unmatched=reason,
        items=[],
        considered=0,
        excluded={},
        scored=0,
        digest=None,
    )


def _shown(item: Item, found: Scoring, published: Published) -> Shown:
    card, currency = published.card(item.offering), found.query.currency
    return Shown(
        rank=found.rank(item.offering),
        offering_id=card.offering_id,
        version=card.version,
        package=published.index.package_codes[item.row],
        provider_id=card.provider_id,
        score=item.score / MILLION,
        fit=item.fit,
        price=None if item.price is None else Money(amount=item.price, currency=currency),
        slate=[SlateMove(step=move.step, moved=move.moved) for move in item.slate],
    )


def _input(asked: Asked, entrant: Entrant) -> MatchInput:
    return MatchInput(profile=entrant.facts, need=asked.need, pools=asked.pools, limit=asked.limit)
