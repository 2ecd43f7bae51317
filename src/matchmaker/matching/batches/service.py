"""Use-cases of batches: asked for by an agency or an operator, done by a job, read by who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from matchmaker.catalog.pools import service as pools
from matchmaker.core import jobs
from matchmaker.core.access import ScopeMissing
from matchmaker.core.errors import FieldFault
from matchmaker.core.jobs import Job, JobState
from matchmaker.core.language import Bilingual
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.feed import queries as feed
from matchmaker.identity.access import Scope, note
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.batches import queries, reporting
from matchmaker.matching.batches.declaration import BatchRequest
from matchmaker.matching.batches.errors import BatchNotFound, BatchNotReady
from matchmaker.matching.batches.models import Batch, new_batch_id
from matchmaker.matching.batches.running import Limits
from matchmaker.matching.batches.schemas import BatchReport
from matchmaker.matching.batches.scoring import Asked, Entrant
from matchmaker.matching.cohorts import choosing
from matchmaker.matching.cohorts import service as cohorts
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchInput
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.jobs.models import StoredJob
    from matchmaker.identity.access import Principal
    from matchmaker.matching.batches.models import BatchId
    from matchmaker.matching.matcher import Matcher

RUN: Final = "match.batch"
QUEUE: Final = "batch"


class ABatch(NamedTuple):
    """A batch with its job, as far as that is still kept."""

    batch: Batch
    job: StoredJob | None

    @property
    def state(self) -> JobState:
        """Where its job stands; a job that is no longer kept was done."""
        return JobState.DONE if self.job is None else self.job.state


async def start(
    session: Session, matcher: Matcher, request: BatchRequest, principal: Principal
) -> ABatch:
    """The batch that a job will do, as of now.

    Raises:
        UnusableInput: an unknown code, a rule that cannot hold, a floor above its capacity.
        CohortNotFound: there is no such cohort of theirs.
        ScopeMissing: the credential may not read what firms state.
        IndexNotReady: nothing has been published.
    """
    await check(session, matcher, request, principal)
    batch_id = new_batch_id()
    job = Job(
        kind=RUN,
        payload={"id": str(batch_id)},
        queue=QUEUE,
        organisation_id=principal.organisation_id,
    )
    batch = Batch(
        id=batch_id,
        organisation_id=principal.organisation_id,
        requested_by=principal.key_id,
        requested_by_member=None if principal.seat is None else principal.seat.member_id,
        job_id=await jobs.enqueue(session, job),
        as_of=matcher.now(),
        request=msgspec.to_builtins(request),
    )
    await queries.insert_batch(session, batch)
    return ABatch(batch, await feed.find_job(session, batch.job_id))


async def check(
    session: ReadSession, matcher: Matcher, request: BatchRequest, principal: Principal
) -> None:
    """Nothing, where the batch can be run for the caller.

    Raises:
        UnusableInput, CohortNotFound, ScopeMissing, IndexNotReady: as `start`.
    """
    matcher.query(_probe(request), Caller(str(principal.organisation_id)))
    if faults := list(_faults(matcher, request)):
        raise UnusableInput(errors=faults)
    if request.cohort_id is not None:
        await cohorts.find(session, request.cohort_id, principal)
    if request.criteria is not None:
        checker = Checker(matcher.reader.taxonomy, matcher.reader.fields)
        cohorts.refuse_faults(checker, request.criteria, "#/criteria")
    if request.enterprises is None and Scope.PROFILES_READ not in principal.scopes:
        raise ScopeMissing(extra={"scope": Scope.PROFILES_READ.value})


async def find(session: ReadSession, batch_id: BatchId, reader: Principal) -> ABatch:
    """The batch, for whoever asked for it.

    Raises:
        BatchNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_batch(session, batch_id, reader.organisation_id)
    if found is None:
        raise BatchNotFound
    return ABatch(*found)


async def report(session: ReadSession, batch_id: BatchId, reader: Principal) -> BatchReport:
    """The batch in sum.

    Raises:
        BatchNotFound, BatchNotReady: there is none of theirs, or it is not done.
    """
    found = await find(session, batch_id, reader)
    if found.batch.report is None:
        raise BatchNotReady(extra={"state": found.state.value})
    return msgspec.convert(found.batch.report, BatchReport)


