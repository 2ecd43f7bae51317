"""Emptying what a firm said authorities granted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.enterprise.recognitions import queries
from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
from matchmaker.identity.rights.firms import of_firms

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def _told(session: ReadSession, firm: OrganisationId) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "state": each.state.value,
            **{
                name: msgspec.to_builtins(getattr(each, name))
                for name in RecognitionDraft.__struct_fields__
            },
        }
        for each in await queries.recognitions_of_firm(session, firm)
    ]


ERASER: Final = of_firms("recognitions", _told, queries.erase)
