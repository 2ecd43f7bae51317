"""Who needs this: the open needs that an offering fits, by what they tell everyone."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from matchmaker.core import db
from matchmaker.demand import content, wording
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.errors import OfferingNotConsidered
from matchmaker.matching.query import Caller
from matchmaker.matching.reversing import queries
from matchmaker.matching.reversing.fitting import Fitted, Fitting
from matchmaker.matching.schemas import MatchInput
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from uuid import UUID

    from matchmaker.core.db import ReadSession
    from matchmaker.demand import schemas as demand
    from matchmaker.identity.access import Principal
    from matchmaker.matching.index import Published
    from matchmaker.matching.matcher import Matcher


class Met(NamedTuple):
    """A need as it is told, and how the offering fits it."""

    need: demand.Need
    fitted: Fitted


class Found(NamedTuple):
    """The needs that the offering fits, best first, and what became of the others."""

    published: Published
    fitting: Fitting
    met: list[Met]
    considered: int
    excluded: Mapping[str, int]
    has_more: bool
    as_of: dt.datetime


async def find(
    session: ReadSession, matcher: Matcher, offering_id: UUID, principal: Principal
) -> Found:
    """The needs that the offering fits.

    Only what a need tells everyone is looked at, and nothing of its firm: whoever varies an
    offering would read a profile off the fits. The ``session`` has ended when they are met.

    Raises:
        OfferingNotConsidered: it is not published, not the caller's, or no match may show it now.
        IndexNotReady: nothing has been published.
    """
    published, as_of = matcher.holder.current(), matcher.now()
    owner = await queries.owner_of(session, offering_id)
    is_own = owner == principal.organisation_id or OrganisationRole.OPERATOR in principal.roles
    place = published.index.place(str(offering_id))
    if place is None or owner is None or not is_own:
        raise OfferingNotConsidered
    fitting = Fitting(published.index, matcher.ranking, place)
    kind = str(published.index.kind.fact(int(published.index.kind.codes[place])))
    needs = await queries.open_needs(session, kind)
    taxonomy = matcher.reader.taxonomy
    told = [wording.need(row, taxonomy, is_whole=False) for row in needs[: queries.MOST_NEEDS]]
    has_more = len(needs) > queries.MOST_NEEDS
    await db.let_go(session)
    # In a thread: a thousand needs take a second, and others want their matches.
    met = await asyncio.to_thread(_meet_all, matcher, fitting, told, as_of)
    excluded = Counter(each.fitted.excluded_by for each in met if each.fitted.excluded_by)
    return Found(
        published=published,
        fitting=fitting,
        met=sorted((each for each in met if each.fitted.item is not None), key=_best_first),
        considered=len(met),
        excluded=dict(sorted(excluded.items())),
        has_more=has_more,
        as_of=as_of,
    )


def _meet_all(
    matcher: Matcher, fitting: Fitting, told: list[demand.Need], as_of: dt.datetime
) -> list[Met]:
    found: list[Met] = []
    part, taxonomy = fitting.part, matcher.reader.taxonomy
    for need in told:
        asked = MatchInput(need=content.facts(need, taxonomy))
        try:
            query = matcher.query(asked, Caller(), as_of)
        except UnusableInput:
            # It names what a later release has dropped: no match of it can be run.
            continue
        if fitting.is_considered(query):
            found.append(Met(need, fitting.meet(query, part)))
    return found


def _best_first(met: Met) -> tuple[int, str]:
    fit = None if met.fitted.item is None else met.fitted.item.fit
    return -(-1 if fit is None else fit), str(met.need.id)