async def lines(session: ReadSession, batch_id: BatchId, reader: Principal) -> bytes:
    """What came of each firm, as JSON Lines: of those that may still be named.

    Raises:
        BatchNotFound, BatchNotReady: there is none of theirs, or it is not done.
        ScopeMissing: the credential may not read what firms state.
    """
    found = await find(session, batch_id, reader)
    content = await queries.lines_of(session, batch_id)
    if content is None:
        raise BatchNotReady(extra={"state": found.state.value})
    is_listed = request_of(found.batch).enterprises is not None
    if is_listed or OrganisationRole.OPERATOR in reader.roles:
        return content
    # Whoever has withdrawn its consent since is no longer told of.
    named = await choosing.within_reach(session, reader)
    return reporting.without(content, frozenset(str(firm.id) for firm in named))


async def entrants(
    session: ReadSession, request: BatchRequest, principal: Principal
) -> list[Entrant]:
    """The firms of the batch with what they state now, in order of their ids, or as listed.

    Raises:
        CohortNotFound: the cohort is not theirs, or there is none any more.
        ScopeMissing: the credential may not read what firms state.
    """
    if request.enterprises is not None:
        return [Entrant(each.reference, each.profile) for each in request.enterprises]
    criteria = request.criteria
    if criteria is None:
        assert request.cohort_id is not None  # noqa: S101  (one of the three: BatchRequest)
        criteria = cohorts.criteria_of(await cohorts.find(session, request.cohort_id, principal))
    firms = choosing.chosen(await choosing.within_reach(session, principal), criteria)
    for firm in firms:
        joined = firm.programmes
        note(principal, firm.id, "profile", firm.id, way="listed", programmes=joined)
    return [
        Entrant(
            str(firm.id), None if firm.facts is None else msgspec.convert(firm.facts, ProfileFacts)
        )
        for firm in firms
    ]


async def asked_of(
    session: ReadSession, request: BatchRequest, principal: Principal, *, as_of: dt.datetime
) -> Asked:
    """What all firms of the batch ask, as whoever asked for it sees it now."""
    return Asked(
        need=request.need,
        pools=request.pools,
        limit=request.limit,
        caller=Caller(str(principal.organisation_id), await pools.held_by(session, principal)),
        as_of=as_of,
    )


def request_of(batch: Batch) -> BatchRequest:
    """What was asked, as it is stored."""
    return msgspec.convert(batch.request, BatchRequest)


def limits_of(request: BatchRequest) -> Limits | None:
    """The places as they were asked; None where none is limited."""
    if not request.is_limited:
        return None
    return Limits(request.capacity, request.capacities, request.floors)


def _probe(request: BatchRequest) -> MatchInput:
    return MatchInput(need=request.need, pools=request.pools, limit=request.limit)


def _faults(matcher: Matcher, request: BatchRequest) -> Iterator[FieldFault]:
    yield from _faults_of_firms(matcher, request)
    yield from _faults_of_places(matcher, request)


def _faults_of_firms(matcher: Matcher, request: BatchRequest) -> Iterator[FieldFault]:
    checker = Checker(matcher.reader.taxonomy, matcher.reader.fields)
    seen: set[str] = set()
    for place, each in enumerate(request.enterprises or ()):
        at = f"#/enterprises/{place}"
        if each.reference in seen:
            said = Bilingual(zh="重复", en="is there twice")
            yield FieldFault(f"{at}/reference", "repeated", said)
        seen.add(each.reference)
        if each.profile is not None:
            yield from profile_faults(checker, each.profile, f"{at}/profile")


def _faults_of_places(matcher: Matcher, request: BatchRequest) -> Iterator[FieldFault]:
    index = matcher.holder.current().index
    for name, counts in (("capacities", request.capacities), ("floors", request.floors)):
        for offering_id in counts:
            if index.place(offering_id) is None:
                said = Bilingual(zh="没有已发布的该产品", en="no such published offering")
                yield FieldFault(f"#/{name}/{offering_id}", "not_published", said)
    for offering_id, floor in request.floors.items():
        capacity = request.capacities.get(offering_id, request.capacity)
        if capacity is not None and floor > capacity:
            said = Bilingual(zh="大于容量", en="is above the capacity")
            yield FieldFault(f"#/floors/{offering_id}", "above_capacity", said)
