"""Emptying what was said in the assessments of a firm, drafts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.core.erasing import Eraser
from matchmaker.enterprise.assessments import queries, service
from matchmaker.identity.models import OrganisationId

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "id": str(each.id),
            "scheme": each.scheme,
            "checkpoint": each.checkpoint,
            "state": each.state.value,
            "said": msgspec.to_builtins(service.terms(each)),
            "result": each.result,
        }
        for firm in subject.firms
        for each in await queries.assessments_of_firm(session, OrganisationId(firm))
    ]


async def _erase(session: Session, subject: Subject) -> int:
    erased = 0
    for firm in subject.firms:
        erased += await queries.erase(session, OrganisationId(firm))
    return erased


ERASER: Final = Eraser(name="assessments", export=_export, erase=_erase)
