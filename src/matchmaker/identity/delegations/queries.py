"""Every statement about delegations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update

from matchmaker.identity import queries as rows
from matchmaker.identity.delegations.models import Delegation, DelegationId
from matchmaker.identity.models import CARD, Organisation, OrganisationId, OrganisationState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session


class Given(NamedTuple):
    """What a delegation in force allows, and in whose name."""

    scopes: list[str]
    roles: list[str]
    state: OrganisationState


async def in_force(
    session: ReadSession, parties: tuple[OrganisationId, OrganisationId]
) -> Given | None:
    """What an organisation (first) lets an adviser (second) do now; by the database's clock."""
    owner, adviser = parties
    found = await session.execute(
        select(Delegation.scopes, Organisation.roles, Organisation.state)
        .join(Organisation, Organisation.id == Delegation.organisation_id)
        .where(
            Delegation.organisation_id == owner,
            Delegation.adviser_id == adviser,
            Delegation.ended_at.is_(None),
            Delegation.ends_at > func.now(),
        )
    )
    row = found.one_or_none()
    return None if row is None else Given(*row)


async def card_state(session: ReadSession, id_: OrganisationId) -> OrganisationState | None:
    """Where an organisation stands, as everybody may know; None: there is none."""
    found: OrganisationState | None = await session.scalar(
        select(CARD.c.state).where(CARD.c.id == id_)
    )
    return found


async def end_elapsed(session: Session, owner: OrganisationId, adviser: OrganisationId) -> None:
    """Have a delegation whose time is over make room for the next."""
    await session.execute(
        update(Delegation)
        .where(
            Delegation.organisation_id == owner,
            Delegation.adviser_id == adviser,
            Delegation.ended_at.is_(None),
            Delegation.ends_at <= func.now(),
        )
        .values(ended_at=Delegation.ends_at)
        .execution_options(synchronize_session=False)
    )


async def delegation(session: ReadSession, id_: DelegationId) -> Delegation | None:
    """The delegation as it stands now; None if there is none."""
    return await rows.one(session, select(Delegation).where(Delegation.id == id_))


async def list_given(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> Sequence[Delegation]:
    """What an organisation gave, in the order it was given."""
    statement = select(Delegation).where(Delegation.organisation_id == owner)
    return await rows.page(session, statement, Delegation.id, after=after, limit=limit)


async def list_held(
    session: ReadSession, adviser: OrganisationId, *, after: UUID | None, limit: int
) -> Sequence[Delegation]:
    """What an adviser was given, in the order it was given."""
    statement = select(Delegation).where(Delegation.adviser_id == adviser)
    return await rows.page(session, statement, Delegation.id, after=after, limit=limit)


async def end(session: Session, id_: DelegationId) -> bool:
    """End a delegation now; False if it was ended before."""
    statement = update(Delegation).where(Delegation.id == id_, Delegation.ended_at.is_(None))
    return await rows.changed(session, statement.values(ended_at=func.now()), Delegation.id)
