"""How soon every worker matches what was just published, with notifications and without.

``python -m tests.benchmark.fresh [--offerings 100000] [--publishes 50]``: `matchmaker serve` with
two workers, twice on one database, the second behind a connection on which no notification
arrives. Each publish imports one offering; both workers of both are asked until they know it.
One comes before those that are counted: a publisher that has just begun reads everything first.
Before that the index of everything is built from the database alone, as `matchmaker index` does,
four times, each into a folder of its own: the first codes every version and keeps the blocks, the
others find those (docs/adr/0052); the middle of these is judged, the first is told beside it.
The last line is one JSON object.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.benchmark import synthetic
from tests.benchmark.deaf import Deaf
from tests.benchmark.measuring import Bound, conclude, load, percentile, sizes
from tests.benchmark.serving import MATCH
from tests.clusters import reachable_directory
from tests.e2e.test_serve import (
    Service,
    end,
    environment,
    free_port,
    wait_until_ready,
    worker_of,
)
from tests.exchange import jsonl_of

from matchmaker.catalog.importing import import_file
from matchmaker.catalog.models import Offering
from matchmaker.cli import pool
from matchmaker.cli.processes import PUBLISH_EVERY
from matchmaker.cli.session import Database
from matchmaker.core import db, migrate
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings

WORKERS: Final = 2
BUILT: Final = Bound(at_most=5.0)
NOTIFIED: Final = Bound(at_most=1.0)
DEAF: Final = Bound(at_most=PUBLISH_EVERY + 1.0)
PAUSE_S: Final = 0.01
LOST_S: Final = 60.0
"""Seconds after which a publish counts as never seen."""
_TRIES: Final = 200
_BUILDS: Final = 3
_NOTHING_SURVIVES: Final = {
    "all": [
        {"field": "package.price", "op": "exists"},
        {"field": "package.price", "op": "lte", "value": 1},
    ]
}
"""Whether an offering is considered is all that is asked; ranking it would only cost time."""


@dataclass(frozen=True)
class Worker:
    """A connection that one worker holds."""

    client: httpx.AsyncClient

    async def knows(self, offering_id: str) -> bool:
        """Whether it considers the offering."""
        need = {"kind": "solution", "must": _NOTHING_SURVIVES}
        asked = {"need": need, "offering_id": offering_id}
        answer = await self.client.post(f"{MATCH}/explain", json=asked)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        answer.raise_for_status()
        return True

    async def seen_after(self, offering_id: str, started: float) -> float:
        """Seconds from ``started`` until it considers the offering."""
        while not await self.knows(offering_id):
            if time.perf_counter() - started > LOST_S:
                return LOST_S
            await asyncio.sleep(PAUSE_S)
        return time.perf_counter() - started


@contextlib.asynccontextmanager
async def workers(directory: Path, url: str) -> AsyncIterator[list[Worker]]:
    """A connection to each worker of `matchmaker serve` on ``url``."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "matchmaker", "serve", "--port", str(port)]
    with (directory / "serve.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - a server, not a step
            [*command, "--workers", str(WORKERS)],
            env={**environment(directory), "DATABASE_URL": url, "MATCHMAKER_LIMITS": "off"},
            stdout=log,
            stderr=log,
        )
    try:
        await asyncio.to_thread(wait_until_ready, address, process)
        async with contextlib.AsyncExitStack() as held:
            yield await _one_each(Service(address, directory, process), held)
    finally:
        await asyncio.to_thread(end, process)


async def _one_each(service: Service, held: contextlib.AsyncExitStack) -> list[Worker]:
    found: dict[int, Worker] = {}
    for _ in range(_TRIES):
        client = httpx.AsyncClient(base_url=service.url, timeout=60)
        await held.enter_async_context(client)
        answer = await client.get("/livez")
        found.setdefault(worker_of(answer, service), Worker(client))
        if len(found) == WORKERS:
            return list(found.values())
    raise RuntimeError("one worker takes every connection")


async def imported(engine: AsyncEngine, lines: Iterable[dict[str, Any]]) -> None:
    """The lines, published and committed."""
    released = synthetic.released()
    async with AsyncSession(engine) as made, made.begin():
        report = await import_file(
            Session(ReadSession(made)),
            io.BytesIO(jsonl_of(*lines)),
            released.taxonomy,
            released.words.tokenizer,
            text_version=released.words.version,
        )
        assert report.is_written, report.faults[:3]


