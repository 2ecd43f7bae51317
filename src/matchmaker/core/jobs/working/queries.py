"""Every statement of workers; each is true under concurrency by itself.

The clock is the database's. Whoever runs a job writes with (id, attempt), so that of two workers
that believe they have it only the one that has it writes anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, Float, Interval, Text, TextClause, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from matchmaker.core.db import Session, statement
from matchmaker.core.jobs.handling import Job
from matchmaker.core.jobs.models import JobId, JobState

TRUSTED_LAPSES: Final = 1
"""A job whose worker vanished more often may be what ends them: it runs alone."""
FROM_THE_FRONT: Final = {"enable_sort": "off", "enable_bitmapscan": "off", "enable_seqscan": "off"}
"""How these statements are to be planned: along an index, from the oldest job on.

The planner's numbers are of a queue that was empty: of ten thousand jobs that came since it would
read and sort all to take eight.
"""
_LONGEST_ERROR: Final = 2_000

_TYPES: Final[Mapping[str, Any]] = {
    "id": Uuid(),
    "ids": ARRAY(Uuid()),
    "attempt": BigInteger(),
    "attempts": ARRAY(BigInteger()),
    "kinds": ARRAY(Text()),
    "limited": ARRAY(Text()),
    "locked": ARRAY(Text()),
    "worker": Text(),
    "error": Text(),
    "final": Boolean(),
    "alone": Boolean(),
    "progress": JSONB(none_as_null=True),
    "result": JSONB(none_as_null=True),
    "lease": Interval(),
    "most": BigInteger(),
    "trusted": BigInteger(),
    "base": Float(),
    "cap": Float(),
}


def _statement(sql: str) -> TextClause:
    return statement(sql, _TYPES)


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


_LIMITS = _statement("""
    with mine as (select name from mm.job_queue for update skip locked)
    select job_queue.name, mine.name is not null from mm.job_queue left join mine using (name)
""")

# The rooms are counted by a later statement than the one that locked the queues: its snapshot has
# every claim that was committed before the lock was ours.
_CLAIM = _statement("""
    with room as (
        select name, running_limit - (
            select count(*) from mm.job where job.queue = job_queue.name and state = 'running'
        ) as free
        from mm.job_queue where name = any(:locked)
    ), unlimited as (
        select id, run_at from mm.job
        where state = 'queued' and run_at <= now() and kind = any(:kinds)
            and queue <> all(:limited) and (lapses > :trusted) = :alone
        order by run_at, id limit :most for update skip locked
    ), limited as (
        select due.id, due.run_at from room cross join lateral (
            select id, run_at from mm.job
            where state = 'queued' and run_at <= now() and kind = any(:kinds)
                and queue = room.name and (lapses > :trusted) = :alone
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
""")

# Where nothing is due in a queue with a limit there is nothing to lock and to count: one statement,
# and it says itself that this holds.
_CLAIM_UNLIMITED = _statement("""
    with chosen as (
        select id from mm.job
        where state = 'queued' and run_at <= now() and kind = any(:kinds)
            and (lapses > :trusted) = :alone and not exists (
                select from mm.job_queue cross join lateral (
                    select from mm.job where state = 'queued' and run_at <= now()
                        and kind = any(:kinds) and queue = job_queue.name limit 1
                ) as held
            )
        order by run_at, id limit :most for update skip locked
    )
    update mm.job set state = 'running', attempt = attempt + 1, leased_until = now() + :lease,
        worker = :worker, revision = revision + 1
    from chosen where job.id = chosen.id
    returning job.id, attempt, kind, queue, payload, organisation_id
""")

# The number stands in the statement: that of the index is known when it is planned.
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

_AGAIN: Final = (
    "make_interval(secs => least(:cap, :base * power(2, least(attempt, 30) - 1))"
    " * (0.5 + random()))"
)

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
            **_asked(kinds, most, lease, worker, alone=alone),
        },
    )
    return [Claimed(*row) for row in rows]


async def claim_unlimited(
    connection: AsyncConnection,
    kinds: Collection[str],
    *,
    most: int,
    lease: dt.timedelta,
    worker: str,
    alone: bool = False,
) -> list[Claimed]:
    """What `claim` gives where nothing is due in a queue with a limit; else nothing."""
    rows = await connection.execute(
        _CLAIM_UNLIMITED, _asked(kinds, most, lease, worker, alone=alone)
    )
    return [Claimed(*row) for row in rows]


def _asked(
    kinds: Collection[str], most: int, lease: dt.timedelta, worker: str, *, alone: bool
) -> dict[str, Any]:
    return {
        "kinds": list(kinds),
        "most": most,
        "lease": lease,
        "worker": worker,
        "alone": alone,
        "trusted": TRUSTED_LAPSES,
    }


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
