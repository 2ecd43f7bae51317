"""`matchmaker migrate`, `seed`, `index`: what fills the pool and publishes it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from matchmaker.catalog import queries
from matchmaker.catalog.importing import ImportReport, import_file
from matchmaker.cli import firms, session
from matchmaker.cli.processes import until_end
from matchmaker.core import shipped
from matchmaker.core.leading import Leadership
from matchmaker.core.transient import is_transient
from matchmaker.identity.service import Outcome
from matchmaker.matching.index import IndexHolder, IndexNotReady, folder_id
from matchmaker.matching.publisher import publish

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matchmaker.app import Released
    from matchmaker.cli.session import Database
    from matchmaker.ranking.index import Index

_LISTED = 50


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
            asyncio.run(until_end(_republish(running, released, watch)))


async def _republish(running: Database, released: Released, seconds: float) -> None:
    """Publish whenever offerings have changed; a database that is away is tried again.

    Of several processes that publish into one folder, one does.
    """
    name = f"index {folder_id(running.index_folder)}"
    leadership = Leadership(running.url, running.settings, name)
    try:
        while True:
            built = None
            try:
                if await leadership.is_mine():
                    built = await ensure_index(running, released)
            except Exception as failure:
                if not is_transient(failure):
                    raise
                click.echo("the database is not reachable; trying again", err=True)
            if built is not None:
                _tell_index(built)
            await asyncio.sleep(seconds)
    finally:
        await leadership.resign()


def _tell_index(built: Index) -> None:
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
    async with running.transaction() as session_:
        content = await queries.content(session_)
    sources = released.sources()
    wanted = (content, sources.card.name, sources.taxonomy.version, sources.words.version)
    try:
        found = IndexHolder(running.index_folder).current().versions
    except IndexNotReady:
        return await publish_index(running, released)
    if (found.content, found.card, found.taxonomy, found.glossary) == wanted:
        return None
    return await publish_index(running, released)


async def publish_index(running: Database, released: Released) -> Index:
    """The index of everything published now, made current."""
    async with running.transaction() as session_:
        _ = await session_.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return await publish(session_, running.index_folder, released.sources())


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
