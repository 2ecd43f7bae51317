"""Every statement about what is known of a person in identity, and about their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from matchmaker.identity import queries as rows
from matchmaker.identity.models import (
    ApiKey,
    Member,
    MemberId,
    OrganisationId,
    Person,
    PersonId,
    PersonSession,
)
from matchmaker.identity.rights.models import RightsKind, RightsRequest, RightsRequestId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session


async def request(session: ReadSession, id_: RightsRequestId) -> RightsRequest | None:
    """The request as it stands now; None if there is none."""
    return await rows.one(session, select(RightsRequest).where(RightsRequest.id == id_))


async def settle(session: Session, id_: RightsRequestId, values: Mapping[str, object]) -> None:
    """Say what came of a request, which is done now."""
    await session.execute(
        update(RightsRequest)
        .where(RightsRequest.id == id_)
        .values(**values, done_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def exports_of(session: ReadSession, id_: UUID) -> Sequence[RightsRequest]:
    """What the person was told before."""
    found = await session.scalars(select(RightsRequest).where(RightsRequest.person_id == id_))
    return found.all()


async def empty_exports(session: Session, id_: UUID) -> int:
    """Empty what the person was told; how many."""
    emptied = await session.execute(
        update(RightsRequest)
        .where(
            RightsRequest.person_id == id_,
            RightsRequest.kind == RightsKind.EXPORT,
            RightsRequest.content.is_not(None),
        )
        .values(content=None)
        .returning(RightsRequest.id)
    )
    return len(emptied.all())


async def person(session: ReadSession, id_: UUID) -> Person | None:
    """The person; None if there is none."""
    return await rows.one(session, select(Person).where(Person.id == PersonId(id_)))


async def members(session: ReadSession, email: str) -> Sequence[Member]:
    """Every member of this address."""
    return (await session.scalars(select(Member).where(Member.email == email))).all()


async def alone_in(
    session: ReadSession, organisations: Collection[OrganisationId]
) -> frozenset[OrganisationId]:
    """Those of the organisations that have one member."""
    found = await session.scalars(
        select(Member.organisation_id)
        .where(Member.organisation_id.in_(organisations))
        .group_by(Member.organisation_id)
        .having(func.count() == 1)
    )
    return frozenset(found)


async def sessions(session: ReadSession, id_: UUID) -> Sequence[PersonSession]:
    """Every session of the person that is kept."""
    found = await session.scalars(select(PersonSession).where(PersonSession.person_id == id_))
    return found.all()


async def keys_of(session: ReadSession, member_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The keys that these members made."""
    found = await session.execute(
        select(ApiKey.id, ApiKey.name).where(ApiKey.created_by_member.in_(member_ids))
    )
    return [{"id": str(id_), "name": name} for id_, name in found]


async def forget_keys(session: Session, member_ids: Collection[UUID]) -> int:
    """Take the names away that these members gave to keys, which are good for nothing now."""
    found = await session.execute(
        update(ApiKey)
        .where(ApiKey.created_by_member.in_(member_ids))
        .values(name="-")
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())


async def remove_sessions(session: Session, id_: UUID) -> int:
    """Remove the sessions of a person; how many."""
    found = await session.execute(
        delete(PersonSession).where(PersonSession.person_id == id_).returning(PersonSession.id)
    )
    return len(found.all())


async def remove_members(session: Session, ids: Collection[UUID]) -> int:
    """Remove members; how many."""
    found = await session.execute(
        delete(Member).where(Member.id.in_([MemberId(id_) for id_ in ids])).returning(Member.id)
    )
    return len(found.all())


async def remove_person(session: Session, id_: UUID) -> int:
    """Remove whoever logs in; how many."""
    found = await session.execute(delete(Person).where(Person.id == id_).returning(Person.id))
    return len(found.all())
