"""Every statement about components."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, delete, select

from matchmaker.catalog.components.models import Component, ComponentId
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering, OfferingId, Visibility
from matchmaker.identity.models import CARD, OrganisationId, OrganisationState

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session


class Bill(NamedTuple):
    """Of what the components are: an offering, or the systems of an organisation."""

    organisation_id: OrganisationId
    offering_id: OfferingId | None = None
    is_public: bool = False


async def bill_of_offering(session: ReadSession, offering_id: OfferingId) -> Bill | None:
    """The bill of the offering; public as far as the offering is."""
    row = (
        await session.execute(
            select(Offering.organisation_id, Offering.state, Offering.visibility, CARD.c.state)
            .join(CARD, CARD.c.id == Offering.organisation_id)
            .where(Offering.id == offering_id)
        )
    ).one_or_none()
    if row is None:
        return None
    organisation_id, state, visibility, standing = row
    return Bill(
        organisation_id,
        offering_id,
        is_public=state is OfferingState.PUBLISHED
        and visibility is Visibility.PUBLIC
        and standing is OrganisationState.VERIFIED,
    )


async def find(session: ReadSession, bill: Bill, component_id: ComponentId) -> Component | None:
    """The component, if it is in the bill."""
    statement = select(Component).where(Component.id == component_id, _in(bill))
    return await session.scalar(statement, execution_options={"populate_existing": True})


async def list_components(
    session: ReadSession, bill: Bill, *, after: UUID | None, limit: int
) -> list[Component]:
    """Up to ``limit`` components of the bill by id, after the component ``after``."""
    statement = select(Component).where(_in(bill))
    if after is not None:
        statement = statement.where(Component.id > after)
    return list(await session.scalars(statement.order_by(Component.id).limit(limit)))


async def remove(session: Session, component_id: ComponentId, *, revision: int) -> bool:
    """Whether the component was removed; False where it is no longer at ``revision``."""
    gone = await session.execute(
        delete(Component)
        .where(Component.id == component_id, Component.revision == revision)
        .returning(Component.id)
        .execution_options(synchronize_session=False)
    )
    return gone.one_or_none() is not None


def _in(bill: Bill) -> ColumnElement[bool]:
    if bill.offering_id is not None:
        return Component.offering_id == bill.offering_id
    return (Component.organisation_id == bill.organisation_id) & Component.offering_id.is_(None)
