"""Every statement about pathways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from matchmaker.pathway.machine import PATHWAY
from matchmaker.pathway.models import Pathway

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.assessments.models import AssessmentId
    from matchmaker.identity.models import OrganisationId
    from matchmaker.pathway.models import PathwayId


async def insert_pathway(session: Session, pathway: Pathway) -> None:
    """Add the pathway; its times are known afterwards."""
    session.add(pathway)
    await session.flush()


async def find_pathway(session: ReadSession, pathway_id: PathwayId) -> Pathway | None:
    """The pathway of this id, as it is now."""
    found = await session.scalars(
        select(Pathway).where(Pathway.id == pathway_id).execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_pathways(
    session: ReadSession,
    owner: OrganisationId,
    *,
    assessment_id: AssessmentId | None,
    after: UUID | None,
    limit: int,
) -> list[Pathway]:
    """Up to ``limit`` pathways of ``owner``, by id, after the pathway ``after``."""
    statement = select(Pathway).where(Pathway.organisation_id == owner)
    if assessment_id is not None:
        statement = statement.where(Pathway.assessment_id == assessment_id)
    if after is not None:
        statement = statement.where(Pathway.id > after)
    return list(await session.scalars(statement.order_by(Pathway.id).limit(limit)))


async def pathways_of_firm(session: ReadSession, owner: OrganisationId) -> list[Pathway]:
    """Every pathway of the firm, short of what was erased."""
    found = await session.scalars(
        select(Pathway)
        .where(Pathway.organisation_id == owner, Pathway.erased_at.is_(None))
        .order_by(Pathway.id)
    )
    return list(found)


async def erase(session: Session, owner: OrganisationId) -> int:
    """How many pathways of the firm were emptied now."""
    erased = await session.execute(select(func.mm.erase_pathways(owner)))
    return int(erased.scalar_one())


async def supersede(session: Session, pathway_id: PathwayId) -> int | None:
    """The new revision of a pathway that a newer one takes the place of; None: it was over."""
    step = PATHWAY.step("supersede")
    assert step is not None  # noqa: S101  (declared in the same room; the types cannot say so)
    changed = await session.execute(
        update(Pathway)
        .where(Pathway.id == pathway_id, Pathway.state.in_(step.sources))
        .values(state=step.target, revision=Pathway.revision + 1, changed_at=func.clock_timestamp())
        .returning(Pathway.revision)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none()
