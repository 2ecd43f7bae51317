"""The status of jobs over HTTP, and every controller of the feed."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from matchmaker.core import etags
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs.models import JobId, StoredJob
from matchmaker.core.problems import problems
from matchmaker.feed import schemas, service
from matchmaker.feed.errors import JobNotFound, JobOver
from matchmaker.feed.events.controllers import AuditController, EventController
from matchmaker.feed.webhooks.controllers import WebhookController
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope


class JobController(Controller):
    """Work that requests have left to be done."""

    path = "/jobs/{job_id:uuid}"
    tags = ("Data",)

    @get(
        operation_id="getJob",
        opt=access.needs(Scope.JOBS_READ),
        response_headers=etags.HEADERS,
        responses=problems(JobNotFound),
    )
    async def read(
        self,
        job_id: FromPath[JobId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Job]:
        """Read how far a job of the own organisation is; If-None-Match makes polling cheap."""
        found = await service.find(read_session, job_id, principal)
        return etags.tagged(to_wire(found), found.revision)

    @post(
        "/cancellation",
        operation_id="cancelJob",
        status_code=200,
        opt=access.needs(Scope.JOBS_WRITE),
        response_headers=etags.HEADERS,
        responses=problems(JobNotFound, JobOver),
    )
    async def cancel(
        self,
        job_id: FromPath[JobId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Job]:
        """Drop a job that waits, or ask that one that runs be dropped: nothing of it is kept."""
        found = await service.cancel(session, job_id, principal)
        return etags.tagged(to_wire(found), found.revision)


def to_wire(job: StoredJob) -> schemas.Job:
    """The public view of a job; what went wrong inside it is for the log."""
    return schemas.Job(
        id=job.id,
        kind=job.kind,
        state=job.state,
        attempt=job.attempt,
        progress=progress_to_wire(job),
        result=job.result,
        cancel_requested=job.cancel_requested_at is not None,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )


def progress_to_wire(job: StoredJob) -> schemas.JobProgress | None:
    """How far the job is, as its handler told last."""
    return None if job.progress is None else msgspec.convert(job.progress, schemas.JobProgress)


CONTROLLERS: Final = (JobController, EventController, AuditController, WebhookController)
