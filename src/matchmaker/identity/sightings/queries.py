"""Every statement about who saw what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, select

from matchmaker.identity.models import CARD
from matchmaker.identity.sightings.models import Sighting

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId


class Seen(NamedTuple):
    """A sighting, and the name of whoever it was."""

    sighting: Sighting
    name: dict[str, Any]


async def insert_sightings(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add the sightings; whoever looks is not shown them again."""
    await session.execute(insert(Sighting), rows)


async def list_sightings(
    session: ReadSession, of: OrganisationId, *, before: UUID | None, limit: int
) -> list[Seen]:
    """Up to ``limit`` sightings of what is the organisation's, newest first, before ``before``."""
    statement = (
        select(Sighting, CARD.c.name)
        .join(CARD, CARD.c.id == Sighting.by_organisation_id)
        .where(Sighting.organisation_id == of)
    )
    if before is not None:
        statement = statement.where(Sighting.id < before)
    rows = await session.execute(statement.order_by(Sighting.id.desc()).limit(limit))
    return [Seen(*row) for row in rows]


async def prune(session: Session, kept: dt.timedelta) -> int:
    """Remove sightings that are so old; how many."""
    gone = await session.execute(
        delete(Sighting).where(Sighting.seen_at < func.now() - kept).returning(Sighting.id)
    )
    return len(gone.all())
