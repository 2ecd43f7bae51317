"""`matchmaker demo`: a database, a pool, an index, and one firm walked down the stored line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from matchmaker.cli import (
    city,
    lesson,
    pool,
    programmes,
    sample,
    session,
    show,
    stored,
    texts,
    ways,
)
from matchmaker.cli.walk import Walk
from matchmaker.core.clock import utc_now
from matchmaker.core.language import LANGUAGES
from matchmaker.core.shipped import FolderMissing
from matchmaker.working import batch_means

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.catalog.importing import ImportReport
    from matchmaker.cli.session import Database
    from matchmaker.cli.show import Page
    from matchmaker.core.language import Language
    from matchmaker.released import Released

CALL: Final = """\
curl -s http://{host}:{port}/v1/match \\
  -H 'Content-Type: application/json' -H 'Accept-Language: {language}' \\
  -d '{body}'"""
BODY: Final = '{"need": {"kind": "solution", "scenes": ["quality"]}}'


@click.command()
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of everything that is told.",
)
def demo(language: Language) -> None:
    """Walk one fictional firm from its profile to a shortlist, and show what was recorded."""
    page = show.Page(show.console(), language)
    with session.one_line(FolderMissing, ValueError, sample.SampleMissing):
        found = session.settings()
        with _Steps(page, len(pool.demo_files()) + 4) as steps:
            steps.next(texts.STARTING.in_language(language))
            released = session.released()
            told = sample.load(language, utc_now().date())
            with session.database(found) as running:
                asyncio.run(_fill(running, released, steps))
                steps.next(texts.MATCHING.in_language(language))
                matcher = released.matcher(running.settings.index_folder)
                kept = asyncio.run(
                    stored.store(running, released, told, matcher=matcher, language=language)
                )
                steps.next(texts.LEARNING.in_language(language))
                learned = asyncio.run(lesson.learn(running, released, matcher))
    Walk(page, matcher, kept).tell()
    with session.one_line(sample.SampleMissing):
        ways.tell(page, matcher, released, told.firm)
    city.tell(page, batch_means(released, found), 18)
    lesson.tell(page, learned, 19)
    _end(page, found.host, found.port)
    if not kept.verdict.is_whole:
        raise click.ClickException(page.words(texts.CHAIN_BROKEN, position=kept.verdict.broken_at))


class _Steps:
    """A bar on standard error while the demo waits; nothing where that is no terminal."""

    def __init__(self, page: Page, total: int) -> None:
        self.page = page
        console = show.console(to_error=True)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def next(self, text: str) -> None:
        """Say what comes next."""
        self._bar.update(self._task, advance=1, description=text)


async def _fill(running: Database, released: Released, steps: _Steps) -> None:
    """Import the demo pool where it changed, and publish the index where it is not of this pool."""
    language = steps.page.language
    for file in pool.demo_files():
        steps.next(f"{texts.IMPORTING.in_language(language)}: {file.name}")
        for _, report in await pool.import_all(running, released, [file]):
            _refuse_faults(file, report, steps.page)
    await programmes.enter(running, released)
    steps.next(texts.PUBLISHING.in_language(language))
    await pool.ensure_index(running, released)


def _refuse_faults(file: Path, report: ImportReport, page: Page) -> None:
    if not report.is_written:
        fault = report.faults[0]
        message = fault.message.in_language(page.language)
        raise click.ClickException(
            page.words(texts.PARTLY_REJECTED, file=file.name, line=fault.line, message=message)
        )


def _end(page: Page, host: str, port: int) -> None:
    """How to go on."""
    page.heading(20, texts.NEXT)
    page.say(page.words(texts.SERVE))
    page.say(f"  make serve   {page.words(texts.OR)}   matchmaker serve", "bold")
    page.say(page.words(texts.CALL))
    call = CALL.format(host=host, port=port, language=page.language, body=BODY)
    page.line(call, "bold")
