"""Emptying the ways that were computed for a firm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.identity.rights.firms import of_firms
from matchmaker.pathway import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def _told(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    return [
        {"id": str(each.id), "asked": each.asked, "way": each.way}
        for each in await queries.pathways_of_firm(session, firm)
    ]


ERASER: Final = of_firms("pathways", _told, queries.erase)
