"""Takes due jobs and does them, for as long as it is let."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import random
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs.handling import Context, Cron, GiveUp, Handler, Stopped
from matchmaker.core.jobs.queries import enqueue, schedule
from matchmaker.core.jobs.working import queries
from matchmaker.core.jobs.working.queries import Backoff, Claimed
from matchmaker.core.jobs.working.watch import Hold, Watch
from matchmaker.core.transient import is_transient

if TYPE_CHECKING:
    from matchmaker.core.jobs.models import JobId
    from matchmaker.core.settings import Settings

T = TypeVar("T")

_LONG_STATEMENT: Final = 600.0
"""Seconds one statement of a handler may take."""
_PROGRESS_EVERY: Final = 0.5
_WRITE_AGAIN: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses before the end of a job is written down once more; after that its lease runs out."""

log = structlog.get_logger("matchmaker.jobs")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a worker works."""

    concurrency: int = 4
    lease: dt.timedelta = dt.timedelta(seconds=30)
    poll: float = 1.0
    """Seconds until it looks for work that nobody told it of."""
    grace: float = 10.0
    """Seconds that running jobs are given to end when it is stopped."""
    time_limit: float = 3600.0
    """Seconds a job may take."""
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True, eq=False)
class _Running:
    """A job in hand."""

    job: Claimed
    task: asyncio.Task[None] | None = None
    is_gone: bool = False
    """Cancelled, or another's."""
    is_released: bool = False
    """To be given back: the worker stops."""
    told_at: float = float("-inf")