def lines_of(rows: range) -> list[dict[str, Any]]:
    """Offerings of the pool with their providers."""
    offerings = [synthetic.offering_line(row) for row in rows]
    return [*synthetic.provider_lines(offerings), *offerings]


async def publish(
    engine: AsyncEngine, row: int, systems: dict[str, list[Worker]]
) -> dict[str, float]:
    """Seconds until all workers of each system know the offering, from the commit on."""
    await imported(engine, lines_of(range(row, row + 1)))
    committed = time.perf_counter()
    async with AsyncSession(engine) as session:
        code = f"S{row:07d}"
        found = await session.scalar(select(Offering.id).where(Offering.external_id == code))
    every = [(name, worker) for name, of_system in systems.items() for worker in of_system]
    took = await asyncio.gather(*(worker.seen_after(str(found), committed) for _, worker in every))
    return {
        name: max(s for (of, _), s in zip(every, took, strict=True) if of == name)
        for name in systems
    }


async def built(directory: Path, url: str) -> tuple[float, float]:
    """Seconds that the index of everything takes, from the database to the folder; on a processor.

    By a publisher that has just begun.
    """
    running = Database(url, Settings(data=str(directory)))
    started, used = time.perf_counter(), time.process_time()
    await pool.publish_index(running, synthetic.released())
    return time.perf_counter() - started, time.process_time() - used


async def measure(
    place: Path, server_url: str, offerings: int, publishes: int
) -> tuple[dict[str, list[float]], int, dict[str, float]]:
    """Seconds of each publish in each system, notifications dropped; of import and build."""
    patient = Settings(command_timeout=600, statement_timeout=600, idle_in_transaction_timeout=600)
    engine = db.create_engine(server_url, patient, acting=db.INSTALLATION)
    port = urlsplit(server_url).port
    assert port is not None
    deaf, took = Deaf(port), dict[str, list[float]](notified=[], deaf=[])
    try:
        started = time.perf_counter()
        await imported(engine, lines_of(range(offerings)))
        once = {"import": time.perf_counter() - started}
        once["first build"], once["first build, cpu"] = await built(place / "first", server_url)
        again = [await built(place / f"built{n}", server_url) for n in range(_BUILDS)]
        once["build"], once["build, cpu"] = sorted(again)[_BUILDS // 2]
        print(f"{offerings} offerings: {once}", flush=True)
        async with deaf.open(), contextlib.AsyncExitStack() as running:
            urls = {
                "notified": server_url,
                "deaf": server_url.replace(f":{port}/", f":{deaf.port}/"),
            }
            systems = {
                name: await running.enter_async_context(workers(_directory(place / name), url))
                for name, url in urls.items()
            }
            first = await publish(engine, offerings, systems)
            once |= {f"first publish, {name}": seconds for name, seconds in first.items()}
            for row in range(offerings + 1, offerings + 1 + publishes):
                found = await publish(engine, row, systems)
                for name, seconds in found.items():
                    took[name].append(round(seconds, 3))
                print(f"publish {row - offerings:3} {found}  load {load():.2f}", flush=True)
    finally:
        await engine.dispose()
    return took, deaf.dropped, once


def _directory(path: Path) -> Path:
    path.mkdir()
    return path


def run(offerings: int, publishes: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    with reachable_directory() as place, Embedded(place).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        took, dropped, once = asyncio.run(
            measure(place, server.url("mm_app"), offerings, publishes)
        )
    return conclude(
        "fresh",
        {
            "build_s": (once["build"], BUILT),
            "p99_s": (percentile(took["notified"], 0.99), NOTIFIED),
            "p99_s_without_notifications": (percentile(took["deaf"], 0.99), DEAF),
            "notifications_dropped": (dropped, Bound(at_least=1)),
        },
        {
            "offerings": offerings,
            "publishes": publishes,
            "workers": WORKERS,
            "poll_s": PUBLISH_EVERY,
            "once_s": {name: round(seconds, 1) for name, seconds in once.items()},
            "p50_s": {name: percentile(each, 0.5) for name, each in took.items()},
            "seconds": took,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, publishes=50)
    return run(asked.offerings, asked.publishes)


if __name__ == "__main__":
    sys.exit(main())
