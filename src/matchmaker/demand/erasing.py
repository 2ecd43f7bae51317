"""Emptying what a firm looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.core.erasing import Eraser
from matchmaker.demand import content, queries
from matchmaker.identity.models import OrganisationId

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "id": str(version.need_id),
            "version": version.number,
            "said": msgspec.to_builtins(content.whole(version)),
        }
        for firm in subject.firms
        for version in await queries.versions_of_firm(session, OrganisationId(firm))
    ]


async def _erase(session: Session, subject: Subject) -> int:
    erased = 0
    for firm in subject.firms:
        erased += await queries.erase_needs(session, OrganisationId(firm))
    return erased


ERASER: Final = Eraser(name="need_versions", export=_export, erase=_erase)
