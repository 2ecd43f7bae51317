"""Every statement about jobs; each is true under concurrency by itself.

The clock is the database's. Whoever runs a job writes with (id, attempt), so that of two workers
that believe they have it only the one that has it writes anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Float,
    Interval,
    Text,
    TextClause,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from matchmaker.core.db import ReadSession, Session
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs.handling import Cron, Job
from matchmaker.core.jobs.models import JobId, JobState

CHANNEL: Final = "mm_job"
"""Where NOTIFY says that there is work, or with ``CANCEL`` that some is to be dropped."""
CANCEL: Final = "cancel"
TRUSTED_LAPSES: Final = 1
"""A job whose worker vanished more often may be what ends them: it runs alone."""
_LONGEST_ERROR: Final = 2_000

_TYPES: Final[Mapping[str, Any]] = {
    "id": Uuid(),
    "ids": ARRAY(Uuid()),
    "attempt": BigInteger(),
    "attempts": ARRAY(BigInteger()),
    "kind": Text(),
    "kinds": ARRAY(Text()),
    "name": Text(),
    "queue": Text(),
    "limited": ARRAY(Text()),
    "locked": ARRAY(Text()),
    "organisation_id": Uuid(),
    "key": Text(),
    "worker": Text(),
    "error": Text(),
    "final": Boolean(),
    "alone": Boolean(),
    "payload": JSONB(),
    "progress": JSONB(none_as_null=True),
    "result": JSONB(none_as_null=True),
    "delay": Interval(),
    "lease": Interval(),
    "age": Interval(),
    "most": BigInteger(),
    "max_attempts": BigInteger(),
    "every": BigInteger(),
    "base": Float(),
    "cap": Float(),
}


def _statement(sql: str) -> TextClause:
    """``sql`` whose parameters have the types of their names."""
    clause = text(sql)
    return clause.bindparams(
        *(bindparam(name, type_=_TYPES[name]) for name in clause.compile().params)
    )


class Backoff(NamedTuple):
    """Seconds before another attempt: doubled each time up to ``cap``, times 0.5 to 1.5."""

    base: float = 2.0
    cap: float = 3600.0


class Claimed(NamedTuple):
    """A job as the worker that has it knows it."""

    id: JobId
    attempt: int
    kind: str
    queue: str
    payload: dict[str, Any]
    organisation_id: UUID | None


class Held(NamedTuple):
    """A job that is still held, and whether it is to be dropped."""

    id: JobId
    is_cancelled: bool


class Settled(NamedTuple):
    """What became of a job."""

    id: JobId
    kind: str
    state: JobState


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


_AGAIN: Final = (
    "make_interval(secs => least(:cap, :base * power(2, least(attempt, 30) - 1))"
    " * (0.5 + random()))"
)

_ENQUEUE = _statement(f"""
    insert into mm.job (id, kind, queue, payload, organisation_id, key, state, attempt,
        max_attempts, lapses, run_at, revision)
    values (:id, :kind, :queue, :payload, :organisation_id, :key, 'queued', 0,
        :max_attempts, 0, now() + :delay, 1)
    on conflict (kind, key) where state = 'queued' and attempt = 0
        do update set run_at = least(job.run_at, excluded.run_at)
    returning id, pg_notify('{CHANNEL}', '')
""")  # noqa: S608

_LIMITS = _statement("""
    with mine as (select name from mm.job_queue for update skip locked)
    select job_queue.name, mine.name is not null from mm.job_queue left join mine using (name)
""")

# The rooms are counted by a later statement than the one that locked the queues: its snapshot has
# every claim that was committed before the lock was ours.
_CLAIM = _statement(f"""
    with room as (
        select name, running_limit - (
            select count(*) from mm.job where job.queue = job_queue.name and state = 'running'
        ) as free
        from mm.job_queue where name = any(:locked)
    ), unlimited as (
        select id, run_at from mm.job
        where state = 'queued' and run_at <= now() and kind = any(:kinds)
            and queue <> all(:limited) and (lapses > {TRUSTED_LAPSES}) = :alone
        order by run_at, id limit :most for update skip locked
    ), limited as (
        select due.id, due.run_at from room cross join lateral (
            select id, run_at from mm.job
            where state = 'queued' and run_at <= now() and kind = any(:kinds)
                and queue = room.name and (lapses > {TRUSTED_LAPSES}) = :alone
            order by run_at, id limit least(greatest(room.free, 0), :most) for update skip locked
        ) as due
    ), chosen as (
        select id from (select * from unlimited union all select * from limited) as due
        order by run_at, id limit :most
    )
    update mm.job set state = 'running', attempt = attempt + 1, leased_until = now() + :lease,
        worker = :worker, revision = revision + 1
    from chosen where job.id = chosen.id
    returning job.id, attempt, kind, queue, payload, organisation_id
