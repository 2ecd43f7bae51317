"""One limit over two worker processes that come and go, with a control that must fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from tests.databases import own_database
from tests.fault.trial import ROOT, environment

from matchmaker.core.limits.settling import SHARE
from matchmaker.core.postgres import Server

QUOTA: Final = 100
WINDOW: Final = 1000
"""One request comes back every ten seconds."""


@dataclass
class Worker:
    process: Process
    address: str

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


async def start(url: str, *, apart: bool) -> Worker:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        program = ("-m", "uvicorn", "tests.fault.limits_program:served", "--factory")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program, "--fd", str(listening.fileno()), "--no-proxy-headers"),
            cwd=ROOT,
            env={
                **environment(),
                "DATABASE_URL": url,
                "MATCHMAKER_SECRET": "s" * 32,
                "MATCHMAKER_LIMITS": f"anonymous={QUOTA}/{WINDOW}",
                "MATCHMAKER_TRUSTED_PROXIES": "127.0.0.1",
                "LIMITS_APART": "yes" if apart else "",
            },
            pass_fds=[listening.fileno()],
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        return Worker(process, f"http://127.0.0.1:{listening.getsockname()[1]}")


def stranger() -> str:
    """The address of a client of whom nobody has heard."""
    return f"2001:db8:{uuid4().hex[:4]}::1"


@dataclass
class Workers:
    """Two workers on one database, and a client that asks one after the other."""

    url: str
    apart: bool
    two: list[Worker]
    api: httpx.AsyncClient
    client: str = field(default_factory=stranger)

    async def ask(self, count: int, *, at_once: int = 8) -> Counter[int]:
        """How often each status was answered to so many requests of one client."""
        met: Counter[int] = Counter()
        room = asyncio.Semaphore(at_once)

        async def one(number: int) -> None:
            async with room:
                address = self.two[number % 2].address
                headers = {"X-Forwarded-For": self.client}
                answer = await self.api.get(f"{address}/v1/ping", headers=headers)
                met[answer.status_code] += 1

        await asyncio.gather(*map(one, range(count)))
        return met

    async def replace(self) -> None:
        """Kill one worker and have another in its place."""
        await self.two[0].kill()
        self.two[0] = await start(self.url, apart=self.apart)
        await self.ready()

    async def ready(self) -> None:
        for worker in self.two:
            assert (await self.api.get(f"{worker.address}/livez")).is_success


@contextlib.asynccontextmanager
async def workers(server: Server, *, apart: bool = False) -> AsyncIterator[Workers]:
    with own_database(server) as url:
        two = [await start(url, apart=apart) for _ in range(2)]
        async with httpx.AsyncClient(timeout=60) as api:
            made = Workers(url, apart, two, api)
            try:
                await made.ready()
                yield made
            finally:
                for worker in made.two:
                    await worker.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(server: Server) -> AsyncIterator[Workers]:
    async with workers(server) as made:
        yield made


@pytest.fixture
def made(two: Workers) -> Workers:
    """The two workers, and a client that has asked nothing yet."""
    two.client = stranger()
    return two


@pytest.mark.parametrize(
    "at_once", [8, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 64))]
)
async def test_two_workers_let_through_what_one_would(made: Workers, at_once: int) -> None:
    started = time.monotonic()
    met = await made.ask(500, at_once=at_once)
    back = (time.monotonic() - started) * QUOTA / WINDOW + 1
    assert met.keys() == {200, 429}
    # What one worker had let through when the other had not yet heard of it, and no more.
    over = QUOTA / SHARE + 1
    assert QUOTA <= met[200] <= QUOTA + over + back, met
    await asyncio.sleep(1.0)
    # That comes off what follows: nobody gets more than has come back meanwhile.
    later = await made.ask(100, at_once=at_once)
    back = (time.monotonic() - started) * QUOTA / WINDOW + 1
    assert QUOTA <= met[200] + later[200] <= QUOTA + over + back, (met, later)
    made.client = made.client.replace("2001:db8", "2001:db9")
    assert await made.ask(50) == {200: 50}, "another caller has a limit of its own"


async def test_a_worker_that_is_killed_gives_nothing_back(made: Workers) -> None:
    started = time.monotonic()
    first = await made.ask(60)
    await asyncio.sleep(1.0)
    await made.replace()
    second = await made.ask(200)
    await asyncio.sleep(1.0)
    await made.replace()
    await made.replace()
    third = await made.ask(100)
    back = (time.monotonic() - started) * QUOTA / WINDOW + 1
    assert first[200] == 60
    total = first[200] + second[200] + third[200]
    # Each that is new lets a share through before it hears of the others.
    assert QUOTA <= total <= QUOTA + 4 * (QUOTA / SHARE + 1) + back, (first, second, third)


async def test_control_each_worker_by_itself_lets_twice_as_much_through(server: Server) -> None:
    async with workers(server, apart=True) as made:
        met = await made.ask(500)
        assert met[200] >= 2 * QUOTA
