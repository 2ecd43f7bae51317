"""Every statement about profiles and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.core import rows
from matchmaker.enterprise.models import Profile, ProfileVersion

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.models import ProfileVersionId
    from matchmaker.identity.models import OrganisationId


async def find_version(
    session: ReadSession, organisation_id: OrganisationId, number: int | None = None
) -> ProfileVersion | None:
    """The version of this number of the firm's profile; the current one if none is named."""
    statement = select(ProfileVersion).where(ProfileVersion.organisation_id == organisation_id)
    if number is None:
        statement = statement.join(Profile, Profile.current_version_id == ProfileVersion.id)
    else:
        statement = statement.where(ProfileVersion.number == number)
    return (await session.scalars(statement)).one_or_none()


async def list_versions(
    session: ReadSession, organisation_id: OrganisationId, *, after: UUID | None, limit: int
) -> list[ProfileVersion]:
    """Up to ``limit`` versions that are not erased, by number, after the version ``after``."""
    statement = select(ProfileVersion).where(
        ProfileVersion.organisation_id == organisation_id, ProfileVersion.erased_at.is_(None)
    )
    if after is not None:
        shown = select(ProfileVersion.number).where(ProfileVersion.id == after).scalar_subquery()
        statement = statement.where(ProfileVersion.number > shown)
    found = await session.scalars(statement.order_by(ProfileVersion.number).limit(limit))
    return list(found)


async def open_profile(
    session: Session, organisation_id: OrganisationId, version_id: ProfileVersionId
) -> bool:
    """Whether the firm has a profile since now: of several callers at once one opens it."""
    opened = await session.execute(
        insert(Profile)
        .values(organisation_id=organisation_id, current_version_id=version_id, revision=1)
        .on_conflict_do_nothing(index_elements=[Profile.organisation_id])
        .returning(Profile.revision)
    )
    return opened.one_or_none() is not None


async def replace_current(
    session: Session,
    organisation_id: OrganisationId,
    version_id: ProfileVersionId,
    *,
    revision: int,
) -> bool:
    """Whether ``version_id`` is the current version now: only out of ``revision``."""
    values = {"current_version_id": version_id}
    found = await rows.revise(session, Profile, organisation_id, revision=revision, values=values)
    return found is not None


async def keep_version(session: Session, version_id: ProfileVersionId) -> bool:
    """Whether the version is not erased, and will not be before the transaction ends."""
    kept = await session.execute(select(func.mm.keep_profile_version(version_id)))
    return bool(kept.scalar_one())


async def erase_versions(session: Session, organisation_id: OrganisationId, until: int) -> int:
    """How many versions before the number ``until`` were emptied now."""
    erased = await session.execute(select(func.mm.erase_profile_versions(organisation_id, until)))
    return int(erased.scalar_one())


async def insert_version(session: Session, version: ProfileVersion) -> None:
    """Add the version; its time is known afterwards."""
    session.add(version)
    await session.flush()
