"""Use-cases of admissions: who applies, what is decided, and on what it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.catalog.admissions import queries, recording
from matchmaker.catalog.admissions.deciding import hindrances, needs_note
from matchmaker.catalog.admissions.errors import (
    AdmissionNotFound,
    AlreadyApplied,
    OfferingNotPublished,
    OwnPool,
    PoolClosed,
)
from matchmaker.catalog.admissions.facts import facts_of
from matchmaker.catalog.admissions.machine import (
    ADMISSION,
    HAPPENED,
    HELD,
    UNDER_REVIEW,
    AdmissionState,
)
from matchmaker.catalog.admissions.models import Admission, new_admission_id
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.evidence import queries as evidence
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.checks import check
from matchmaker.catalog.pools.machine import PoolState
from matchmaker.catalog.rights import require_note, require_scope
from matchmaker.core import events, rows, transitions
from matchmaker.core.errors import StaleVersion
from matchmaker.core.machine import Actor
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.catalog.admissions.models import AdmissionId
    from matchmaker.catalog.admissions.queries import Candidate, FoundAdmission
    from matchmaker.catalog.models import OfferingId
    from matchmaker.catalog.pools.checks import Check
    from matchmaker.catalog.pools.models import Pool, PoolId, PoolVersion
    from matchmaker.catalog.pools.queries import FoundPool
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import Event
    from matchmaker.core.transitions import Hindrances, TransitionRequest
    from matchmaker.identity.access import Principal
    from matchmaker.taxonomy.fields import FieldCatalogue

EXPIRED_AT_ONCE: Final = 100


def reader_of(visitor: Principal | None) -> queries.Reader:
    """For whom admissions are read."""
    if visitor is None:
        return queries.Reader()
    return queries.Reader(
        visitor.organisation_id,
        decides=bool(pools.KEEPERS & visitor.roles),
        sees_all=OrganisationRole.OPERATOR in visitor.roles,
    )


def actors_on(principal: Principal, admission: Admission, pool: Pool) -> frozenset[Actor]:
    """As whom ``principal`` acts on an admission; empty: it is none of theirs.

    Four eyes: whose offering it is, is the owner and nobody else. The agency is whose pool it is.
    """
    if principal.organisation_id == admission.organisation_id:
        return frozenset({Actor.OWNER})
    if principal.organisation_id == pool.organisation_id and pools.KEEPERS & principal.roles:
        return frozenset({Actor.AGENCY})
    if OrganisationRole.OPERATOR in principal.roles:
        return frozenset({Actor.OPERATOR})
    return frozenset()


async def find(
    session: ReadSession, principal: Principal, admission_id: AdmissionId
) -> FoundAdmission:
    """The admission with its last decision.

    Raises:
        AdmissionNotFound: there is none, or it is neither their offering nor their pool.
    """
    found = await queries.find_admission(session, admission_id)
    if found is None or not actors_on(principal, found.admission, found.pool):
        raise AdmissionNotFound
    return found


async def apply(
    session: Session,
    principal: Principal,
    pool_id: PoolId,
    offering_id: OfferingId,
    *,
    fields: FieldCatalogue,
    today: dt.date,
) -> FoundAdmission:
    """The caller's offering as an applicant to the pool, with what the rule answers of it.

    Whatever it answers, nothing is decided yet: that is for the pool's organisation.

    Raises:
        PoolNotFound, OfferingNotFound: there is none, or the offering is somebody else's.
        OwnPool: the pool is the caller's own.
        PoolClosed: it takes no applications.
        OfferingNotPublished: the offering is not published.
        AlreadyApplied: the offering has an admission to this pool.
    """
    pool, version, _ = await pools.find(session, pool_id)
    owner = principal.organisation_id
    offering = await queries.candidate(session, offering_id)
    state = await queries.offering_state(session, offering_id, owner)
    if state is None:
        raise OfferingNotFound
    if pool.organisation_id == owner:
        raise OwnPool
    if pool.state is not PoolState.OPEN:
        raise PoolClosed
    if offering is None or state is not OfferingState.PUBLISHED:
        raise OfferingNotPublished(extra={"state": state.value})
    found = await answered(session, version, offering, fields=fields, today=today)
    admission = Admission(
        id=new_admission_id(), organisation_id=owner, pool_id=pool_id, offering_id=offering_id
    )
    if not await queries.insert_admission(session, admission):
        there = await queries.admission_of(session, pool_id, offering_id)
        raise AlreadyApplied(extra={"admission_id": str(there)})
    grounds = recording.Grounds(version, offering, found)
    said = await recording.decide(session, admission, recording.Act("apply", owner), grounds)
    await events.append(
        session, recording.event("applied", admission, event_actor(principal), said)
    )
    return await _again(session, admission.id)


async def check_offering(
    session: ReadSession,
    principal: Principal,
    pool_id: PoolId,
    offering_id: OfferingId,
    *,
    fields: FieldCatalogue,
    today: dt.date,
) -> tuple[FoundPool, Candidate, Check]:
    """What the rules in force would answer of the offering now; nothing is stored.

    Raises:
        PoolNotFound: there is no such pool.
        OfferingNotFound: there is no such offering with a published version, or it is neither the
            caller's nor one that applied to a pool of the caller's.
    """
    found = await pools.find(session, pool_id)
    offering = await queries.candidate(session, offering_id)
    if offering is None or not await _may_check(session, principal, found.pool, offering):
        raise OfferingNotFound
    return (
        found,
        offering,
        await answered(session, found.version, offering, fields=fields, today=today),
    )


async def answered(
    session: ReadSession,
    version: PoolVersion,
    offering: Candidate,
    *,
    fields: FieldCatalogue,
    today: dt.date,
) -> Check:
    """What the rules of ``version`` answer of the offering on ``today``."""
    verified = await evidence.verified_of(
        session, offering.offering_id, offering.organisation_id, today=today
    )
    return check(pools.terms_of(version), facts_of(offering, verified).get, fields)


async def options(
    session: ReadSession,
    principal: Principal,
    admission_id: AdmissionId,
    *,
    fields: FieldCatalogue,
    today: dt.date,
) -> tuple[FoundAdmission, frozenset[Actor], Hindrances]:
    """The admission, as whom the caller acts on it, and what each step lacks now.

    Raises:
        AdmissionNotFound: as `find`.
    """
    found = await find(session, principal, admission_id)
    grounds = await _grounds(session, found, fields, today)
    actors = actors_on(principal, found.admission, found.pool)
    return found, actors, hindrances(grounds.check, found.pool.state, grounds.offering.state)


async def take_step(
    session: Session,
    principal: Principal,
    admission_id: AdmissionId,
    asked: TransitionRequest,
    *,
    fields: FieldCatalogue,
    today: dt.date,
    revision: int | None = None,
) -> FoundAdmission:
    """The admission after the step; of several callers at once one wins.

    Raises:
        AdmissionNotFound: as `find`.
        StaleVersion: it is not at ``revision``.
        ScopeMissing: the caller's credential is not good for it.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as
            `transitions.checked`; a rule that does not answer yes admits by exception only.
        NoteRequired: the step is not taken without a reason.
    """
    while True:
        found = await find(session, principal, admission_id)
        if revision is not None and found.admission.revision != revision:
            raise StaleVersion
        grounds = await _grounds(session, found, fields, today)
        actors = actors_on(principal, found.admission, found.pool)
        step = transitions.checked(
            ADMISSION,
            found.admission.state,
            asked.transition,
            actors=actors,
            hindrances=hindrances(grounds.check, found.pool.state, grounds.offering.state),
        )
        require_scope(principal, actors)
        if needs_note(step.name, grounds.check):
            require_note(asked.note)
        act = recording.Act(step.name, principal.organisation_id, asked.note)
        said = await recording.take(session, found, step, act=act, grounds=grounds, today=today)
        # Somebody came first, with this step or with another tier: what holds now decides anew.
        if said is not None:
            break
    event = recording.event(HAPPENED[step.name], found.admission, event_actor(principal), said)
    await recording.tell(session, [event])
    return await _again(session, admission_id)


async def reassess(
    session: Session,
    principal: Principal,
    admission_id: AdmissionId,
    *,
    revision: int,
    note: str | None,
    fields: FieldCatalogue,
    today: dt.date,
) -> FoundAdmission:
    """The admission with its rule answered anew; one that is in the pool gets the tier it reaches.

    The applicant asks for it until it is decided, the pool's organisation at any time before the
    end.

    Raises:
        AdmissionNotFound: as `find`.
        ScopeMissing, NotYourTransition: it is not for the caller.
        IllegalTransition: the admission has ended.
        StaleVersion: it is no longer at ``revision``.
    """
    found = await find(session, principal, admission_id)
    admission = found.admission
    is_applicant = admission.state is AdmissionState.APPLIED
    allowed = {Actor.AGENCY, Actor.OWNER} if is_applicant else {Actor.AGENCY}
    actors = actors_on(principal, admission, found.pool)
    if not actors & allowed:
        raise transitions.NotYourTransition(extra={"by": sorted(allowed)})
    require_scope(principal, actors)
    if admission.state not in UNDER_REVIEW:
        raise transitions.IllegalTransition(extra={"state": admission.state.value})
    if admission.revision != revision:
        raise StaleVersion
    grounds = await _grounds(session, found, fields, today)
    tier = grounds.check.tier if admission.state in HELD else None
    after = await rows.revise(
        session, Admission, admission_id, revision=revision, values={"tier": tier}
    )
    if after is None:
        raise StaleVersion
    changed = recording.after(admission, admission.state, after, tier)
    act = recording.Act("reassess", principal.organisation_id, note)
    said = await recording.decide(session, changed, act, grounds)
    await events.append(
        session, recording.event("reassessed", admission, event_actor(principal), said)
    )
    return await _again(session, admission_id)


async def expire_due(
    session: Session, today: dt.date, *, fields: FieldCatalogue, limit: int = EXPIRED_AT_ONCE
) -> int:
    """How many admissions were past their last day and have expired now; at most ``limit``."""
    step = ADMISSION.step("expire")
    if step is None:
        raise ValueError("the life of an admission has no end by date")
    done: list[Event] = []
    for found in await queries.due(session, today, limit=limit):
        grounds = await _grounds(session, found, fields, today)
        act = recording.Act(step.name, None)
        said = await recording.take(session, found, step, act=act, grounds=grounds, today=today)
        # One that was changed meanwhile is looked at again when this next runs.
        if said is not None:
            done.append(recording.event(HAPPENED[step.name], found.admission, events.CLOCK, said))
    await recording.tell(session, done)
    return len(done)


async def _may_check(
    session: ReadSession, principal: Principal, pool: Pool, offering: Candidate
) -> bool:
    if principal.organisation_id == offering.organisation_id:
        return True
    if OrganisationRole.OPERATOR in principal.roles:
        return True
    is_applicant = await queries.admission_of(session, pool.id, offering.offering_id) is not None
    return pool.organisation_id == principal.organisation_id and is_applicant


async def _grounds(
    session: ReadSession, found: FoundAdmission, fields: FieldCatalogue, today: dt.date
) -> recording.Grounds:
    seen = found.decision.offering_version_id
    offering = await queries.candidate(session, found.admission.offering_id, last_seen=seen)
    if offering is None:
        raise OfferingNotFound
    answer = await answered(session, found.version, offering, fields=fields, today=today)
    return recording.Grounds(found.version, offering, answer)


async def _again(session: ReadSession, admission_id: AdmissionId) -> FoundAdmission:
    found = await queries.find_admission(session, admission_id)
    if found is None:
        raise AdmissionNotFound
    return found
