"""Every statement of those who ask for jobs and of those who look after them.

What workers say is in `working.queries`. The clock is the database's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Interval, Text, TextClause, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from matchmaker.core.db import ReadSession, Session, statement
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs.handling import Cron, Job
from matchmaker.core.jobs.models import JobId, JobState

CHANNEL: Final = "mm_job"
"""Where NOTIFY says that there is work, or with ``CANCEL`` that some is to be dropped."""
CANCEL: Final = "cancel"

_TYPES: Final[Mapping[str, Any]] = {
    "id": Uuid(),
    "kind": Text(),
    "name": Text(),
    "queue": Text(),
    "organisation_id": Uuid(),
    "key": Text(),
    "payload": JSONB(),
    "delay": Interval(),
    "age": Interval(),
    "most": BigInteger(),
    "max_attempts": BigInteger(),
    "every": BigInteger(),
}


def _statement(sql: str) -> TextClause:
    return statement(sql, _TYPES)


class QueueCount(NamedTuple):
    """One queue: jobs by state, how long the oldest due one has waited, the limit."""

    queue: str
    running_limit: int | None
    queued: int
    running: int
    done: int
    failed: int
    cancelled: int
    oldest: dt.timedelta | None


class DeadLetter(NamedTuple):
    """A job that is not tried again, and why."""

    id: JobId
    kind: str
    queue: str
    attempt: int
    finished_at: dt.datetime
    error: str | None


_ENQUEUE = _statement("""
    insert into mm.job (id, kind, queue, payload, organisation_id, key, state, attempt,
        max_attempts, lapses, run_at, revision)
    values (:id, :kind, :queue, :payload, :organisation_id, :key, 'queued', 0,
        :max_attempts, 0, now() + :delay, 1)
    on conflict (kind, key) where state = 'queued' and attempt = 0
        do update set run_at = least(job.run_at, excluded.run_at)
    returning id, pg_notify('mm_job', '')
""")

_ENQUEUE_ALL = _statement("""
    insert into mm.job (id, kind, queue, payload, organisation_id, state, attempt, max_attempts,
        lapses, run_at, revision)
    values (:id, :kind, :queue, :payload, :organisation_id, 'queued', 0, :max_attempts, 0,
        now() + :delay, 1)
""")

_NOTIFY = _statement("select pg_notify('mm_job', '')")

_CANCEL = _statement("""
    update mm.job set cancel_requested_at = coalesce(cancel_requested_at, now()),
        state = case state when 'queued' then 'cancelled' else state end,
        finished_at = case state when 'queued' then now() end, revision = revision + 1
    where id = :id and state in ('queued', 'running')
    returning id, kind, state, pg_notify('mm_job', 'cancel')
""")

# The attempts go on from where they were: a worker that still believes in an old one stays out.
# Of equal jobs (see `Job.key`) one waits for its first attempt: it stands for the others.
_RETRY = _statement("""
    update mm.job set state = 'queued', max_attempts = attempt + :most, lapses = 0, run_at = now(),
        finished_at = null, cancel_requested_at = null, revision = revision + 1
    where id = :id and state in ('failed', 'cancelled') and not (attempt = 0 and exists (
        select from mm.job as equal where equal.kind = job.kind and equal.key = job.key
            and equal.state = 'queued' and equal.attempt = 0
    ))
    returning id, kind, state, pg_notify('mm_job', '')
""")

_SCHEDULE = _statement("""
    insert into mm.job_cron (name, kind, queue, payload, every_seconds, next_at)
    values (:name, :kind, :queue, :payload, :every, now() + make_interval(secs => :every))
    on conflict (name) do update set kind = excluded.kind, queue = excluded.queue,
        payload = excluded.payload, every_seconds = excluded.every_seconds,
        next_at = least(job_cron.next_at, excluded.next_at)
""")

_LIMIT = _statement("""
    insert into mm.job_queue (name, running_limit) values (:name, :most)
    on conflict (name) do update set running_limit = excluded.running_limit
""")

_TODAY = _statement("select (now() at time zone 'utc')::date")

_PRUNE = _statement("""
    delete from mm.job where state in ('done', 'cancelled') and finished_at < now() - :age
