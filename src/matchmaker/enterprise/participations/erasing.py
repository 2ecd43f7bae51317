"""Removing what programmes a firm took part in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.enterprise.participations import queries
from matchmaker.identity.rights.firms import of_firms

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def _told(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "programme_id": str(each.programme_id),
            "state": each.state.value,
            "note": each.note,
        }
        for each in await queries.list_participations(session, firm, limit=None)
    ]


ERASER: Final = of_firms("participations", _told, queries.erase)
