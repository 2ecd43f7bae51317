"""Emptying what was said in the assessments of a firm, drafts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.enterprise.assessments import queries, service
from matchmaker.identity.rights.firms import of_firms

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def _told(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "scheme": each.scheme,
            "checkpoint": each.checkpoint,
            "state": each.state.value,
            "said": msgspec.to_builtins(service.terms(each)),
            "result": each.result,
        }
        for each in await queries.assessments_of_firm(session, firm)
    ]


ERASER: Final = of_firms("assessments", _told, queries.erase)
