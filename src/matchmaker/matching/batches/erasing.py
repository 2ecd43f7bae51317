"""Batches that a person asked for, and those that tell of a firm that is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.erasing import Eraser
from matchmaker.matching.batches import queries
from matchmaker.matching.cohorts import queries as cohorts

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.erasing import Subject


async def _export(session: ReadSession, subject: Subject) -> list[dict[str, Any]]:
    found = await queries.batches_of(session, subject.member_ids, subject.firms)
    return [{"id": str(id_)} for id_ in found]


async def _erase(session: Session, subject: Subject) -> int:
    for firm in subject.firms:
        for cohort in await cohorts.cohorts_naming(session, firm):
            rest = [each for each in cohort.criteria["firms"] if each != str(firm)]
            await cohorts.forget_firm(session, cohort.id, rest)
    return await queries.erase_batches(session, subject.member_ids, subject.firms)


ERASER: Final = Eraser(name="batches", export=_export, erase=_erase)
