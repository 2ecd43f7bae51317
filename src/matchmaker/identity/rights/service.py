"""Asking for what is known of oneself, and for its end; the work is done by jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.core import events, jobs
from matchmaker.core.erasing import Subject
from matchmaker.core.events import ActorType, Event, EventActor
from matchmaker.identity import queries as rows
from matchmaker.identity.errors import RightsRequestNotFound
from matchmaker.identity.rights import queries
from matchmaker.identity.rights.models import RightsKind, RightsRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Eraser
    from matchmaker.identity.access import LoggedIn
    from matchmaker.identity.models import PersonId
    from matchmaker.identity.rights.models import RightsRequestId

JOBS = {RightsKind.EXPORT: "people.export", RightsKind.ERASURE: "people.erase"}


async def ask(
    session: Session, login: LoggedIn, kind: RightsKind, *, with_firms: bool = False
) -> RightsRequest:
    """The request, which a job carries out."""
    asked = RightsRequest(person_id=login.person_id, kind=kind, with_firms=with_firms)
    await rows.add(session, asked)
    payload = {"id": str(asked.id)}
    await jobs.enqueue(session, jobs.Job(kind=JOBS[kind], payload=payload))
    return await _present(session, asked.id)


async def read(session: ReadSession, request_id: RightsRequestId, login: LoggedIn) -> RightsRequest:
    """The request of the person who is logged in.

    Raises:
        RightsRequestNotFound: there is none, or it is somebody else's.
    """
    found = await queries.request(session, request_id)
    if found is None or found.person_id != login.person_id:
        raise RightsRequestNotFound
    return found


async def receipt(session: ReadSession, request_id: RightsRequestId) -> RightsRequest:
    """An erasure that is done, for whoever knows its number: it names nobody.

    Raises:
        RightsRequestNotFound: there is none, it is of another kind, or not done.
    """
    found = await queries.request(session, request_id)
    if found is None or found.kind is not RightsKind.ERASURE or found.done_at is None:
        raise RightsRequestNotFound
    return found


async def export(
    session: Session, request_id: RightsRequestId, erasers: Sequence[Eraser]
) -> dict[str, int]:
    """Gather what every room knows of the person; how much of each part."""
    asked = await _present(session, request_id)
    subject = await _subject(session, asked.person_id, with_firms=True)
    content: dict[str, Any] = {}
    if subject is not None:
        content = {each.name: await each.export(session, subject) for each in erasers}
    counts = {name: len(found) for name, found in content.items()}
    await queries.settle(session, request_id, {"content": content, "counts": counts})
    return counts


async def erase(
    session: Session, request_id: RightsRequestId, erasers: Sequence[Eraser]
) -> dict[str, int]:
    """Have every room forget the person; how much of each part. The transaction ends here.

    What the events say stays provable: they name members and people by numbers alone.
    """
    asked = await _present(session, request_id)
    subject = await _subject(session, asked.person_id, with_firms=asked.with_firms)
    counts: dict[str, int] = {}
    if subject is not None:
        counts = {each.name: await each.erase(session, subject) for each in erasers}
    await queries.settle(session, request_id, {"counts": counts})
    await events.append(
        session,
        Event(
            kind="person.erased",
            subject_type="person",
            subject_id=asked.person_id,
            organisation_id=None,
            actor=EventActor(type=ActorType.CLOCK),
            data={"request_id": str(request_id), "counts": counts},
        ),
    )
    return counts


async def _subject(
    session: ReadSession, person_id: PersonId, *, with_firms: bool
) -> Subject | None:
    person = await queries.person(session, person_id)
    if person is None:
        return None
    members = await queries.members(session, person.email)
    firms = await queries.alone_in(session, [each.organisation_id for each in members])
    return Subject(
        person_id=person_id,
        email=person.email,
        member_ids=tuple(each.id for each in members),
        firms=tuple(sorted(firms)) if with_firms else (),
    )


async def _present(session: ReadSession, request_id: RightsRequestId) -> RightsRequest:
    found = await queries.request(session, request_id)
    if found is None:
        raise RightsRequestNotFound
    return found
