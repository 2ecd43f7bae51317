"""`matchmaker jobs`: the queues, their dead letters, and what an operator can do about a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from matchmaker.cli import session
from matchmaker.core import jobs as queue
from matchmaker.core.jobs import JobId, JobState, queries

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from matchmaker.cli.session import Database
    from matchmaker.core.jobs.queries import DeadLetter, QueueCount

_LISTED = 20
_ID_LENGTH = 36


@click.group(invoke_without_command=True)
@click.option("--dead", type=click.IntRange(0, 1000), default=_LISTED, help="Dead letters shown.")
@click.pass_context
def jobs(context: click.Context, dead: int) -> None:
    """Show the queues and the dead letters."""
    if context.invoked_subcommand is None:
        with session.database(session.settings()) as running:
            _tell(*asyncio.run(_look(running, dead)))


@jobs.command()
@click.argument("job_id", metavar="ID", type=click.UUID)
def cancel(job_id: UUID) -> None:
    """Cancel a job that waits or runs."""
    with session.database(session.settings()) as running:
        state = asyncio.run(_cancel(running, JobId(job_id)))
    if state is None:
        raise click.ClickException(f"no job {job_id} waits or runs")
    click.echo("cancelled" if state is JobState.CANCELLED else "its worker has been told")


@jobs.command()
@click.argument("job_id", metavar="ID", type=click.UUID)
def retry(job_id: UUID) -> None:
    """Try a failed or cancelled job again, as often as a new one."""
    with session.database(session.settings()) as running:
        is_waiting = asyncio.run(_retry(running, JobId(job_id)))
    if not is_waiting:
        raise click.ClickException(
            f"no job {job_id} has failed or was cancelled, or one like it waits already"
        )
    click.echo("it waits for a worker")


async def _look(running: Database, dead: int) -> tuple[list[QueueCount], list[DeadLetter]]:
    async with running.transaction() as session_:
        return await queries.queues(session_), await queries.dead_letters(session_, dead)


async def _cancel(running: Database, job_id: JobId) -> JobState | None:
    async with running.transaction() as session_:
        return await queue.cancel(session_, job_id)


async def _retry(running: Database, job_id: JobId) -> bool:
    async with running.transaction() as session_:
        return await queue.retry(session_, job_id)


def _tell(queues: list[QueueCount], dead: list[DeadLetter]) -> None:
    console = Console()
    table = Table("queue", "limit", *JobState, "oldest waits")
    for each in queues:
        table.add_row(
            each.queue,
            "" if each.running_limit is None else str(each.running_limit),
            *(str(getattr(each, state)) for state in JobState),
            _span(each.oldest),
        )
    console.print(table)
    if not dead:
        return
    # The id is there to be copied whole.
    letters = Table("failed at", "kind", "queue", "attempts", "error", title="dead letters")
    letters.add_column("id", min_width=_ID_LENGTH, no_wrap=True)
    for letter in dead:
        letters.add_row(
            f"{letter.finished_at:%Y-%m-%d %H:%M:%S}",
            letter.kind,
            letter.queue,
            str(letter.attempt),
            Text(letter.error or ""),
            str(letter.id),
        )
    console.print(letters)


def _span(waited: dt.timedelta | None) -> str:
    return "" if waited is None else str(waited).partition(".")[0]
