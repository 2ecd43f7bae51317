"""Every statement about people and their sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, func, or_, select, true, update

from matchmaker.identity import queries as rows
from matchmaker.identity.models import (
    Member,
    MemberId,
    MemberRole,
    Organisation,
    OrganisationId,
    OrganisationState,
    Person,
    PersonId,
    PersonSession,
    SessionId,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Select

    from matchmaker.core.db import ReadSession, Session


class Membership(NamedTuple):
    """A person as a member of an organisation."""

    member_id: MemberId
    role: MemberRole
    organisation_id: OrganisationId
    name: dict[str, Any]
    roles: list[str]
    state: OrganisationState


class Sitting(NamedTuple):
    """A session that is in force, and as whom its person acts."""

    session_id: SessionId
    person_id: PersonId
    name: str
    email: str
    membership: Membership


_MEMBERSHIP = (
    Member.id,
    Member.role,
    Organisation.id.label("organisation_id"),
    Organisation.name,
    Organisation.roles,
    Organisation.state,
)


async def person_of(session: ReadSession, email: str) -> Person | None:
    """Whoever logs in with this address; None if nobody does."""
    return await rows.one(session, select(Person).where(Person.email == email))


async def person(session: ReadSession, id_: PersonId) -> Person | None:
    """The person as they stand now; None if there is none."""
    return await rows.one(session, select(Person).where(Person.id == id_))


async def change_person(session: Session, id_: PersonId, **values: object) -> None:
    """Set what is known of a person."""
    await session.execute(update(Person).where(Person.id == id_).values(values))


async def set_factor(session: Session, id_: PersonId, **values: object) -> bool:
    """Give a person a second factor; False if they have one."""
    bare = update(Person).where(Person.id == id_, Person.totp.is_(None))
    return await rows.changed(session, bare.values(values), Person.id)


async def use_step(session: Session, id_: PersonId, step: int) -> bool:
    """Let a step of the second factor be used; False if it or a later one was before."""
    later = update(Person).where(Person.id == id_, Person.totp_step < step)
    return await rows.changed(session, later.values(totp_step=step), Person.id)


async def use_recovery(session: Session, id_: PersonId, digest: bytes) -> bool:
    """Use a recovery code up; False if it is none that is left."""
    held = update(Person).where(Person.id == id_, Person.recovery.contains([digest]))
    values = {"recovery": func.array_remove(Person.recovery, digest)}
    return await rows.changed(session, held.values(values), Person.id)


async def memberships(session: ReadSession, email: str) -> Sequence[Membership]:
    """The organisations whose member has this address, in the order they recorded it."""
    found = await session.execute(_seats().where(Member.email == email).order_by(Member.id))
    return [Membership(*row) for row in found]


async def membership(session: ReadSession, id_: MemberId) -> Membership | None:
    """A member and their organisation; None if there is none."""
    found = (await session.execute(_seats().where(Member.id == id_))).one_or_none()
    return None if found is None else Membership(*found)


def _seats() -> Select[Any]:
    return select(*_MEMBERSHIP).join(Organisation, Organisation.id == Member.organisation_id)


async def sitting(session: ReadSession, digest: bytes, *, idle: float) -> Sitting | None:
    """The session; None where there is none, it has ended, or its person is no member any more."""
    found = await session.execute(
        select(PersonSession.id, PersonSession.person_id, Person.name, Person.email, *_MEMBERSHIP)
        .join(Person, Person.id == PersonSession.person_id)
        .join(Organisation, Organisation.id == PersonSession.organisation_id)
        .join(
            Member,
            and_(
                Member.organisation_id == PersonSession.organisation_id,
                Member.email == Person.email,
            ),
        )
        .where(PersonSession.token_hash == digest, *_open(idle))
    )
    row = found.one_or_none()
    if row is None:
        return None
    session_id, person_id, name, email, *seat = row
    return Sitting(session_id, person_id, name, email, Membership(*seat))


async def note_sight(session: Session, id_: SessionId, *, idle: float) -> None:
    """Set when the session was last used, to the minute; a row somebody holds is left alone.

    One that is over stays so: a note that comes late brings nobody back.
    """
    due = (
        select(PersonSession.id)
        .where(
            PersonSession.id == id_,
            PersonSession.seen_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1),
            *_open(idle),
        )
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(PersonSession)
        .where(PersonSession.id.in_(due))
        .values(seen_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def change_session(
    session: Session, id_: SessionId, values: Mapping[str, object], *, digest: bytes | None = None
) -> bool:
    """Set what is known of a session that has not ended; False if it has.

    With ``digest``: or if it has another token by now.
    """
    statement = update(PersonSession).where(
        PersonSession.id == id_, PersonSession.ended_at.is_(None)
    )
    if digest is not None:
        statement = statement.where(PersonSession.token_hash == digest)
    return await rows.changed(session, statement.values(values), PersonSession.id)


async def end_sessions(
    session: Session, person_id: PersonId, *, but: SessionId | None = None
) -> None:
    """End every session of a person, or every other one."""
    others = true() if but is None else PersonSession.id != but
    await session.execute(
        update(PersonSession)
        .where(PersonSession.person_id == person_id, PersonSession.ended_at.is_(None), others)
        .values(ended_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def began_within(session: ReadSession, id_: SessionId, seconds: float) -> bool:
    """Whether the session began so short a time ago, by the database's clock."""
    since = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    found = select(PersonSession.id).where(
        PersonSession.id == id_, PersonSession.created_at > since
    )
    return await session.scalar(found) is not None


async def started(session: ReadSession, id_: SessionId) -> PersonSession | None:
    """The session as it stands now; None if there is none."""
    return await rows.one(session, select(PersonSession).where(PersonSession.id == id_))


async def prune(session: Session, kept: dt.timedelta) -> int:
    """Remove sessions that ended so long ago; how many."""
    long_ago = func.now() - kept
    over = or_(PersonSession.expires_at < long_ago, PersonSession.ended_at < long_ago)
    gone = await session.execute(delete(PersonSession).where(over).returning(PersonSession.id))
    return len(gone.all())


def _open(idle: float) -> tuple[ColumnElement[bool], ...]:
    """That a session is in force: by the database's clock, for every server has its own."""
    return (
        PersonSession.ended_at.is_(None),
        PersonSession.expires_at > func.now(),
        PersonSession.seen_at > func.now() - func.make_interval(0, 0, 0, 0, 0, 0, idle),
    )
