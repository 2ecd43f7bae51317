"""Use-cases of participations: joined by a firm, left by it at once, ended with the programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.machine import Actor
from matchmaker.enterprise.participations import queries
from matchmaker.enterprise.participations.errors import ParticipationNotFound
from matchmaker.enterprise.participations.machine import (
    HAPPENED,
    PARTICIPATION,
    ParticipationState,
)
from matchmaker.enterprise.participations.models import Participation, new_participation_id
from matchmaker.identity.access import actors_of, event_actor

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.participations.models import ParticipationId
    from matchmaker.enterprise.participations.queries import Told
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId

_READERS = frozenset({Actor.OWNER, Actor.OPERATOR})


async def join(
    session: Session, programme_id: UUID, agency_id: OrganisationId, principal: Principal
) -> Participation:
    """The caller's firm in the programme of ``agency_id``, which may be joined now.

    Raises:
        AlreadyExists: it takes part already.
    """
    made = Participation(
        id=new_participation_id(),
        organisation_id=principal.organisation_id,
        programme_id=programme_id,
        agency_id=agency_id,
    )
    await queries.insert_participation(session, made)
    told = queries.Told(made.id, made.organisation_id, made.revision)
    await events.append(
        session, _event("participation.joined", told, made.state, of=programme_id, by=principal)
    )
    return made


async def end(session: Session, programme_id: UUID, by: Principal) -> list[events.Event]:
    """What has happened to those who took part in a programme that is archived now."""
    kind, over = HAPPENED["end"], ParticipationState.ENDED
    ended = await queries.end(session, programme_id)
    return [_event(kind, each, over, of=programme_id, by=by) for each in ended]


async def find(
    session: ReadSession, participation_id: ParticipationId, principal: Principal
) -> Participation:
    """The participation, for its firm and for operators.

    Raises:
        ParticipationNotFound: there is none, or it is not for this caller.
    """
    found = await queries.find_participation(session, participation_id)
    if found is None or not actors(principal, found):
        raise ParticipationNotFound
    return found


async def take_step(
    session: Session,
    participation_id: ParticipationId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> Participation:
    """The participation after the step; of several callers at once one wins.

    Raises:
        ParticipationNotFound: there is none, or it is not for this caller.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition: as `checked`.
    """
    found = await find(session, participation_id, principal)
    etags.expect(found.revision, seen)
    step = transitions.checked(
        PARTICIPATION,
        found.state,
        asked.transition,
        actors=actors(principal, found),
        hindrances={},
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, Participation, found.id, source=found.state, step=step, values=values, seen=seen
    )
    if await moving is None:
        there = await find(session, participation_id, principal)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find(session, participation_id, principal)
    told = queries.Told(moved.id, moved.organisation_id, moved.revision)
    kind, of = HAPPENED[step.name], moved.programme_id
    await events.append(session, _event(kind, told, moved.state, of=of, by=principal))
    return moved


def actors(principal: Principal, found: Participation) -> frozenset[Actor]:
    """As whom ``principal`` may look at the participation, and act on it."""
    return actors_of(principal, found.organisation_id) & _READERS


def _event(
    kind: str, what: Told, state: ParticipationState, *, of: UUID, by: Principal
) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="participation",
        subject_id=what.id,
        organisation_id=what.organisation_id,
        actor=event_actor(by),
        data={
            "programme_id": str(of),
            "state": state.value,
            "revision": what.revision,
        },
    )
