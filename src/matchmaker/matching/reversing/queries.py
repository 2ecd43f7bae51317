"""Every statement about needs as offerings meet them: two, however many needs there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from matchmaker.catalog.models import Offering
from matchmaker.demand import queries as demand
from matchmaker.demand.queries import NeedFilter

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.models import OrganisationId

MOST_NEEDS: Final = 2000
"""Needs of a kind that one request looks at, the newest."""


async def open_needs(session: ReadSession, kind: str) -> list[FoundNeed]:
    """The newest open needs of the kind that everyone finds, one more than are looked at."""
    wanted = NeedFilter(kind=kind)
    return await demand.list_public_needs(session, wanted, after=None, limit=MOST_NEEDS + 1)


async def owner_of(session: ReadSession, offering_id: UUID) -> OrganisationId | None:
    """Whose offering it is; None where there is none."""
    found: OrganisationId | None = await session.scalar(
        select(Offering.organisation_id).where(Offering.id == offering_id)
    )
    return found