""")  # noqa: S608

_SUSPECT_IS_DUE = _statement(f"""
    select exists (
        select from mm.job where state = 'queued' and run_at <= now() and kind = any(:kinds)
            and lapses > {TRUSTED_LAPSES}
    )
""")  # noqa: S608

_RENEW = _statement("""
    update mm.job set leased_until = now() + :lease
    from unnest(:ids, :attempts) as held (id, attempt)
    where job.id = held.id and job.attempt = held.attempt and state = 'running'
    returning job.id, cancel_requested_at is not null
""")

_PROGRESS = _statement("""
    update mm.job set progress = :progress, leased_until = now() + :lease, revision = revision + 1
    where id = :id and attempt = :attempt and state = 'running'
    returning id, cancel_requested_at is not null
""")

_COMPLETE = _statement("""
    update mm.job set state = 'done', result = :result, leased_until = null, error = null,
        finished_at = clock_timestamp(), revision = revision + 1
    where id = :id and attempt = :attempt and state = 'running' and cancel_requested_at is null
    returning id
""")

_END_OR_AGAIN: Final = f"""
    set state = case when cancel_requested_at is not null then 'cancelled'
            when :final or attempt >= max_attempts then 'failed' else 'queued' end,
        finished_at = case when cancel_requested_at is not null or :final
            or attempt >= max_attempts then now() end,
        run_at = now() + {_AGAIN}, leased_until = null, error = :error, revision = revision + 1
"""

_FAIL = _statement(f"""
    update mm.job {_END_OR_AGAIN}
    where id = :id and attempt = :attempt and state = 'running'
    returning id, kind, state
""")

_REAP = _statement(f"""
    with lapsed as (
        select id from mm.job where state = 'running' and leased_until < now()
        order by id limit :most for update skip locked
    )
    update mm.job {_END_OR_AGAIN}, lapses = lapses + 1
    from lapsed where job.id = lapsed.id
    returning job.id, kind, state
""")  # noqa: S608

_RELEASE = _statement("""
    update mm.job set state = case when cancel_requested_at is null then 'queued'
            else 'cancelled' end,
        finished_at = case when cancel_requested_at is not null then now() end,
        max_attempts = max_attempts + 1, run_at = now(), leased_until = null,
        revision = revision + 1
    where id = :id and attempt = :attempt and state = 'running'
    returning id, kind, state
""")

_CANCEL = _statement(f"""
    update mm.job set cancel_requested_at = coalesce(cancel_requested_at, now()),
        state = case state when 'queued' then 'cancelled' else state end,
        finished_at = case state when 'queued' then now() end, revision = revision + 1
    where id = :id and state in ('queued', 'running')
    returning id, kind, state, pg_notify('{CHANNEL}', '{CANCEL}')
""")  # noqa: S608

# The attempts go on from where they were: a worker that still believes in an old one stays out.
_RETRY = _statement(f"""
    update mm.job set state = 'queued', max_attempts = attempt + :most, lapses = 0, run_at = now(),
        finished_at = null, cancel_requested_at = null, revision = revision + 1
    where id = :id and state in ('failed', 'cancelled')
    returning id, kind, state, pg_notify('{CHANNEL}', '')
""")  # noqa: S608

_SCHEDULE = _statement("""
    insert into mm.job_cron (name, kind, queue, payload, every_seconds, next_at)
    values (:name, :kind, :queue, :payload, :every, now() + make_interval(secs => :every))
    on conflict (name) do update set kind = excluded.kind, queue = excluded.queue,
        payload = excluded.payload, every_seconds = excluded.every_seconds,
        next_at = least(job_cron.next_at, excluded.next_at)
""")

_FIRE = _statement("""
    with due as (
        select name from mm.job_cron where next_at <= now() and kind = any(:kinds)
        for update skip locked
    )
    update mm.job_cron set next_at = next_at + make_interval(secs => every_seconds
        * (floor(extract(epoch from now() - next_at) / every_seconds) + 1))
    from due where job_cron.name = due.name
    returning job_cron.name, kind, queue, payload
""")

_LIMIT = _statement("""
    insert into mm.job_queue (name, running_limit) values (:name, :most)
    on conflict (name) do update set running_limit = excluded.running_limit
