"""Every statement of import and export of profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from matchmaker.enterprise.models import Profile, ProfileVersion
from matchmaker.identity.models import Organisation
from matchmaker.identity.queries import key_in_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId

_AT_A_TIME = 1000


class ExportedProfile(NamedTuple):
    """What a firm states now."""

    key: str
    name: dict[str, Any]
    facts: dict[str, Any]


async def numbers(
    session: ReadSession, organisation_ids: Collection[OrganisationId]
) -> dict[OrganisationId, int]:
    """The number of the current version, of the firms that have one."""
    rows = await session.execute(
        select(Profile.organisation_id, Profile.revision).where(
            Profile.organisation_id.in_(organisation_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


async def profiles(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[ExportedProfile]:
    """The current profiles by the key of their firm."""
    statement = (
        select(key_in_files(), Organisation.name, ProfileVersion.facts)
        .select_from(Profile)
        .join(ProfileVersion, ProfileVersion.id == Profile.current_version_id)
        .join(Organisation, Organisation.id == Profile.organisation_id)
        .order_by(key_in_files().collate("C"))
    )
    if owner is not None:
        statement = statement.where(Profile.organisation_id == owner)
    rows = await session.stream(statement, execution_options={"yield_per": _AT_A_TIME})
    async for row in rows:
        yield ExportedProfile(*row)
