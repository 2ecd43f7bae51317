"""`matchmaker migrate`, `seed`, `index`: what fills the pool and publishes it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from time import monotonic
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from matchmaker.catalog.importing import ImportReport, import_file
from matchmaker.cli import firms, session
from matchmaker.cli.ending import until_end
from matchmaker.core import db, events, shipped
from matchmaker.core.leading import Leadership
from matchmaker.core.listening import listen
from matchmaker.core.transient import is_transient
from matchmaker.identity.service import Outcome
from matchmaker.matching.archive import Archive
from matchmaker.matching.index import folder_id
from matchmaker.matching.learned import service as models
from matchmaker.matching.learned.shelf import Shelf
from matchmaker.matching.publisher import Publisher, keep, rebuild

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matchmaker.cli.session import Begin, Database
    from matchmaker.core.db import ReadSession
    from matchmaker.ranking.index import Index
    from matchmaker.released import Released

_LISTED = 50
_LOOK_AGAIN = 0.5
"""Seconds between looks at what is wanted of the past: no event tells of it."""


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with session.database(session.settings(), migrates=True):
        click.echo("the schema is the newest")


@click.command()
def seed() -> None:
    """Load the demo pool, its firms and their needs, and publish the index."""
    released = session.released()
    with session.database(session.settings()) as running:
        reports = asyncio.run(import_all(running, released, demo_files()))
        stored = asyncio.run(firms.store_all(running, released))
        asyncio.run(ensure_index(running, released))
    sys.exit(_tell(reports, stored))


@click.command()
@click.option(
    "--watch",
    type=click.FloatRange(min=1.0),
    metavar="SECONDS",
    help="Stay, and publish again when offerings have changed; looks this often.",
)
def index(watch: float | None) -> None:
    """Publish the index of everything published now."""
    released = session.released()
    with session.database(session.settings()) as running:
        if watch is None:
            _tell_index(asyncio.run(publish_index(running, released)))
        else:
            asyncio.run(until_end(republish(running, released, watch)))


async def republish(running: Database, released: Released, seconds: float) -> None:
    """Publish whenever offerings have changed, and rebuild what is wanted of the past.

    An event is heard at once; every so many ``seconds`` it is looked anyway. A database that is
    away is tried again. Of several processes that publish into one folder, one does.
    """
    leadership = Leadership(
        running.url, running.settings, f"index {folder_id(running.settings.index_folder)}"
    )
    publisher, told = Publisher(running.settings.index_folder, released.edition), asyncio.Event()
    engine = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
    hearing = asyncio.create_task(
        listen(engine, events.CHANNEL, heard=lambda _: told.set(), joined=told.set)
    )
    due = 0.0
    try:
        while True:
            if told.is_set():
                # Cleared whether or not it can be done now: what stays due is tried in a while.
                told.clear()
                due = 0.0
            try:
                if await leadership.is_mine():
                    if monotonic() >= due:
                        _tell_index(await _publish_turned(running, released, publisher))
                        await place_models(running)
                        if not publisher.is_prepared:
                            await prepare(running, publisher)
                        due = monotonic() + seconds
                    await rebuild_wanted(running, released, at_most=1)
            except Exception as failure:
                if not is_transient(failure):
                    raise
                click.echo("the database is not reachable; trying again", err=True)
            # Not `wait_for`: where the wait is over already, it forgets that it was cancelled.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, _LOOK_AGAIN)):
                    await told.wait()
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await engine.dispose()
        await leadership.resign()


def _tell_index(built: Index | None) -> None:
    if built is not None:
        click.echo(f"{built.offerings} offerings, {built.planes.parts} packages")


def demo_files() -> list[Path]:
    """The files of the demo pool, providers first."""
    folder = shipped.folder("seeds") / "demo"
    return [*sorted(folder.glob("providers-*.jsonl")), *sorted(folder.glob("offerings-*.jsonl"))]


async def import_all(
    running: Database, released: Released, files: Sequence[Path]
) -> list[tuple[Path, ImportReport]]:
    """The report of each file, each in a transaction of its own."""
    reports = []
    for file in files:
        with file.open("rb") as stream:
            async with running.transaction() as session_:
                report = await import_file(
                    session_,
                    stream,
                    released.taxonomy,
                    released.words.tokenizer,
                    text_version=released.words.version,
                )
        reports.append((file, report))
    return reports


async def ensure_index(running: Database, released: Released) -> Index | None:
    """The index published now; None where the current one is of this pool and this release."""
    return await _publish_turned(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )


async def publish_index(running: Database, released: Released) -> Index:
    """The index of everything published now, a new base, made current."""
    publisher = Publisher(running.settings.index_folder, released.edition)
    return await publish(running, released, publisher, whole=True)


async def publish(
    running: Database, released: Released, publisher: Publisher, *, whole: bool = False
) -> Index:
    """The index of everything published now, by ``publisher``; what it was built with is kept."""
    async with running.transactions() as begin:
        return await _publish(begin, released, publisher, whole=whole)


async def prepare(running: Database, publisher: Publisher) -> None:
    """Let ``publisher`` read everything before a change makes somebody wait for it."""
    async with running.transactions() as begin:
        async with begin() as session_:
            await _see_one_moment(session_)
            await publisher.prepare(session_)
        await _tidy(begin, publisher)


async def place_models(running: Database) -> None:
    """Let the folder of the indexes have the learned models, and say which of them ranks."""
    async with running.transaction() as session_:
        await models.place(session_, Shelf(running.settings.index_folder))


async def rebuild_wanted(
    running: Database, released: Released, *, at_most: int | None = None
) -> int:
    """How many indexes of the past were wanted and rebuilt, one after the other."""
    archive, rebuilt = Archive(running.settings.index_folder), 0
    for wanted in itertools.islice(archive.awaited(), at_most):
        async with running.transaction() as session_:
            await _see_one_moment(session_)
            rebuilt += await rebuild(session_, archive, wanted, released.edition)
    return rebuilt


async def _publish_turned(
    running: Database, released: Released, publisher: Publisher
) -> Index | None:
    async with running.transactions() as begin:
        async with begin() as session_:
            if await publisher.is_current(session_):
                return None
        return await _publish(begin, released, publisher)


async def _publish(
    begin: Begin, released: Released, publisher: Publisher, *, whole: bool = False
) -> Index:
    async with begin() as session_:
        await keep(session_, released.edition)
    async with begin() as session_:
        await _see_one_moment(session_)
        built = await publisher.publish(session_, whole=whole)
    await _tidy(begin, publisher)
    return built


async def _tidy(begin: Begin, publisher: Publisher) -> None:
    """Write down what was coded anew, once what waits for the index has it."""
    if not publisher.is_tidy:
        async with begin() as session_:
            await publisher.tidy(session_)


async def _see_one_moment(session_: ReadSession) -> None:
    _ = await session_.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _tell(
    reports: Sequence[tuple[Path, ImportReport]],
    stored: Mapping[str, Counter[Outcome]] | None = None,
) -> int:
    """Print what became of the files; 0 when every one was written."""
    console = Console()
    table = Table("file", "lines", "new", "changed", "unchanged", "rejected")
    for file, report in reports:
        both = (report.providers, report.offerings)
        table.add_row(
            file.name,
            str(report.lines),
            *(str(sum(getattr(c, name) for c in both)) for name in ("new", "changed", "unchanged")),
            str(report.rejected),
        )
    for name, counts in (stored or {}).items():
        of_each = (str(counts[each]) for each in Outcome)
        table.add_row(name, str(counts.total()), *of_each, "0")
    console.print(table)
    for file, report in reports:
        for fault in report.faults[:_LISTED]:
            said = fault.message.in_language("en")
            console.print(f"{file.name}:{fault.line} {fault.pointer} {fault.code}: {said}")
    return 0 if all(report.is_written for _, report in reports) else 1
