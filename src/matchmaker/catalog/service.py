"""Use-cases of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog import machine, queries
from matchmaker.catalog.errors import (
    IllegalStep,
    OfferingChanged,
    OfferingNotFound,
    ProviderNotFound,
)

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.catalog.machine import Actor, OfferingState
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId


async def get_offering(
    session: ReadSession, offering_id: OfferingId, *, today: dt.date
) -> queries.PublishedOffering:
    """The offering if everyone may see it on ``today``.

    Raises:
        OfferingNotFound: there is none, or it is not public, or not live.
    """
    found = await queries.find_offering(session, offering_id, today=today)
    if found is None:
        raise OfferingNotFound
    return found


async def get_provider(
    session: ReadSession, organisation_id: OrganisationId
) -> queries.ProviderCard:
    """The provider if it is verified.

    Raises:
        ProviderNotFound: there is none, or it is not verified.
    """
    found = await queries.find_provider(session, organisation_id)
    if found is None:
        raise ProviderNotFound
    return found


async def take_step(
    session: Session, offering_id: OfferingId, step: str, *, actor: Actor
) -> OfferingState:
    """Where the offering stands after ``step``; of several callers at once one wins.

    Raises:
        OfferingNotFound: there is no such offering.
        IllegalStep: there is no such step from where it stands, or not for ``actor``.
        OfferingChanged: somebody else took a step in between.
    """
    state = await queries.offering_state(session, offering_id)
    if state is None:
        raise OfferingNotFound
    edge = machine.edge(step, state)
    if edge is None or actor not in edge.actors:
        raise IllegalStep(extra={"state": state})
    moved = await queries.change_state(
        session, offering_id, expected=edge.source, target=edge.target
    )
    if not moved:
        now = await queries.offering_state(session, offering_id)
        raise OfferingChanged(extra={"state": now})
    return edge.target
