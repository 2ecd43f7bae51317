"""Writing decisions: the admission as it becomes, and all that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from matchmaker.catalog.admissions import queries
from matchmaker.catalog.admissions.deciding import left_behind
from matchmaker.catalog.admissions.models import Admission, AdmissionId, new_decision_id
from matchmaker.catalog.pools.checks import NAMES, stored
from matchmaker.catalog.rights import happened
from matchmaker.core import events, rows

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from matchmaker.catalog.admissions.machine import AdmissionState
    from matchmaker.catalog.admissions.queries import Candidate, FoundAdmission
    from matchmaker.catalog.pools.checks import Check
    from matchmaker.catalog.pools.models import PoolVersion
    from matchmaker.core.db import Session
    from matchmaker.core.events import Event, EventActor
    from matchmaker.core.machine import Step
    from matchmaker.identity.models import OrganisationId


class Grounds(NamedTuple):
    """What a decision rests on: the pool's version, the offering's, and what comes of both."""

    version: PoolVersion
    offering: Candidate
    check: Check


class Act(NamedTuple):
    """What is done, by whom, and why."""

    action: str
    decided_by: OrganisationId | None
    """None: the clock."""
    note: str | None = None


async def take(
    session: Session,
    found: FoundAdmission,
    step: Step[AdmissionState],
    *,
    act: Act,
    grounds: Grounds,
    today: dt.date,
) -> dict[str, Any] | None:
    """What the event of the step tells; None if the admission is no longer as it was found."""
    admission = found.admission
    days = grounds.version.admission_days
    values = left_behind(admission, step, grounds.check, days=days, today=today)
    # By revision, not by state: a tier that was reassessed meanwhile would be written over.
    revision = await rows.revise(
        session,
        Admission,
        admission.id,
        revision=admission.revision,
        values={**values, "state": step.target},
    )
    if revision is None:
        return None
    changed = after(admission, step.target, revision, values["tier"])
    return await decide(session, changed, act, grounds)


async def decide(
    session: Session, admission: Admission, act: Act, grounds: Grounds
) -> dict[str, Any]:
    """Store the decision that made ``admission`` what it is; give what its event tells."""
    answer = NAMES[grounds.check.answer]
    await queries.insert_decision(
        session,
        {
            "id": new_decision_id(),
            "admission_id": admission.id,
            "number": admission.revision,
            "organisation_id": admission.organisation_id,
            "pool_id": admission.pool_id,
            "pool_version": grounds.version.number,
            "offering_id": admission.offering_id,
            "offering_version_id": grounds.offering.version_id,
            "action": act.action,
            "state": admission.state,
            "answer": answer,
            "proof": stored(grounds.check),
            "tier": admission.tier,
            "note": act.note,
            "decided_by": act.decided_by,
        },
    )
    return {
        "state": admission.state.value,
        "decision": admission.revision,
        "pool_version": grounds.version.number,
        "answer": answer,
        "tier": admission.tier,
    }


def after(admission: Admission, state: AdmissionState, revision: int, tier: object) -> Admission:
    """The admission as it now stands, beside the row that was read before."""
    return Admission(
        id=admission.id,
        organisation_id=admission.organisation_id,
        pool_id=admission.pool_id,
        offering_id=admission.offering_id,
        state=state,
        tier=None if tier is None else str(tier),
        revision=revision,
    )


async def tell(session: Session, done: Sequence[Event]) -> None:
    """Append the events of steps that were taken, and let the index's pools follow them.

    The last thing in the transaction: from here on nobody else can append until it ends.
    """
    if done:
        position = await events.append(session, *done)
        await queries.follow_live(session, [AdmissionId(e.subject_id) for e in done], position)


def event(verb: str, admission: Admission, actor: EventActor, said: dict[str, Any]) -> Event:
    """The event of a decision on the admission."""
    whose = {"pool_id": str(admission.pool_id), "offering_id": str(admission.offering_id)}
    return happened(
        f"admission.{verb}", admission.id, admission.organisation_id, actor, **whose, **said
    )
