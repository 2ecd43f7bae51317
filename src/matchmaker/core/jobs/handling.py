"""What is asked for, what does it, and what a handler is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from matchmaker.core.db import Session
from matchmaker.core.jobs.models import JobId

DEFAULT_QUEUE = "default"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work to be done: ``kind`` names its handler, ``payload`` is JSON.

    A job with a ``key`` is not added while an equal one of its kind waits for its first attempt.
    """

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    queue: str = DEFAULT_QUEUE
    organisation_id: UUID | None = None
    key: str | None = None
    max_attempts: int = 5
    delay: dt.timedelta = dt.timedelta()
    """Not before this long from now, by the database's clock."""


@dataclass(frozen=True, kw_only=True)
class Cron:
    """A job of ``kind`` every so often; one that is late is made up for once."""

    name: str
    kind: str
    every: dt.timedelta
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    queue: str = DEFAULT_QUEUE


class GiveUp(Exception):
    """Raised by a handler that would fail the same way again: the job fails at once."""


class Stopped(Exception):
    """The job is no longer this worker's: cancelled, or its lease went to another."""


Tell = Callable[[int, int | None, str | None], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a handler works with.

    ``session`` is the transaction the job ends in: what is written there is committed together
    with the job's completion, or not at all. The transaction opens with the first statement; what
    computes for longer than a lease does so before it, for an idle transaction is ended.
    """

    session: Session
    job_id: JobId
    kind: str
    attempt: int
    organisation_id: UUID | None
    tell: Tell

    async def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Tell how far the job is, outside its transaction, and keep the lease.

        Told more than twice a second, the ones between are left out, never the last of ``total``.

        Raises:
            Stopped: the job was cancelled or given to another worker; let it pass.
        """
        await self.tell(done, total, note)


Handler = Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Does a job of one kind; what it returns is kept as the job's result."""