""")

_QUEUES = _statement("""
    select coalesce(job.queue, job_queue.name) as queue, max(running_limit),
        count(*) filter (where state = 'queued'), count(*) filter (where state = 'running'),
        count(*) filter (where state = 'done'), count(*) filter (where state = 'failed'),
        count(*) filter (where state = 'cancelled'),
        now() - min(run_at) filter (where state = 'queued' and run_at <= now())
    from mm.job full join mm.job_queue on job_queue.name = job.queue
    group by 1 order by 1
""")

_DEAD_LETTERS = _statement("""
    select id, kind, queue, attempt, finished_at, error from mm.job
    where state = 'failed' order by finished_at desc, id limit :most
""")


async def enqueue(session: Session, job: Job) -> JobId:
    """The id of ``job``, which is done once the caller's transaction is committed.

    It goes through the session and so into its transaction: a statement on the raw connection
    before any other would commit itself. An equal job that still waits (see ``Job.key``) is taken
    instead; the earlier of the two times counts.
    """
    row = await session.execute(_ENQUEUE, {**_values(job), "key": job.key})
    return JobId(row.scalar_one())


async def enqueue_all(session: Session, many: Sequence[Job]) -> None:
    """Have ``many`` jobs done once the caller's transaction is committed; none has a key."""
    if any(job.key is not None for job in many):
        raise ValueError("jobs with a key are added one by one")
    if many:
        await session.execute(_ENQUEUE_ALL, [_values(job) for job in many])
        await session.execute(_NOTIFY)


def _values(job: Job) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "kind": job.kind,
        "queue": job.queue,
        "payload": dict(job.payload),
        "organisation_id": job.organisation_id,
        "max_attempts": job.max_attempts,
        "delay": job.delay,
    }


async def cancel(session: Session, job_id: JobId) -> JobState | None:
    """The state after asking to drop the job; None where it is over or unknown.

    A waiting one is cancelled at once. A running one goes on until its worker sees the request,
    and its effect is then rolled back; it ends as done only if it was already being committed.
    """
    row = (await session.execute(_CANCEL, {"id": job_id})).first()
    return None if row is None else JobState(row.state)


async def retry(session: Session, job_id: JobId, *, attempts: int = 5) -> bool:
    """Whether the job, failed or cancelled, waits for further attempts now.

    It does not where an equal one waits for its first attempt: that one is done instead.
    """
    done = await session.execute(_RETRY, {"id": job_id, "most": attempts})
    return done.first() is not None


async def schedule(session: Session, cron: Cron) -> None:
    """Keep ``cron`` from now on; what it was before under this name is replaced."""
    await session.execute(
        _SCHEDULE,
        {
            "name": cron.name,
            "kind": cron.kind,
            "queue": cron.queue,
            "payload": dict(cron.payload),
            "every": round(cron.every.total_seconds()),
        },
    )


async def limit(session: Session, queue: str, running: int) -> None:
    """Let at most ``running`` jobs of ``queue`` run at once; those that run go on."""
    await session.execute(_LIMIT, {"name": queue, "most": running})


async def today(session: ReadSession) -> dt.date:
    """The day in UTC by the database's clock, the one that all workers share.

    What a worker does by the day cannot be undone, and its own clock may be wrong.
    """
    found: dt.date = (await session.execute(_TODAY)).scalar_one()
    return found


async def prune(session: Session, age: dt.timedelta) -> int:
    """How many finished jobs older than ``age`` were removed; dead letters stay."""
    done = await session.execute(_PRUNE, {"age": age})
    return int(done.rowcount)  # type: ignore[attr-defined]


async def queues(session: ReadSession) -> list[QueueCount]:
    """Every queue with its counts."""
    return [QueueCount(*row) for row in await session.execute(_QUEUES)]


async def dead_letters(session: ReadSession, most: int) -> list[DeadLetter]:
    """The latest failed jobs."""
    return [DeadLetter(*row) for row in await session.execute(_DEAD_LETTERS, {"most": most})]
