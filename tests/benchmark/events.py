"""How many writes a second the chain of events lets through, sealed in two ways.

``python -m tests.benchmark.events [--clients 16] [--seconds 3] [--flush-ms 0]``: the last line is
one JSON object. A write is a transaction with one small domain row and one event, over the
product's engine, on an embedded server with its usual settings (fsync on). The ways, interleaved,
five times each:

locked
    the product: one call that takes the lock, numbers, chains and inserts, just before the commit
in_steps
    the same chain made by the client: lock, read the last, insert; three round trips under the lock
sealed_after
    the event is inserted as it is; one leader numbers and chains what was committed
no_event
    the domain row alone, for comparison

Before the ways, the time of one fdatasync. ``--flush-ms`` makes every flush of the log that much
slower (``commit_delay``; who waits meanwhile joins in), as on a slower disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from tests.clusters import reachable_directory

from matchmaker.core import db, events, migrate
from matchmaker.core.canonical import canonical, encode
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.events import ActorType, Event, EventActor
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings
from matchmaker.identity.models import Organisation

WANTED = 300.0
REPEATS = 5
SEAL_AT_MOST = 500
IDLE_S = 0.002

Write = Callable[[Session, Event], Awaitable[None]]

SETUP = (
    "create table mm.bench_step (position bigint primary key, body text, hash bytea)",
    "create table mm.bench_open (id bigint generated always as identity primary key, body text)",
    "grant select, insert, delete on mm.bench_step, mm.bench_open to mm_app",
)
LOCK = text("select pg_advisory_xact_lock(1)")
LAST = text("select position, hash from mm.bench_step order by position desc limit 1")
STEP = text("insert into mm.bench_step values (:position, :body, :hash)")
OPEN = text("insert into mm.bench_open (body) values (:body)")
SEAL = text(
    "with taken as (delete from mm.bench_open where id in"
    " (select id from mm.bench_open order by id limit :most) returning id, body)"
    " select mm.append_events(array_agg(body order by id)) from taken having count(*) > 0"
)


def organisation() -> Organisation:
    """A small domain row."""
    return Organisation(name={"zh": "示例企业", "en": "A firm"}, roles=["sme"], region="210200")


def event_of(row: Organisation) -> Event:
    """What is told of it."""
    actor = EventActor(type=ActorType.API_KEY, id=uuid4(), organisation_id=row.id)
    return Event(
        kind="organisation.created",
        subject_type="organisation",
        subject_id=UUID(str(row.id)),
        organisation_id=row.id,
        actor=actor,
        data={"state": "draft", "roles": ["sme"], "region": "210200", "revision": 1},
        request_id=str(uuid4()),
    )


async def locked(session: Session, event: Event) -> None:
    """The product's way."""
    _ = await events.append(session, event)


async def in_steps(session: Session, event: Event) -> None:
    """The chain made by the client."""
    await session.flush()
    await session.execute(LOCK)
    last = (await session.execute(LAST)).one_or_none()
    position, before = (0, bytes(32)) if last is None else last
    body = encode(canonical(event)).decode()
    sealed = hashlib.sha256(before + f"{position + 1}{body}".encode()).digest()
    await session.execute(STEP, {"position": position + 1, "body": body, "hash": sealed})


async def left_open(session: Session, event: Event) -> None:
    """Left to the leader."""
    await session.execute(OPEN, {"body": encode(canonical(event)).decode()})


async def no_event(_: Session, __: Event) -> None:
    """Nothing."""


WAYS: Mapping[str, Write] = {
    "locked": locked,
    "in_steps": in_steps,
    "sealed_after": left_open,
    "no_event": no_event,
}


async def lead(sessions: async_sessionmaker[AsyncSession], closing: asyncio.Event) -> None:
    """Seal what was committed until nothing is left and nothing more comes."""
    while True:
        last_round = closing.is_set()
        async with sessions.begin() as session:
            sealed = (await session.execute(SEAL, {"most": SEAL_AT_MOST})).one_or_none()
        if sealed is None:
            if last_round:
                return
            await asyncio.sleep(IDLE_S)


