"""What the second wall costs a keyed read: with it, without it, and with a trip of its own.

The three take turns, so that what else the machine does falls on all of them alike:

    python -m tests.benchmark.walls [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import migrated_server, reachable_directory
from tests.databases import unwalled
from tests.identities import holder

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.issuing import queries
from matchmaker.identity.models import OrganisationId

ROUNDS: Final = 2_000
KEYS: Final = 200
"""Organisations with a key, among which one reads its own."""


async def measure(server: Server, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """By way of reading the seconds that each read took, by the clock and of this process."""
    url, settings = server.url("mm_app"), Settings(pool_size=1, pool_overflow=0)
    writing = db.create_engine(url, settings, acting=db.INSTALLATION)
    first = await holder(writing)
    for _ in range(KEYS):
        await holder(writing)
    engines = {
        "without": unwalled(server, settings),
        "with": db.create_engine(url, settings),
        "a trip of its own": db.create_engine(url, settings),
    }
    acting = {"without": None, "with": first.organisation_id, "a trip of its own": None}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for turn in range(rounds + 100):
        for name, engine in engines.items():
            told = first.organisation_id if name == "a trip of its own" else None
            began, used = time.perf_counter(), time.process_time()
            await read(engine, acting[name], first.organisation_id, told)
            if turn >= 100:
                took[name].append((time.perf_counter() - began, time.process_time() - used))
    for engine in (writing, *engines.values()):
        await engine.dispose()
    return took


async def read(
    engine: AsyncEngine, acting: UUID | None, own: OrganisationId, told: UUID | None
) -> None:
    """The keys of the organisation, in a transaction like that of a request."""
    async with db.begun(db.read_only(engine), acting) as session:
        if told is not None:
            await session.execute(select(func.set_config(db.ACTING, str(told), text("true"))))
        found = await queries.list_keys(db.ReadSession(session), own, after=None, limit=20)
        assert len(found) == 1


def main() -> None:
    """Print the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with reachable_directory() as place, migrated_server(place) as server:
        took = asyncio.run(measure(server, rounds))
    for name, each in took.items():
        clock, used = (sorted(column) for column in zip(*each, strict=True))
        half, last = len(each) // 2, len(each) * 99 // 100
        print(
            f"{name:>18}: p50 {clock[half] * 1e3:.3f} ms, p99 {clock[last] * 1e3:.3f} ms,"
            f" CPU p50 {used[half] * 1e3:.3f} ms"
        )


if __name__ == "__main__":
    main()
