"""Replays receipts in a process of its own, of which only the database and the newest release come.

Arguments: the URL of the database, a data directory, the seeds of the release, a file of receipts.
The last line of what it prints counts them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core.canonical import canonical, digest
from matchmaker.core.settings import Settings
from matchmaker.matching import queries, replays, schemas
from matchmaker.matching.archive import Archive
from matchmaker.matching.library import Library
from matchmaker.matching.models import RunId
from matchmaker.matching.query import Caller
from matchmaker.matching.run import moment_of
from matchmaker.released import Released


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given: what was asked and its receipt, or where both are stored."""

    asked: schemas.MatchInput | None = None
    receipt: schemas.Receipt | None = None
    run_id: RunId | None = None


async def replayed(line: Line, library: Library, running: Database) -> schemas.Replay | None:
    if line.run_id is not None:
        async with running.transaction() as session:
            found = await queries.find_run(session, line.run_id)
        assert found is not None
        return await replays.replay_stored(library, found)
    assert line.asked is not None
    assert line.receipt is not None
    return await replays.replay(library, line.asked, line.receipt)


def differs_today(line: Line, library: Library) -> bool:
    """The control: whether the same question has other items on the index of today."""
    if line.asked is None or line.receipt is None:
        return False
    caller, as_of = Caller.of(line.receipt.caller), moment_of(line.receipt.as_of)
    today, _ = library.matcher.run(line.asked, caller, as_of=as_of)
    return f"sha256:{digest({**today.body, 'versions': canonical(line.receipt.versions)})}" != (
        line.receipt.digest
    )


async def main(url: str, data: str, seeds: str, file: str) -> dict[str, int]:
    running, released = Database(url, Settings(data=data)), Released(Path(seeds))
    await pool.publish_index(running, released)
    library = Library(
        released.matcher(running.settings.index_folder), Archive(running.settings.index_folder)
    )
    counts = {"reproduced": 0, "differ": 0, "rebuilt": 0, "other_today": 0}
    for number, raw in enumerate(Path(file).read_bytes().splitlines()):
        line = msgspec.json.decode(raw, type=Line)
        found = await replayed(line, library, running)
        while found is None:
            counts["rebuilt"] += await pool.rebuild_wanted(running, released)
            found = await replayed(line, library, running)
        if number % 5 == 1:
            counts["other_today"] += differs_today(line, library)
        counts["reproduced" if found.reproduced else "differ"] += 1
    return counts


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))  # noqa: T201
