"""Use-cases of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog import queries
from matchmaker.catalog.errors import OfferingNotFound, ProviderNotFound

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def get_offering(
    session: ReadSession, offering_id: OfferingId, *, today: dt.date
) -> queries.FoundOffering:
    """The offering if everyone may see it on ``today``.

    Raises:
        OfferingNotFound: there is none, or it is not public, or not live.
    """
    found = await queries.find_offering(session, offering_id, today=today)
    if found is None:
        raise OfferingNotFound
    return found


async def get_provider(
    session: ReadSession, organisation_id: OrganisationId, *, is_own: bool = False
) -> queries.ProviderCard:
    """The provider if it is verified, or in every state if it ``is_own``.

    Raises:
        ProviderNotFound: there is none, or it is not verified.
    """
    found = await queries.find_provider(session, organisation_id, is_own=is_own)
    if found is None:
        raise ProviderNotFound
    return found
