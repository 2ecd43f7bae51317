"""Use-cases of evidence: its owner claims, others verify, the clock ends it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.evidence import queries
from matchmaker.catalog.evidence.declaration import Claim, claim_faults
from matchmaker.catalog.evidence.errors import EvidenceNotEditable, EvidenceNotFound, UnusableClaim
from matchmaker.catalog.evidence.machine import EDITABLE, EVIDENCE, HAPPENED, REASONED
from matchmaker.catalog.evidence.machine import EvidenceState as State
from matchmaker.catalog.evidence.models import Evidence
from matchmaker.catalog.rights import happened, require_note, require_scope
from matchmaker.core import etags, events, patching, rows, transitions
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from typing import Any

    from matchmaker.catalog.evidence.models import EvidenceId, EvidenceType
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.transitions import Hindrances, TransitionRequest
    from matchmaker.identity.access import Principal
    from matchmaker.taxonomy.checking import Checker

EXPIRED_AT_ONCE: Final = 500
_VERIFYING = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})


def reader_of(visitor: Principal | None) -> queries.Reader:
    """For whom evidence is read."""
    if visitor is None:
        return queries.Reader()
    return queries.Reader(visitor.organisation_id, sees_all=bool(_VERIFYING & visitor.roles))


async def find(
    session: ReadSession, evidence_id: EvidenceId, visitor: Principal | None
) -> Evidence:
    """The evidence.

    Raises:
        EvidenceNotFound: there is none, or it is not for ``visitor`` to see.
    """
    found = await queries.find(session, evidence_id, reader_of(visitor))
    if found is None:
        raise EvidenceNotFound
    return found


async def claim(
    session: Session,
    principal: Principal,
    *,
    type_: EvidenceType,
    offering_id: OfferingId | None,
    stated: Claim,
    checker: Checker,
) -> Evidence:
    """The new evidence of the caller: of one of its offerings, or of itself as a whole.

    Raises:
        OfferingNotFound: there is no such offering, or it is somebody else's.
        UnusableClaim: with every fault.
    """
    owner = principal.organisation_id
    if offering_id is not None and not await queries.owns_offering(session, offering_id, owner):
        raise OfferingNotFound
    _refuse_faults(checker, type_, stated)
    made = Evidence(organisation_id=owner, offering_id=offering_id, type=type_, **_columns(stated))
    session.add(made)
    await session.flush()
    said = happened("evidence.claimed", made.id, owner, event_actor(principal), type=type_.value)
    await events.append(session, said)
    return await find(session, made.id, principal)


def claim_of(stored: Evidence) -> Claim:
    """What a stored piece of evidence claims."""
    return msgspec.convert({name: getattr(stored, name) for name in Claim.__struct_fields__}, Claim)


async def revise(
    session: Session,
    principal: Principal,
    evidence_id: EvidenceId,
    patch: msgspec.Struct,
    *,
    revision: int,
    checker: Checker,
) -> Evidence:
    """The evidence after ``patch``; what was verified, or is being, keeps still.

    Raises:
        EvidenceNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        EvidenceNotEditable: it stands where it cannot be changed.
        UnusableClaim: with every fault.
    """
    found = await find(session, evidence_id, principal)
    if found.organisation_id != principal.organisation_id:
        raise EvidenceNotFound
    if found.revision != revision:
        raise StaleVersion
    if found.state not in EDITABLE:
        raise EvidenceNotEditable(extra={"state": found.state.value})
    before = claim_of(found)
    after = patching.merged(before, patch)
    if after == before:
        return found
    _refuse_faults(checker, found.type, after)
    values = _columns(after)
    if await rows.revise(session, Evidence, evidence_id, revision=revision, values=values) is None:
        raise StaleVersion
    owner = found.organisation_id
    said = happened("evidence.revised", evidence_id, owner, event_actor(principal))
    await events.append(session, said)
    return await find(session, evidence_id, principal)


def hindrances(found: Evidence, today: dt.date) -> Hindrances:
    """By step what the evidence lacks for it on ``today``."""
    if found.valid_until is None or found.valid_until >= today:
        return {}
    said = Bilingual(zh="有效期已过，请先更新", en="its last day has passed: renew it first")
    passed = [FieldFault("#/transition", "out_of_date", said)]
    return {"submit": passed, "verify": passed}


async def take_step(
    session: Session,
    principal: Principal,
    evidence_id: EvidenceId,
    asked: TransitionRequest,
    *,
    today: dt.date,
    revision: int | None = None,
) -> Evidence:
    """The evidence after the step; of several callers at once one wins.

    Raises:
        EvidenceNotFound: there is none, or it is not for the caller to see.
        StaleVersion: it is not at ``revision``.
        ScopeMissing: the caller's credential is not good for it.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as
            `transitions.checked`; nobody verifies what is their own.
        NoteRequired: the step is not taken without a reason.
    """
    while True:
        found = await find(session, evidence_id, principal)
        etags.expect(found.revision, revision)
        actors = actors_of(principal, found.organisation_id)
        missing = hindrances(found, today)
        step = transitions.checked(
            EVIDENCE, found.state, asked.transition, actors=actors, hindrances=missing
        )
        require_scope(principal, actors)
        if step.name in REASONED:
            require_note(asked.note)
        values: dict[str, Any] = {"state": step.target, "note": asked.note}
        if step.target is State.VERIFIED:
            values["verified_by"] = principal.organisation_id
        # By revision, not by state: a claim that was taken back, reworded and submitted again
        # stands where it stood, and is another claim.
        seen = found.revision
        if await rows.revise(session, Evidence, evidence_id, revision=seen, values=values):
            break
    said = happened(
        f"evidence.{HAPPENED[step.name]}",
        evidence_id,
        found.organisation_id,
        event_actor(principal),
        state=step.target.value,
    )
    await events.append(session, said)
    return await find(session, evidence_id, principal)


async def expire_due(session: Session, today: dt.date, *, limit: int = EXPIRED_AT_ONCE) -> int:
    """How many claims were past their last day and have expired now; at most ``limit``."""
    done = await queries.expire(session, today, limit=limit)
    if done:
        await events.append(
            session,
            *(
                happened("evidence.expired", id_, owner, events.CLOCK, state=State.EXPIRED.value)
                for id_, owner, _ in done
            ),
        )
    return len(done)


def _columns(stated: Claim) -> dict[str, Any]:
    """The claim as its columns: texts as JSON, a date as it is."""
    plain: dict[str, Any] = msgspec.to_builtins(stated, builtin_types=(dt.date,))
    return {**plain, "scenes": list(plain["scenes"])}


def _refuse_faults(checker: Checker, type_: EvidenceType, stated: Claim) -> None:
    faults = list(claim_faults(checker, type_, stated, "#"))
    if faults:
        raise UnusableClaim(errors=faults)
