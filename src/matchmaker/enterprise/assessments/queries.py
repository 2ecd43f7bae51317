"""Every statement about assessments and the batches of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, cast, func, select, true, update

from matchmaker.enterprise.assessments.machine import ASSESSMENT, STANDING
from matchmaker.enterprise.assessments.models import Assessment, PeerBatch

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.assessments.models import AssessmentId
    from matchmaker.enterprise.assessments.peers import Cell
    from matchmaker.identity.models import OrganisationId


async def insert_assessment(session: Session, assessment: Assessment) -> None:
    """Add the assessment; its times are known afterwards."""
    session.add(assessment)
    await session.flush()


async def find_assessment(session: ReadSession, assessment_id: AssessmentId) -> Assessment | None:
    """The assessment of this id, as it is now."""
    found = await session.scalars(
        select(Assessment)
        .where(Assessment.id == assessment_id)
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_assessments(
    session: ReadSession,
    owner: OrganisationId,
    *,
    scheme: str | None,
    after: UUID | None,
    limit: int,
) -> list[Assessment]:
    """Up to ``limit`` assessments of ``owner``, by id, after the assessment ``after``."""
    statement = select(Assessment).where(Assessment.organisation_id == owner)
    if scheme is not None:
        statement = statement.where(Assessment.scheme == scheme)
    if after is not None:
        statement = statement.where(Assessment.id > after)
    return list(await session.scalars(statement.order_by(Assessment.id).limit(limit)))


async def hold_series(session: Session, owner: OrganisationId) -> None:
    """Let nobody else change assessments of the firm until this transaction ends."""
    await session.execute(
        select(Assessment.id)
        .where(Assessment.organisation_id == owner)
        .order_by(Assessment.id)
        .with_for_update()
    )


async def standing(
    session: ReadSession, owner: OrganisationId, scheme: str | None = None
) -> list[Assessment]:
    """The completed assessments of the firm that nothing has superseded, by checkpoint."""
    statement = select(Assessment).where(
        Assessment.organisation_id == owner,
        Assessment.state.in_(STANDING),
        Assessment.erased_at.is_(None),
    )
    if scheme is not None:
        statement = statement.where(Assessment.scheme == scheme)
    ordered = statement.order_by(Assessment.checkpoint, Assessment.id)
    found = await session.scalars(ordered.execution_options(populate_existing=True))
    return list(found)


async def supersede(
    session: Session, owner: OrganisationId, scheme: str, checkpoint: int
) -> list[tuple[AssessmentId, int]]:
    """Id and new revision of what stood under the scheme at the checkpoint, and no longer does."""
    step = ASSESSMENT.step("supersede")
    assert step is not None  # noqa: S101  (declared in the same room; the types cannot say so)
    changed = await session.execute(
        update(Assessment)
        .where(
            Assessment.organisation_id == owner,
            Assessment.scheme == scheme,
            Assessment.checkpoint == checkpoint,
            Assessment.state.in_(STANDING),
        )
        .values(
            state=step.target,
            revision=Assessment.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(Assessment.id, Assessment.revision)
        .execution_options(synchronize_session=False)
    )
    return [(id_, revision) for id_, revision in changed]


async def assessments_of_firm(session: ReadSession, owner: OrganisationId) -> list[Assessment]:
    """Every assessment of the firm, drafts too, short of what was erased."""
    found = await session.scalars(
        select(Assessment)
        .where(Assessment.organisation_id == owner, Assessment.erased_at.is_(None))
        .order_by(Assessment.id)
    )
    return list(found)


async def erase(session: Session, owner: OrganisationId) -> int:
    """How many assessments of the firm were emptied now."""
    erased = await session.execute(select(func.mm.erase_assessments(owner)))
    return int(erased.scalar_one())


async def uncounted(session: Session, *, limit: int) -> Sequence[Assessment]:
    """Up to ``limit`` results that no batch has counted, the oldest first.

    The first of each firm under a scheme at a checkpoint: a firm is counted once.
    """
    earlier = Assessment.__table__.alias("earlier")
    first = ~(
        select(earlier.c.id)
        .where(
            earlier.c.organisation_id == Assessment.organisation_id,
            earlier.c.scheme == Assessment.scheme,
            earlier.c.checkpoint == Assessment.checkpoint,
            earlier.c.completed_at.is_not(None),
            (earlier.c.completed_at < Assessment.completed_at)
            | (
                (earlier.c.completed_at == Assessment.completed_at) & (earlier.c.id < Assessment.id)
            ),
        )
        .correlate(Assessment)
        .exists()
    )
    found = await session.scalars(
        select(Assessment)
        .where(
            Assessment.completed_at.is_not(None),
            Assessment.counted_at.is_(None),
            Assessment.erased_at.is_(None),
            first,
        )
        .order_by(Assessment.completed_at, Assessment.id)
        .limit(limit)
        .with_for_update(of=Assessment, skip_locked=True)
    )
    return found.all()


async def count_together(
    session: Session,
    ids: Sequence[AssessmentId],
    batch: dict[str, Any],
    now: dt.datetime,
) -> None:
    """Let these results be counted, as one batch."""
    session.add(PeerBatch(**batch))
    await session.execute(
        update(Assessment)
        .where(Assessment.id.in_(ids))
        .values(counted_at=now)
        .execution_options(synchronize_session=False)
    )


async def sums(session: ReadSession, scheme: str, checkpoint: int, cell: Cell) -> dict[str, int]:
    """The sums over every batch within the cell."""
    each = func.jsonb_each_text(PeerBatch.sums).table_valued("key", "value")
    statement = (
        select(each.c.key, func.sum(cast(each.c.value, BigInteger)))
        .select_from(PeerBatch)
        .join(each, true())
        .where(PeerBatch.scheme == scheme, PeerBatch.checkpoint == checkpoint)
    )
    for column, code in zip(
        (PeerBatch.division, PeerBatch.scale, PeerBatch.province), cell, strict=True
    ):
        if code is not None:
            statement = statement.where(column == code)
    rows = await session.execute(statement.group_by(each.c.key))
    return {key: int(total) for key, total in rows}
