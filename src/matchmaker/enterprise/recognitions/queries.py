"""Every statement about recognitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, func, select, update

from matchmaker.enterprise.recognitions.machine import RECOGNITION
from matchmaker.enterprise.recognitions.models import Recognition

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.recognitions.models import RecognitionId
    from matchmaker.identity.models import OrganisationId


async def insert_recognition(session: Session, recognition: Recognition) -> None:
    """Add the recognition; its times are known afterwards."""
    session.add(recognition)
    await session.flush()


async def find_recognition(
    session: ReadSession, recognition_id: RecognitionId
) -> Recognition | None:
    """The recognition of this id, as it is now."""
    found = await session.scalars(
        select(Recognition)
        .where(Recognition.id == recognition_id, Recognition.erased_at.is_(None))
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_recognitions(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[Recognition]:
    """Up to ``limit`` recognitions of ``owner``, by id, after the recognition ``after``."""
    statement = _of_firm(owner)
    if after is not None:
        statement = statement.where(Recognition.id > after)
    return list(await session.scalars(statement.order_by(Recognition.id).limit(limit)))


async def recognitions_of_firm(session: ReadSession, owner: OrganisationId) -> list[Recognition]:
    """Everything that the firm said it was granted, short of what was erased."""
    return list(await session.scalars(_of_firm(owner).order_by(Recognition.id)))


async def erase(session: Session, owner: OrganisationId) -> int:
    """How many recognitions of the firm were emptied now; they are not found any more."""
    erased = await session.execute(select(func.mm.erase_recognitions(owner)))
    return int(erased.scalar_one())


def _of_firm(owner: OrganisationId) -> Select[Recognition]:
    return select(Recognition).where(
        Recognition.organisation_id == owner, Recognition.erased_at.is_(None)
    )


async def expire(session: Session, today: dt.date, *, limit: int) -> list[Recognition]:
    """Up to ``limit`` recognitions past their last day, which are expired now."""
    step = RECOGNITION.step("expire")
    assert step is not None  # noqa: S101  (declared in the same room; the types cannot say so)
    due = (
        select(Recognition.id)
        .where(Recognition.state.in_(step.sources), Recognition.valid_until < today)
        .order_by(Recognition.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    changed = await session.scalars(
        update(Recognition)
        .where(Recognition.id.in_(due.scalar_subquery()), Recognition.state.in_(step.sources))
        .values(
            state=step.target,
            revision=Recognition.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(Recognition)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(changed)