class Worker:
    """Does the jobs whose kinds have a handler; ``crons`` are put on the clock when it starts.

    Of each job, the effect and the completion are one transaction, the handler's. Everything else
    is written on other connections.
    """

    def __init__(
        self,
        url: str,
        settings: Settings,
        handlers: Mapping[str, Handler],
        *,
        crons: Sequence[Cron] = (),
        options: Options | None = None,
    ) -> None:
        """Note what to do; nothing is connected before ``run``."""
        self._options = options or Options()
        self._handlers = handlers
        self._crons = list(crons)
        self._name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
        lease = self._options.lease.total_seconds()
        patient = msgspec.structs.replace(
            settings,
            pool_size=self._options.concurrency,
            pool_overflow=0,
            statement_timeout=_LONG_STATEMENT - 1,
            command_timeout=_LONG_STATEMENT,
            # A frozen worker keeps no lock for much longer than its lease.
            idle_in_transaction_timeout=lease,
        )
        self._work = db.create_engine(url, patient, acting=db.INSTALLATION)
        few = msgspec.structs.replace(settings, pool_size=2, pool_overflow=2)
        self._control = db.create_engine(
            url, few, acting=db.INSTALLATION, planning=queries.FROM_THE_FRONT
        )
        self._sessions = async_sessionmaker(self._work, expire_on_commit=False)
        self._chores_of = async_sessionmaker(self._control, expire_on_commit=False)
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._watch = Watch(url, settings, self._options.lease, self._woken.set)
        self._running: dict[JobId, _Running] = {}
        self._chores_at = 0.0
        self._suspect_waits = False

    def stop(self) -> None:
        """Take no further job; `run` returns when those in hand are over or given back."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """Work until `stop`; no failure ends it."""
        self._watch.start()
        log.info("jobs.worker_started", worker=self._name, kinds=sorted(self._handlers))
        try:
            while not self._stopping.is_set():
                try:
                    more = await self._round()
                except Exception as failure:  # noqa: BLE001  (whatever it was, it must go on)
                    log.warning("jobs.round_failed", failure=type(failure).__name__)
                    more = False
                if not more:
                    await self._wait(self._options.poll * random.uniform(0.8, 1.2))  # noqa: S311
            await self._finish()
        finally:
            await self._watch.stop()
            await self._work.dispose()
            await self._control.dispose()
            log.info("jobs.worker_stopped", worker=self._name)

    async def _wait(self, seconds: float) -> None:
        # Not `wait_for`: where the wait is over already, it forgets that it was cancelled.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _round(self) -> bool:
        """Take what there is; whether to look again at once."""
        self._woken.clear()
        if monotonic() >= self._chores_at:
            await self._chores()
            self._chores_at = monotonic() + self._options.poll
        free = self._options.concurrency - len(self._running)
        if self._suspect_waits:
            # A job that may end its process ends no other with it.
            if self._running:
                return False
            self._suspect_waits = await self._claim(1, alone=True) > 0
            return not self._suspect_waits
        return free > 0 and await self._claim(free) == free

    async def _claim(self, most: int, *, alone: bool = False) -> int:
        claimed: list[Claimed] = []
        for claim in (queries.claim_unlimited, queries.claim):
            async with self._control.begin() as connection:
                claimed = await claim(
                    connection,
                    self._handlers,
                    most=most,
                    lease=self._options.lease,
                    worker=self._name,
                    alone=alone,
                )
            if claimed:
                break
        for job in claimed:
            self._start(job)
        return len(claimed)

    async def _chores(self) -> None:
        """Take back what was lost, add what the clock says, look for suspects."""
        async with self._chores_of.begin() as made:
            session = Session(ReadSession(made))
            for cron in self._crons:
                await schedule(session, cron)
            connection = await session.connection()
            reaped = await queries.reap(connection, self._options.backoff)
            for job in await queries.fire(connection, self._handlers):
                await enqueue(session, job)
            suspect = await queries.suspect_is_due(connection, self._handlers)
        self._crons.clear()
        self._suspect_waits = self._suspect_waits or suspect
        for settled in reaped:
            log.warning("jobs.lease_lapsed", job=str(settled.id), state=settled.state)

    def _start(self, job: Claimed) -> None:
        running = _Running(job)
        self._running[job.id] = running
        self._watch.hold(job.id, Hold(job.attempt, lambda _: self._gone(running)))
        running.task = asyncio.create_task(self._do(running))
        running.task.add_done_callback(lambda _: self._over(running))

    def _gone(self, running: _Running) -> None:
        """Stop a job that is cancelled or another's; one that is being completed is fenced."""
        if self._running.get(running.job.id) is running and running.task is not None:
            running.is_gone = True
            self._watch.let_go(running.job.id)
            running.task.cancel()

    def _over(self, running: _Running) -> None:
        self._watch.let_go(running.job.id)
        self._running.pop(running.job.id, None)
        self._woken.set()

    async def _do(self, running: _Running) -> None:
        """The job done and committed, or what became of it written down."""
        job = running.job
        try:
            await self._effect(running)
        except (Stopped, asyncio.CancelledError):
            if running.is_released:
                await self._write_down(lambda c: queries.release(c, job))
            else:
                # Says cancelled where that was asked for; where the lease was lost, nothing.
                await self._fail(job, "stopped")
        except GiveUp as failure:
            await self._fail(job, str(failure), final=True)
        except Exception as failure:
            log.warning(
                "jobs.failed",
                job=str(job.id),
                kind=job.kind,
                attempt=job.attempt,
                exc_info=None if is_transient(failure) else failure,
            )
            await self._fail(job, f"{type(failure).__name__}: {failure}")

    async def _effect(self, running: _Running) -> None:
        """What the handler does, and the completion with it.

        Raises:
            Stopped: the job is not ours to complete; everything is rolled back.
        """
        job = running.job
        acting = job.organisation_id or db.INSTALLATION
        async with db.begun(self._sessions, acting) as made:
            session = Session(ReadSession(made))

            async def tell(done: int, total: int | None, note: str | None) -> None:
                await self._progress(running, {"done": done, "total": total, "note": note})

            context = Context(
                session=session,
                job_id=job.id,
                kind=job.kind,
                attempt=job.attempt,
                organisation_id=job.organisation_id,
                tell=tell,
            )
            async with asyncio.timeout(self._options.time_limit):
                result = await self._handlers[job.kind](context, job.payload)
                await session.flush()
            self._watch.let_go(job.id)
            if not await queries.complete(session, job, result):
                raise Stopped

    async def _progress(self, running: _Running, said: dict[str, Any]) -> None:
        if running.is_gone:
            raise Stopped
        if monotonic() < running.told_at + _PROGRESS_EVERY and said["done"] != said["total"]:
            return
        running.told_at = monotonic()
        async with self._control.begin() as connection:
            held = await queries.progress(connection, running.job, said, self._options.lease)
        if held is None or held.is_cancelled:
            raise Stopped

    async def _fail(self, job: Claimed, error: str, *, final: bool = False) -> None:
        settled = await self._write_down(
            lambda c: queries.fail(c, job, error, self._options.backoff, final=final)
        )
        if settled is not None:
            log.info("jobs.settled", job=str(job.id), kind=job.kind, state=settled.state)

    async def _write_down(self, write: Callable[[AsyncConnection], Awaitable[T]]) -> T | None:
        """What ``write`` says; None when the database stayed away: the lease will run out."""
        for pause in (*_WRITE_AGAIN, None):
            try:
                async with self._control.begin() as connection:
                    return await write(connection)
            except Exception as failure:  # noqa: BLE001  (whatever it was, it must go on)
                log.warning("jobs.write_failed", failure=type(failure).__name__)
                if pause is None:
                    break
                await asyncio.sleep(pause)
        return None

    async def _finish(self) -> None:
        """Let the jobs in hand end, and give back those that do not."""
        tasks = [running.task for running in self._running.values() if running.task]
        if not tasks:
            return
        _, slow = await asyncio.wait(tasks, timeout=self._options.grace)
        for running in list(self._running.values()):
            if running.task in slow:
                running.is_released = True
                running.task.cancel()
        if slow:
            await asyncio.wait(slow, timeout=sum(_WRITE_AGAIN))
