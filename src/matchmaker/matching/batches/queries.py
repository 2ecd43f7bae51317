"""Every statement about batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, delete, func, literal, or_, select, update

from matchmaker.core.jobs.models import StoredJob
from matchmaker.matching.batches.models import Batch

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.batches.models import BatchId


async def insert_batch(session: Session, batch: Batch) -> None:
    """Add the batch; its time is known afterwards."""
    session.add(batch)
    await session.flush()


# With its job in one statement: read one after the other, a job could be done whose batch is not.
async def find_batch(
    session: ReadSession, batch_id: BatchId, owner: OrganisationId
) -> tuple[Batch, StoredJob | None] | None:
    """The batch of ``owner``, its lines apart, and its job if that is still kept."""
    rows = await session.execute(
        select(Batch, StoredJob)
        .outerjoin(StoredJob, StoredJob.id == Batch.job_id)
        .where(Batch.id == batch_id, Batch.organisation_id == owner),
        execution_options={"populate_existing": True},
    )
    row = rows.one_or_none()
    return None if row is None else (row[0], row[1])


async def list_batches(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[tuple[Batch, StoredJob | None]]:
    """Up to ``limit`` batches of ``owner``, newest first, below ``after``, each with its job."""
    statement = (
        select(Batch, StoredJob)
        .outerjoin(StoredJob, StoredJob.id == Batch.job_id)
        .where(Batch.organisation_id == owner)
    )
    if after is not None:
        statement = statement.where(Batch.id < after)
    rows = await session.execute(statement.order_by(Batch.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


async def batch_to_do(session: ReadSession, batch_id: BatchId) -> Batch | None:
    """The batch, whoever asked for it."""
    found: Batch | None = await session.scalar(select(Batch).where(Batch.id == batch_id))
    return found


async def lines_of(session: ReadSession, batch_id: BatchId) -> bytes | None:
    """What came of each firm, as JSON Lines; None until it is done."""
    found: bytes | None = await session.scalar(select(Batch.lines).where(Batch.id == batch_id))
    return found


async def settle(session: Session, batch_id: BatchId, report: dict[str, Any], lines: bytes) -> None:
    """Keep what came of the batch."""
    await session.execute(
        update(Batch)
        .where(Batch.id == batch_id)
        .values(report=report, lines=lines)
        .execution_options(synchronize_session=False)
    )


async def prune(session: Session, age: dt.timedelta) -> int:
    """How many batches older than ``age`` were removed."""
    gone = await session.execute(
        delete(Batch)
        .where(Batch.created_at < func.now() - age)
        .returning(Batch.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


async def batches_of(
    session: ReadSession, member_ids: Collection[UUID], firms: Collection[UUID]
) -> list[BatchId]:
    """The batches that these members asked for, and those that tell of these firms."""
    found = await session.scalars(select(Batch.id).where(_telling(member_ids, firms)))
    return list(found)


async def erase_batches(
    session: Session, member_ids: Collection[UUID], firms: Collection[UUID]
) -> int:
    """How many batches were removed: those of these members, and those that tell of these firms."""
    gone = await session.execute(
        delete(Batch).where(_telling(member_ids, firms)).returning(Batch.id)
    )
    return len(gone.all())


def _telling(member_ids: Collection[UUID], firms: Collection[UUID]) -> ColumnElement[bool]:
    named = [
        or_(
            func.position(literal(str(firm).encode()).op("in")(Batch.lines)) > 0,
            cast(Batch.request, Text).contains(str(firm)),
        )
        for firm in firms
    ]
    return or_(Batch.requested_by_member.in_(member_ids), *named)
