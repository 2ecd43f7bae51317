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
    await write(session, organisation_id, card, revision=revision)
    is_first = revision is None
    kind = "provider.added" if is_first else "provider.edited"
    return await _told(session, organisation_id, kind, recorded), is_first


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
    card = patching.merged(card_of(found), patch)
    await write(session, organisation_id, card, revision=revision)
    return await _told(session, organisation_id, "provider.edited", recorded)


async def write(
    session: Session, organisation_id: OrganisationId, card: SupplyCard, *, revision: int | None
) -> None:
    """Make ``card`` the organisation's, its first where ``revision`` is None; no event tells of it.

    Raises:
        UnusableDeclaration: the website is none.
        VersionRequired, StaleVersion: there is a card, and it is not at ``revision``.
    """
    values = _checked(card)
    if revision is None:
        if not await queries.add(session, organisation_id, values):
            raise VersionRequired
    elif not await queries.revise(session, organisation_id, revision, values):
        raise StaleVersion


def card_of(found: ProviderCard) -> SupplyCard:
    """What the organisation says of itself as a provider."""
    return SupplyCard(summary=msgspec.convert(found.summary, Text | None), website=found.website)


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
