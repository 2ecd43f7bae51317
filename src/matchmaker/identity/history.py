"""What happens to organisations, keys, members and consents, told as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.core import events
from matchmaker.core.events import Event
from matchmaker.identity import queries
from matchmaker.identity.access import Principal, event_actor
from matchmaker.identity.models import ApiKey, Consent, Member, Organisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import Session
    from matchmaker.core.events import EventActor
    from matchmaker.identity.delegations.models import Delegation
    from matchmaker.identity.experts.models import ExpertCard
    from matchmaker.identity.models import OrganisationId, PersonSession


async def tell(
    session: Session,
    kind: str,
    of: Organisation | ApiKey | Member | Consent | Delegation | ExpertCard,
    *,
    by: Principal | None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Append the event to the transaction, as its last step.

    ``data`` holds ids, states and numbers: an event cannot be erased, so it names no person.
    """
    event = Event(
        kind=kind,
        subject_type=of.__tablename__,
        subject_id=of.id,
        organisation_id=of.id if isinstance(of, Organisation) else of.organisation_id,
        actor=event_actor(by),
        data=dict(data or {}),
    )
    position = await events.append(session, event)
    if isinstance(of, Organisation):
        await queries.follow_live(session, [of.id], position)


async def tell_of_session(
    session: Session, kind: str, of: PersonSession, actor: EventActor
) -> None:
    """Append what a person does with their session."""
    await events.append(
        session,
        Event(
            kind=kind,
            subject_type=of.__tablename__,
            subject_id=of.id,
            organisation_id=of.organisation_id,
            actor=actor,
        ),
    )


def revised(organisation_id: OrganisationId, actor: EventActor, *fields: str) -> Event:
    """That a file changed what is said of the organisation."""
    return Event(
        kind="organisation.revised",
        subject_type=Organisation.__tablename__,
        subject_id=organisation_id,
        organisation_id=organisation_id,
        actor=actor,
        data={"fields": list(fields)},
    )
