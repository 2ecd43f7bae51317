"""Files that a person handed in or asked for, and those that tell of a firm that is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.erasing import Eraser
from matchmaker.exchange import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    found = await queries.files_of(session, subject.member_ids)
    return [{"id": str(id_), "kind": kind} for id_, kind in found]


async def _erase(session: Session, subject: Subject) -> int:
    return await queries.erase_files(session, subject.member_ids, subject.firms)


ERASER: Final = Eraser(name="files", export=_export, erase=_erase)
