"""Use-cases of a provider with its own supply card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from matchmaker.catalog import queries as published
from matchmaker.catalog.errors import ProviderNotFound, UnusableDeclaration
from matchmaker.catalog.reasons import fault
from matchmaker.catalog.supply import queries
from matchmaker.catalog.supply.schemas import SupplyCard
from matchmaker.core import events, patching
from matchmaker.core.errors import StaleVersion, VersionRequired
from matchmaker.core.events import Event
from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from matchmaker.catalog.queries import ProviderCard
    from matchmaker.catalog.supply.schemas import SupplyCardPatch
    from matchmaker.core.db import Session
    from matchmaker.core.events import EventActor
    from matchmaker.identity.models import OrganisationId


async def state_card(
    session: Session,
    organisation_id: OrganisationId,
    card: SupplyCard,
    *,
    revision: int | None,
    recorded: EventActor,
) -> tuple[ProviderCard, bool]:
    """The organisation's card, which is ``card`` now, and whether it is its first.

    Raises:
        UnusableDeclaration: the website is none.
        VersionRequired, StaleVersion: there is a card, and it is not at ``revision``.
    """
    values = _checked(card)
    if revision is None:
        if not await queries.add(session, organisation_id, values):
            raise VersionRequired
        return await _told(session, organisation_id, "provider.added", recorded), True
    if not await queries.revise(session, organisation_id, revision, values):
        raise StaleVersion
    return await _told(session, organisation_id, "provider.edited", recorded), False


async def patch_card(
    session: Session,
    organisation_id: OrganisationId,
    patch: SupplyCardPatch,
    *,
    revision: int,
    recorded: EventActor,
) -> ProviderCard:
    """The organisation's card with ``patch`` merged into it.

    Raises:
        ProviderNotFound: it has none yet.
        UnusableDeclaration: the website is none.
        StaleVersion: the card is no longer at ``revision``.
    """
    found = await published.find_provider(session, organisation_id, is_own=True)
    if found is None:
        raise ProviderNotFound
    current = SupplyCard(summary=msgspec.convert(found.summary, Text | None), website=found.website)
    values = _checked(patching.merged(current, patch))
    if not await queries.revise(session, organisation_id, revision, values):
        raise StaleVersion
    return await _told(session, organisation_id, "provider.edited", recorded)


def _checked(card: SupplyCard) -> dict[str, Any]:
    if card.website is not None and not card.website.startswith(("https://", "http://")):
        raise UnusableDeclaration(errors=[fault("#/website", "wrong_form")])
    return {
        "summary": None if card.summary is None else msgspec.to_builtins(card.summary),
        "website": card.website,
    }


async def _told(
    session: Session, organisation_id: OrganisationId, kind: str, recorded: EventActor
) -> ProviderCard:
    found = await published.find_provider(session, organisation_id, is_own=True)
    if found is None:
        raise ProviderNotFound
    event = Event(
        kind=kind,
        subject_type="provider",
        subject_id=organisation_id,
        organisation_id=organisation_id,
        actor=recorded,
        data={"revision": found.revision},
    )
    await events.append(session, event)
    return found
