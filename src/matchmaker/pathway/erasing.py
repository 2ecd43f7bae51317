"""Emptying the ways that were computed for a firm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.erasing import Eraser
from matchmaker.identity.models import OrganisationId
from matchmaker.pathway import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {"id": str(each.id), "asked": each.asked, "way": each.way}
        for firm in subject.firms
        for each in await queries.pathways_of_firm(session, OrganisationId(firm))
    ]


async def _erase(session: Session, subject: Subject) -> int:
    erased = 0
    for firm in subject.firms:
        erased += await queries.erase(session, OrganisationId(firm))
    return erased


ERASER: Final = Eraser(name="pathways", export=_export, erase=_erase)
