"""Emptying what a firm looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.demand import content, queries
from matchmaker.identity.rights.firms import of_firms

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def _told(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    return [
        {
            "id": str(version.need_id),
            "version": version.number,
            "said": msgspec.to_builtins(content.whole(version)),
        }
        for version in await queries.versions_of_firm(session, firm)
    ]


ERASER: Final = of_firms("need_versions", _told, queries.erase_needs)
