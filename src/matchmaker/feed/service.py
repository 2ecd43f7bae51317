"""Who may see and cancel a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core import jobs
from matchmaker.feed import queries
from matchmaker.feed.errors import JobNotFound, JobOver
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.jobs.models import JobId, StoredJob
    from matchmaker.identity.access import Principal


async def find(session: ReadSession, job_id: JobId, reader: Principal) -> StoredJob:
    """The job, for its organisation and for operators.

    Raises:
        JobNotFound: there is none, or it is not for them.
    """
    found = await queries.find_job(session, job_id)
    is_theirs = found is not None and found.organisation_id == reader.organisation_id
    if found is None or not (is_theirs or OrganisationRole.OPERATOR in reader.roles):
        raise JobNotFound
    return found


async def cancel(session: Session, job_id: JobId, by: Principal) -> StoredJob:
    """The job after asking to drop it: one that runs goes on until its worker sees the request.

    Raises:
        JobNotFound: there is none, or it is not for them.
        JobOver: there is nothing left to drop.
    """
    await find(session, job_id, by)
    if await jobs.cancel(session, job_id) is None:
        over = await find(session, job_id, by)
        raise JobOver(extra={"state": over.state.value})
    return await find(session, job_id, by)
