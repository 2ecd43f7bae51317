"""One firm through the stored path: organisation, profile, need, match, shortlist, transition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from matchmaker.cli.firms import Desk
from matchmaker.core import events
from matchmaker.core.transitions import TransitionRequest
from matchmaker.matching import runs
from matchmaker.matching.schemas import NeedMatchRequest
from matchmaker.matching.shortlists import queries as listed
from matchmaker.matching.shortlists import service as shortlists
from matchmaker.matching.shortlists.schemas import EntryDraft, ShortlistDraft

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from matchmaker.cli.firms import Settled, WrittenNeed
    from matchmaker.cli.sample import Sample
    from matchmaker.cli.session import Begin, Database
    from matchmaker.core.events import Recorded, Verdict
    from matchmaker.core.language import Language
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.access import Principal
    from matchmaker.matching.matcher import Matcher
    from matchmaker.matching.queries import FoundRun
    from matchmaker.matching.run import MatchRun
    from matchmaker.matching.runs import Asked
    from matchmaker.matching.schemas import MatchAnswer
    from matchmaker.matching.service import Scoring
    from matchmaker.matching.shortlists.models import Shortlist
    from matchmaker.matching.shortlists.queries import FoundEntry
    from matchmaker.released import Released

LISTED: Final = 3
"""How many of the first offerings are put on the shortlist."""
_TOLD: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMatch:
    """A match of the stored need: the run, what it was asked, its answer and its scores."""

    run: FoundRun
    made: MatchRun
    asked: Asked
    answer: MatchAnswer
    scoring: Scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that one walk has left in the database, as it stands there."""

    firm: Settled
    need: WrittenNeed
    match: StoredMatch
    shortlist: Shortlist
    entries: Sequence[FoundEntry]
    trail: Sequence[Recorded]
    """The events of this walk alone, in their order."""
    verdict: Verdict
    """What a check of the whole chain found after it."""


async def store(
    running: Database, released: Released, told: Sample, *, matcher: Matcher, language: Language
) -> Stored:
    """The walk of the firm of ``told``, every act of it stored; the same facts again add none."""
    async with running.transactions() as begin:
        async with begin() as session:
            start = await events.head(session)
        desk = Desk(begin, released)
        firm = await desk.settle(told.firm)
        by = firm.principal
        need = await desk.open_need(told.need, by)
        match = await _match(desk, need.found, by, matcher=matcher, language=language)
        shortlist = await _frozen(begin, match, by)
        async with begin() as session:
            entries = (await listed.entries_of(session, [shortlist.id]))[shortlist.id]
            subjects: set[UUID] = {firm.organisation.id, need.found.need.id}
            subjects |= {match.run.run.id, shortlist.id}
            trail = await events.after(session, start, _TOLD, organisation_id=by.organisation_id)
            verdict = await events.verify(session)
    return Stored(
        firm=firm,
        need=need,
        match=match,
        shortlist=shortlist,
        entries=entries,
        trail=_of(subjects, trail),
        verdict=verdict,
    )


async def _match(
    desk: Desk, need: FoundNeed, by: Principal, *, matcher: Matcher, language: Language
) -> StoredMatch:
    """The match of the need with the profile of its firm, stored."""
    async with desk.begin() as session:
        asked = await runs.resolve_need(
            session,
            need.need.id,
            NeedMatchRequest(),
            principal=by,
            taxonomy=desk.released.taxonomy,
        )
        run, scoring = matcher.run(asked.input, await runs.caller_of(session, by))
        run_id = await runs.store(
            session, asked, run, answers=matcher.told(run, scoring), principal=by
        )
    async with desk.begin() as session:
        found = await runs.find(session, run_id, by)
    answer = runs.answer_of(found, language)
    return StoredMatch(run=found, made=run, asked=asked, answer=answer, scoring=scoring)


async def _frozen(begin: Begin, match: StoredMatch, by: Principal) -> Shortlist:
    """The first offerings of the run as a shortlist, frozen by its transition."""
    entries = [
        EntryDraft(offering_id=UUID(item.offering_id)) for item in match.answer.items[:LISTED]
    ]
    async with begin() as session:
        draft = ShortlistDraft(run_id=match.run.run.id, entries=entries)
        made = await shortlists.create(session, draft, by)
    async with begin() as session:
        return await shortlists.take_step(
            session, made.id, TransitionRequest(transition="freeze"), by
        )


def _of(subjects: Collection[UUID], trail: Sequence[Recorded]) -> list[Recorded]:
    """Those of ``trail`` that are about ``subjects``: the firm may be acting elsewhere too."""
    return [recorded for recorded in trail if recorded.event.subject_id in subjects]
