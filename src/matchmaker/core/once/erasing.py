"""Kept replies are emptied with whoever is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.erasing import Eraser
from matchmaker.core.once import queries

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(_: ReadSession, __: Subject) -> list[dict[str, Any]]:
    """Nothing: they repeat what is told elsewhere."""
    return []


async def _erase(session: Session, _: Subject) -> int:
    """Empty every reply; whose they were is not counted."""
    await queries.forget(session)
    return 0


ERASER: Final = Eraser(name="kept_replies", export=_export, erase=_erase)
