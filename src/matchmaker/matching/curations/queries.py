"""Every statement about curations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import and_, insert, select

from matchmaker.core.living import follow, held_at, turned_after
from matchmaker.matching.curations.machine import CurationState
from matchmaker.matching.curations.models import Curation, CurationLive, CurationVersion

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.curations.models import CurationId


class FoundCuration(NamedTuple):
    """A curation with the version in force."""

    curation: Curation
    version: CurationVersion


class LiveCuration(NamedTuple):
    """A curation as it was in force at a position."""

    id: CurationId
    organisation_id: OrganisationId
    of_operator: bool
    number: int
    terms: dict[str, Any]


async def insert_curation(session: Session, curation: Curation) -> None:
    """Add the curation; its first version has to follow in the same transaction."""
    session.add(curation)
    await session.flush()


async def insert_version(session: Session, values: dict[str, Any]) -> None:
    """Add a version to a curation."""
    await session.execute(insert(CurationVersion).values(**values))


async def find_curation(session: ReadSession, curation_id: CurationId) -> FoundCuration | None:
    """The curation as it stands."""
    statement = _curations().where(Curation.id == curation_id)
    rows = await session.execute(statement, execution_options={"populate_existing": True})
    row = rows.one_or_none()
    return None if row is None else FoundCuration(*row)


async def list_curations(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[FoundCuration]:
    """Up to ``limit`` curations of ``owner``, by id, after the curation ``after``."""
    statement = _curations().where(Curation.organisation_id == owner)
    if after is not None:
        statement = statement.where(Curation.id > after)
    rows = await session.execute(statement.order_by(Curation.id).limit(limit))
    return [FoundCuration(*row) for row in rows]


async def list_versions(
    session: ReadSession, curation_id: CurationId, *, after: UUID | None, limit: int
) -> list[CurationVersion]:
    """Up to ``limit`` versions of the curation, oldest first, after the version ``after``."""
    statement = select(CurationVersion).where(CurationVersion.curation_id == curation_id)
    if after is not None:
        statement = statement.where(CurationVersion.id > after)
    return list(await session.scalars(statement.order_by(CurationVersion.id).limit(limit)))


async def follow_live(session: Session, curation_id: CurationId, position: int) -> None:
    """Let what is in force of the curation by now be so from the event at ``position``."""
    now = select(
        Curation.id.label("curation_id"), Curation.organisation_id, Curation.version.label("number")
    ).where(Curation.state == CurationState.ACTIVE)
    await follow(session, CurationLive, now, subjects=[curation_id], position=position)


async def live_curations(session: ReadSession, position: int) -> list[LiveCuration]:
    """The curations that were in force right after the event at ``position``, by id."""
    rows = await session.execute(
        select(
            Curation.id,
            Curation.organisation_id,
            Curation.of_operator,
            CurationLive.number,
            CurationVersion.terms,
        )
        .join(CurationLive, CurationLive.curation_id == Curation.id)
        .join(
            CurationVersion,
            and_(
                CurationVersion.curation_id == Curation.id,
                CurationVersion.number == CurationLive.number,
            ),
        )
        .where(*held_at(CurationLive, position))
        .order_by(Curation.id)
    )
    return [LiveCuration(*row) for row in rows]


async def have_turned(session: ReadSession, position: int) -> bool:
    """Whether others are in force than at ``position``."""
    turned = select(CurationLive.curation_id).where(turned_after(CurationLive, position)).limit(1)
    return await session.scalar(turned) is not None


def _curations() -> Select[*tuple[Any, ...]]:
    return cast(
        "Select[*tuple[Any, ...]]",
        select(Curation, CurationVersion).join(
            CurationVersion,
            and_(
                CurationVersion.curation_id == Curation.id,
                CurationVersion.number == Curation.version,
            ),
        ),
    )