""")

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
    row = await session.execute(
        _ENQUEUE,
        {
            "id": uuid7(),
            "kind": job.kind,
            "queue": job.queue,
            "payload": dict(job.payload),
            "organisation_id": job.organisation_id,
            "key": job.key,
            "max_attempts": job.max_attempts,
            "delay": job.delay,
        },
    )
    return JobId(row.scalar_one())


async def cancel(session: Session, job_id: JobId) -> JobState | None:
    """The state after asking to drop the job; None where it is over or unknown.

    A waiting one is cancelled at once. A running one goes on until its worker sees the request,
    and its effect is then rolled back; it ends as done only if it was already being committed.
    """
    row = (await session.execute(_CANCEL, {"id": job_id})).first()
    return None if row is None else JobState(row.state)


async def retry(session: Session, job_id: JobId, *, attempts: int = 5) -> bool:
    """Whether the job, failed or cancelled, waits for further attempts now."""
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


async def claim(
    connection: AsyncConnection,
    kinds: Collection[str],
    *,
    most: int,
    lease: dt.timedelta,
    worker: str,
    alone: bool = False,
) -> list[Claimed]:
    """Up to ``most`` due jobs that are now this worker's, the attempt counted.

    A queue with a limit is taken from by one worker at a time; one that another worker is taking
    from is passed over. With ``alone`` only the suspects are asked for, otherwise all but them.
    """
    found = (await connection.execute(_LIMITS)).all()
    rows = await connection.execute(
        _CLAIM,
        {
            "locked": [name for name, is_mine in found if is_mine],
            "limited": [name for name, _ in found],
            "kinds": list(kinds),
            "most": most,
            "lease": lease,
            "worker": worker,
            "alone": alone,
        },
    )
    return [Claimed(*row) for row in rows]


async def suspect_is_due(connection: AsyncConnection, kinds: Collection[str]) -> bool:
    """Whether a job waits that has to run alone."""
    return bool(await connection.scalar(_SUSPECT_IS_DUE, {"kinds": list(kinds)}))


async def renew(
    connection: AsyncConnection, held: Sequence[tuple[JobId, int]], lease: dt.timedelta
) -> list[Held]:
    """Those of ``held`` (id, attempt) that are still held, their leases renewed."""
    ids, attempts = [job_id for job_id, _ in held], [attempt for _, attempt in held]
    rows = await connection.execute(_RENEW, {"ids": ids, "attempts": attempts, "lease": lease})
    return [Held(*row) for row in rows]


async def progress(
    connection: AsyncConnection, job: Claimed, said: dict[str, Any], lease: dt.timedelta
) -> Held | None:
    """The job with its progress written and its lease renewed; None where it is not held."""
    found = await connection.execute(
        _PROGRESS, {"id": job.id, "attempt": job.attempt, "progress": said, "lease": lease}
    )
    row = found.first()
    return None if row is None else Held(*row)


async def complete(session: Session, job: Claimed, result: dict[str, Any] | None) -> bool:
    """Whether the job is done once ``session`` commits: it is still held and nobody cancelled."""
    done = await session.execute(
        _COMPLETE, {"id": job.id, "attempt": job.attempt, "result": result}
    )
    return done.first() is not None


async def fail(
    connection: AsyncConnection, job: Claimed, error: str, backoff: Backoff, *, final: bool = False
) -> Settled | None:
    """What became of a failed job, waiting again or over; None where it was not held."""
    values = {"id": job.id, "attempt": job.attempt, "error": _storable(error), "final": final}
    row = (await connection.execute(_FAIL, {**values, **backoff._asdict()})).first()
    return None if row is None else Settled(*row)


async def reap(connection: AsyncConnection, backoff: Backoff, *, most: int = 200) -> list[Settled]:
    """The jobs whose lease has run out, waiting again or over."""
    values = {"most": most, "error": "its worker vanished: the lease ran out", "final": False}
    rows = await connection.execute(_REAP, {**values, **backoff._asdict()})
    return [Settled(*row) for row in rows]


async def release(connection: AsyncConnection, job: Claimed) -> None:
    """Give an unfinished job back; the attempt is not held against it."""
    await connection.execute(_RELEASE, {"id": job.id, "attempt": job.attempt})


async def fire(connection: AsyncConnection, kinds: Collection[str]) -> list[Job]:
    """The jobs that are due by the clock, each moved on to its next time."""
    rows = await connection.execute(_FIRE, {"kinds": list(kinds)})
    return [
        Job(kind=kind, queue=queue, payload=payload, key=f"cron {name}")
        for name, kind, queue, payload in rows
    ]


def _storable(error: str) -> str:
    return error.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST_ERROR]
