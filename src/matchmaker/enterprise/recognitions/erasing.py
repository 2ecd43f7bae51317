"""Emptying what a firm said authorities granted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.core.erasing import Eraser
from matchmaker.enterprise.recognitions import queries
from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
from matchmaker.identity.models import OrganisationId

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "state": each.state.value,
            **{
                name: msgspec.to_builtins(getattr(each, name))
                for name in RecognitionDraft.__struct_fields__
            },
        }
        for firm in subject.firms
        for each in await queries.recognitions_of_firm(session, OrganisationId(firm))
    ]


async def _erase(session: Session, subject: Subject) -> int:
    erased = 0
    for firm in subject.firms:
        erased += await queries.erase(session, OrganisationId(firm))
    return erased


ERASER: Final = Eraser(name="recognitions", export=_export, erase=_erase)
