"""Many jobs, worker processes that are killed, and the count of what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
from sqlalchemy import make_url

from matchmaker.core.ids import uuid7
from matchmaker.core.postgres import Server

ROOT = Path(__file__).parents[2]
OPEN = "state in ('queued', 'running')"
PREPARE = """
    drop schema if exists trial cascade;
    create schema trial;
    grant usage on schema trial to mm_app;
    create table trial.effect (n bigint not null);
    grant select, insert on trial.effect to mm_app;
    truncate mm.job, mm.job_queue, mm.job_cron;
"""
ADD = """
    insert into mm.job (id, kind, queue, payload, state, attempt, max_attempts, lapses, revision)
    select id, $2, $3, payload::jsonb, 'queued', 0, $5, 0, 1
    from unnest($1::uuid[], $4::text[]) as new (id, payload)
"""


@dataclass
class Outcome:
    """What came of a trial."""

    jobs: int
    kills: int
    seconds: float
    once: int
    missing: int
    doubled: int
    stuck: int

    @property
    def rate(self) -> float:
        return self.jobs / self.seconds

    @property
    def is_exact(self) -> bool:
        return (self.once, self.missing, self.doubled, self.stuck) == (self.jobs, 0, 0, 0)


def environment() -> dict[str, str]:
    """Where a worker process finds its program."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


@dataclass(eq=False)
class Worker:
    """A process that works in a fork of its own, and in another one when that is killed."""

    process: Process
    pid: int = 0
    """Of the fork."""

    async def begun(self) -> None:
        """Wait until the next fork says that it is there."""
        assert self.process.stdout is not None
        self.pid = int(await asyncio.wait_for(self.process.stdout.readline(), 30))

    def send(self, how: signal.Signals) -> None:
        """Send the fork a signal."""
        os.kill(self.pid, how)


@dataclass
class Trial:
    """A database with an empty ledger of effects, and the processes that work on it."""

    server: Server
    owner: asyncpg.Connection
    workers: list[Worker] = field(default_factory=list)

    async def add(
        self,
        payloads: Sequence[dict[str, Any]],
        *,
        kind: str = "effect",
        queue: str = "default",
        max_attempts: int = 8,
    ) -> None:
        ids = [uuid7() for _ in payloads]
        await self.owner.execute(
            ADD, ids, kind, queue, [json.dumps(p) for p in payloads], max_attempts
        )

    def command(self, *options: str) -> list[str]:
        """A worker process."""
        program = [sys.executable, "-m", "tests.fault.jobs_program"]
        return [*program, self.server.url("mm_app"), *options]

    async def start(self, *options: str) -> Worker:
        """A worker process that has begun."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*options), cwd=ROOT, env=environment(), stdout=PIPE, stderr=DEVNULL
        )
        worker = Worker(process)
        self.workers.append(worker)
        await worker.begun()
        return worker

    async def end(self, worker: Worker) -> None:
        """Kill a worker for good, fork and all."""
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
            worker.send(signal.SIGKILL)
        await worker.process.wait()
        self.workers.remove(worker)

    async def count(self, where: str) -> int:
        return int(await self.owner.fetchval(f"select count(*) from mm.job where {where}"))  # noqa: S608

    async def wait_for(self, where: str, number: int = 0, *, seconds: float = 60.0) -> None:
        """Until so many jobs are in a state."""
        async with asyncio.timeout(seconds):
            while await self.count(where) != number:  # noqa: ASYNC110  (another process's state)
                await asyncio.sleep(0.1)

    async def outcome(self, jobs: int, kills: int, seconds: float) -> Outcome:
        rows = await self.owner.fetch("select n, count(*) as times from trial.effect group by n")
        once = sum(row["times"] == 1 for row in rows)
        stuck = await self.count("state <> 'done'")
        return Outcome(jobs, kills, seconds, once, jobs - len(rows), len(rows) - once, stuck)

    async def kills(
        self, jobs: int, kills: int, *options: str, workers: int = 3, seed: int = 1
    ) -> Outcome:
        """The outcome of ``jobs`` while ``kills`` workers, one after another, are killed -9."""
        draw = random.Random(seed)  # noqa: S311  (the same trial every time)
        await self.add([{"n": n} for n in range(jobs)])
        started = perf_counter()
        await asyncio.gather(*(self.start(*options) for _ in range(workers)))
        for kill in range(kills):
            # Evenly over the work, each in the middle of something.
            left = jobs - (kill + 0.5) * jobs / kills
            while await self.count(OPEN) > left:  # noqa: ASYNC110  (another process's state)
                await asyncio.sleep(0.1)
            await asyncio.sleep(draw.random() * 0.05)
            worker = self.workers[kill % workers]
            worker.send(signal.SIGKILL)
            await worker.begun()
        await self.wait_for(OPEN, seconds=120)
        return await self.outcome(jobs, kills, perf_counter() - started)


async def connect(server: Server) -> asyncpg.Connection:
    """A connection of whoever owns the tables."""
    login = make_url(server.url("mm_owner"))
    return await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=login.username,
        password=login.password,
        database=login.database,
    )


@contextlib.asynccontextmanager
async def trial(server: Server) -> AsyncIterator[Trial]:
    """A trial on ``server``; its processes end with it."""
    owner = await connect(server)
    await owner.execute(PREPARE)
    made = Trial(server, owner)
    try:
        yield made
    finally:
        for worker in list(made.workers):
            await made.end(worker)
        with contextlib.suppress(asyncpg.PostgresError, OSError):
            await made.owner.execute(
                "drop schema trial cascade; truncate mm.job, mm.job_queue, mm.job_cron"
            )
        await made.owner.close()
