"""Every statement about cohorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from matchmaker.matching.cohorts.models import Cohort

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.cohorts.models import CohortId


async def insert_cohort(session: Session, cohort: Cohort) -> None:
    """Add the cohort; its times are known afterwards."""
    session.add(cohort)
    await session.flush()


async def find_cohort(session: ReadSession, cohort_id: CohortId) -> Cohort | None:
    """The cohort of this id, as it is now."""
    found = await session.scalars(
        select(Cohort).where(Cohort.id == cohort_id).execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_cohorts(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[Cohort]:
    """Up to ``limit`` cohorts of ``owner``, by id, after the cohort ``after``."""
    statement = select(Cohort).where(Cohort.organisation_id == owner)
    if after is not None:
        statement = statement.where(Cohort.id > after)
    return list(await session.scalars(statement.order_by(Cohort.id).limit(limit)))


async def cohorts_naming(session: ReadSession, firm: UUID) -> list[Cohort]:
    """The cohorts whose list names the firm."""
    named = Cohort.criteria["firms"].has_key(str(firm))
    return list(await session.scalars(select(Cohort).where(named)))


async def forget_firm(session: Session, cohort_id: CohortId, firms: list[str]) -> None:
    """Let the list of the cohort hold ``firms`` and nobody else."""
    await session.execute(
        update(Cohort)
        .where(Cohort.id == cohort_id)
        .values(criteria=Cohort.criteria.op("||")({"firms": firms}), revision=Cohort.revision + 1)
        .execution_options(synchronize_session=False)
    )
