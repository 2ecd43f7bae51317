"""Every statement about the status of jobs; what workers write is in `core.jobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from matchmaker.core.jobs.models import JobId, StoredJob

if TYPE_CHECKING:
    from collections.abc import Collection

    from matchmaker.core.db import ReadSession


async def find_job(session: ReadSession, job_id: JobId) -> StoredJob | None:
    """The job as it stands."""
    return (await find_jobs(session, [job_id])).get(job_id)


async def find_jobs(session: ReadSession, job_ids: Collection[JobId]) -> dict[JobId, StoredJob]:
    """Those of the jobs that are still kept, as they stand."""
    rows = await session.scalars(
        select(StoredJob).where(StoredJob.id.in_(job_ids)),
        execution_options={"populate_existing": True},
    )
    return {job.id: job for job in rows}
