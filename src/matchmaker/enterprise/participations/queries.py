"""Every statement about participations."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import column, func, select

from matchmaker.enterprise.participations.machine import ParticipationState
from matchmaker.enterprise.participations.models import Participation, ParticipationId

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId


class Told(NamedTuple):
    """What an event tells of a participation beside its state."""

    id: ParticipationId
    organisation_id: OrganisationId
    revision: int


async def insert_participation(session: Session, participation: Participation) -> None:
    """Add the participation; its times are known afterwards."""
    session.add(participation)
    await session.flush()


async def find_participation(
    session: ReadSession, participation_id: ParticipationId
) -> Participation | None:
    """The participation of this id, as it is now."""
    found = await session.scalars(
        select(Participation)
        .where(Participation.id == participation_id)
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_participations(
    session: ReadSession, firm: OrganisationId, *, after: UUID | None = None, limit: int | None
) -> list[Participation]:
    """Up to ``limit`` participations of ``firm``, by id, after the participation ``after``."""
    statement = select(Participation).where(Participation.organisation_id == firm)
    if after is not None:
        statement = statement.where(Participation.id > after)
    return list(await session.scalars(statement.order_by(Participation.id).limit(limit)))


async def joined_by_firm(session: ReadSession) -> dict[OrganisationId, frozenset[UUID]]:
    """By firm the programmes it takes part in, and who keeps them."""
    rows = await session.execute(
        select(
            Participation.organisation_id, Participation.programme_id, Participation.agency_id
        ).where(Participation.state == ParticipationState.JOINED)
    )
    found: defaultdict[OrganisationId, set[UUID]] = defaultdict(set)
    for firm, programme, agency in rows:
        found[firm] |= {programme, agency}
    return {firm: frozenset(ids) for firm, ids in found.items()}


async def end(session: Session, programme_id: UUID) -> list[Told]:
    """The participations in an archived programme that end now.

    By a function of the owner: they are rows of firms, of which who keeps the programme sees none
    that is over.
    """
    names = ("id", "organisation_id", "revision")
    ended = func.mm.end_participations(programme_id).table_valued(*map(column, names))
    rows = await session.execute(select(*(ended.c[name] for name in names)))
    return [Told(*row) for row in rows]


async def erase(session: Session, firm: OrganisationId) -> int:
    """How many participations of the firm were removed now."""
    erased = await session.execute(select(func.mm.erase_participations(firm)))
    return int(erased.scalar_one())
