"""An event that was acknowledged survives a killed server, once, with the row it belongs to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import text
from tests.chains import event, organisation, transaction
from tests.clusters import migrated_files, reachable_directory

from matchmaker.core import db, events, transient
from matchmaker.core.events import Recorded, Verdict
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings

WRITERS = 8
KILLS = 2
LOAD_S = 1.2


class Ledger:
    """What the writers tried and what was acknowledged to them."""

    def __init__(self) -> None:
        self.tried: set[UUID] = set()
        self.acknowledged: dict[int, UUID] = {}

    async def write(self, url: str, stop: asyncio.Event) -> None:
        """Write until the server is gone or the time is over."""
        engine = db.create_engine(url, Settings(pool_size=WRITERS), acting=db.INSTALLATION)

        async def writer() -> None:
            while not stop.is_set():
                subject = uuid4()
                self.tried.add(subject)
                async with transaction(engine) as session:
                    session.add(organisation(subject))
                    position = await events.append(session, event(subject))
                self.acknowledged[position] = subject

        try:
            ended = await asyncio.gather(
                *(writer() for _ in range(WRITERS)), return_exceptions=True
            )
        finally:
            await engine.dispose()
        for each in ended:
            assert each is None or (isinstance(each, Exception) and transient.is_transient(each)), (
                each
            )


class Remains:
    """What is stored after the last restart."""

    def __init__(self, found: list[Recorded], rows: set[UUID], verdict: Verdict) -> None:
        self.found = found
        self.rows = rows
        self.verdict = verdict

    def lost(self, ledger: Ledger) -> int:
        """How many acknowledged events are not where they were said to be."""
        stored = {each.position: each.event.subject_id for each in self.found}
        return sum(stored.get(place) != one for place, one in ledger.acknowledged.items())


async def killed_under_load(place: Path, options: Mapping[str, str], ledger: Ledger) -> Remains:
    """What remains of the ledger when the server is killed in the middle, time and again."""
    migrated_files(place)
    for _ in range(KILLS):
        with Embedded(place, options).start() as server:
            stop = asyncio.Event()
            writing = asyncio.create_task(ledger.write(server.url("mm_app"), stop))
            await asyncio.sleep(LOAD_S)
            pid = json.loads((place / "postgres" / "server.json").read_text())["pid"]
            os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.2)
            stop.set()
            await writing
    with Embedded(place, options).start() as server:
        engine = db.create_engine(server.url("mm_app"), Settings(), acting=db.INSTALLATION)
        async with transaction(engine) as session:
            found = await events.after(session, 0, 1_000_000)
            rows = {row[0] for row in await session.execute(text("select id from mm.organisation"))}
            verdict = await events.verify(session)
        await engine.dispose()
    return Remains(found, rows, verdict)


async def test_every_acknowledged_event_is_there_once() -> None:
    ledger = Ledger()
    with reachable_directory() as place:
        remains = await killed_under_load(place, {}, ledger)
    subjects = [each.event.subject_id for each in remains.found]
    assert len(ledger.acknowledged) > 100
    assert remains.lost(ledger) == 0
    assert len(set(subjects)) == len(subjects)
    assert set(subjects) <= ledger.tried
    assert set(subjects) == remains.rows
    assert [each.position for each in remains.found] == list(range(1, len(subjects) + 1))
    assert remains.verdict.is_whole


async def test_a_server_that_does_not_wait_for_its_log_loses_some() -> None:
    """The control: what this test finds when commits are acknowledged before they are written."""
    ledger = Ledger()
    with reachable_directory() as place:
        lazy = {"synchronous_commit": "off", "wal_writer_delay": "10s"}
        remains = await killed_under_load(place, lazy, ledger)
    assert remains.lost(ledger) > 0
    assert {each.event.subject_id for each in remains.found} == remains.rows
    assert remains.verdict.is_whole
