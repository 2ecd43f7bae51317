"""Use-cases of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog import queries
from matchmaker.catalog.errors import OfferingNotFound, ProviderNotFound
from matchmaker.catalog.machine import OFFERING
from matchmaker.core import transitions

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.catalog.machine import OfferingState
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.machine import Actor
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
    session: Session, offering_id: OfferingId, name: str, *, actor: Actor
) -> OfferingState:
    """Where the offering stands after the step ``name``; of several callers at once one wins.

    Raises:
        OfferingNotFound: there is no such offering.
        UnknownTransition, NotYourTransition: there is no such step, or not for ``actor``.
        IllegalTransition: it does not start where the offering stands, or somebody came first.
    """
    state = await queries.offering_state(session, offering_id)
    if state is None:
        raise OfferingNotFound
    step = transitions.checked(OFFERING, state, name, actors=[actor], hindrances={})
    if not await queries.change_state(session, offering_id, expected=state, target=step.target):
        now = await queries.offering_state(session, offering_id)
        raise transitions.IllegalTransition(extra={"state": now})
    return step.target