async def measure(engine: AsyncEngine, way: str, clients: int, seconds: float) -> list[float]:
    """How long each write took; all of them were sealed within ``seconds`` and a little more."""
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    until = time.perf_counter() + seconds
    took: list[float] = []

    async def client() -> None:
        while (started := time.perf_counter()) < until:
            row = organisation()
            async with sessions.begin() as session:
                session.add(row)
                await session.flush()
                await WAYS[way](Session(ReadSession(session)), event_of(row))
            took.append(time.perf_counter() - started)

    closing = asyncio.Event()
    leader = asyncio.create_task(lead(sessions, closing)) if way == "sealed_after" else None
    await asyncio.gather(*(client() for _ in range(clients)))
    closing.set()
    if leader:
        await leader
        # Writes that the leader had not sealed in time are not finished: their wait counts.
        late = (time.perf_counter() - until) / seconds
        return took[: round(len(took) / max(1.0, 1.0 + late))]
    return took


def flush_ms(place: Path) -> float:
    """Milliseconds of one fdatasync of one page, the median of 200."""
    took = []
    descriptor = os.open(place / "probe", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, bytes(1 << 24))
    os.fsync(descriptor)
    for page in range(200):
        os.pwrite(descriptor, b"1" * 8192, page * 8192)
        started = time.perf_counter()
        os.fdatasync(descriptor)
        took.append((time.perf_counter() - started) * 1000)
    os.close(descriptor)
    return round(statistics.median(took), 3)


async def compare(engine: AsyncEngine, clients: int, seconds: float) -> dict[str, list[float]]:
    """Writes a second of each way, each time."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for way in WAYS:
        _ = await measure(engine, way, clients, 0.5)
    for repeat in range(1, REPEATS + 1):
        for way, found in rates.items():
            took = sorted(await measure(engine, way, clients, seconds))
            found.append(round(len(took) / seconds, 1))
            p50, p99 = (1000 * took[int(len(took) * part)] for part in (0.5, 0.99))
            print(
                f"repeat {repeat} {way:12} {found[-1]:7.1f}/s  p50 {p50:.1f} ms  p99 {p99:.1f} ms"
                f"  load {os.getloadavg()[0]:.2f}",
                flush=True,
            )
    return rates


async def run(clients: int, seconds: float, slower_ms: float) -> bool:
    """The benchmark; whether the product's way reaches what is wanted."""
    options = {"commit_delay": str(round(slower_ms * 1000)), "commit_siblings": "0"}
    settings = Settings(pool_size=clients + 1)
    load = os.getloadavg()
    with reachable_directory() as place, Embedded(place, options if slower_ms else {}).start() as s:
        probe = flush_ms(place)
        print(f"fdatasync {probe} ms, load average {load[0]:.2f}", flush=True)
        migrate.upgrade(s.url("mm_owner"))
        owner = db.create_engine(s.url("mm_owner"), settings, role="mm_owner")
        async with owner.begin() as connection:
            for statement in SETUP:
                await connection.execute(text(statement))
        await owner.dispose()
        engine = db.create_engine(s.url("mm_app"), settings, acting=db.INSTALLATION)
        try:
            rates = await compare(engine, clients, seconds)
            async with AsyncSession(engine) as session:
                started = time.perf_counter()
                verdict = await events.verify(ReadSession(session))
                checked = verdict.head.position / (time.perf_counter() - started)
        finally:
            await engine.dispose()
    medians = {way: statistics.median(found) for way, found in rates.items()}
    reached = medians["locked"] >= WANTED and verdict.is_whole
    report = {
        "benchmark": "events",
        "clients": clients,
        "seconds": seconds,
        "fdatasync_ms": probe,
        "slower_flush_ms": slower_ms,
        "load_average": [round(load[0], 2), round(os.getloadavg()[0], 2)],
        "writes_per_second": rates,
        "median": medians,
        "events": verdict.head.position,
        "chain_is_whole": verdict.is_whole,
        "verified_per_second": round(checked),
        "wanted": WANTED,
        "reached": reached,
    }
    print(json.dumps(report))
    return reached


def main() -> int:
    """0 when the wanted rate was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--flush-ms", type=float, default=0.0)
    asked = parser.parse_args()
    return 0 if asyncio.run(run(asked.clients, asked.seconds, asked.flush_ms)) else 1


if __name__ == "__main__":
    sys.exit(main())
