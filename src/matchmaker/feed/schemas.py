"""Jobs on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec

from matchmaker.core.jobs.models import JobId, JobState


class JobProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is."""

    done: int
    total: int | None
    note: str | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that a request left to be done."""

    id: JobId
    kind: str
    state: JobState
    attempt: int
    progress: JobProgress | None
    result: Annotated[
        dict[str, Any] | None, msgspec.Meta(description="What came of it, once it is done")
    ]
    cancel_requested: Annotated[
        bool, msgspec.Meta(description="Its worker was asked to stop; nothing of it will be kept")
    ]
    created_at: dt.datetime
    finished_at: dt.datetime | None
