"""`matchmaker jobs`: what an operator sees of the queues and can do about a job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from matchmaker.cli import commands
from matchmaker.cli.session import Database
from matchmaker.core import jobs
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs import Backoff, Job, JobId
from matchmaker.core.jobs.working import queries
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

KIND = "test.cli"


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    made = Database(server.url("mm_app"), Settings())
    yield made
    asyncio.run(_forget(made))


async def _forget(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("delete from mm.job where kind = :kind"), {"kind": KIND})


async def _add(database: Database, *, dead: bool = False) -> JobId:
    async with database.transaction() as session:
        job_id = await jobs.enqueue(session, Job(kind=KIND, queue="letters", max_attempts=1))
        if dead:
            connection = await session.connection()
            (claimed,) = await queries.claim(
                connection, [KIND], most=1, lease=jobs.Options().lease, worker="test"
            )
            await queries.fail(connection, claimed, "the file [has] no lines", Backoff())
    return job_id


def run(database: Database, *arguments: str) -> Result:
    environment = {"DATABASE_URL": database.url, "COLUMNS": "200"}
    return CliRunner().invoke(commands, ["jobs", *arguments], env=environment)


def test_it_shows_queues_and_dead_letters(database: Database) -> None:
    dead = asyncio.run(_add(database, dead=True))
    asyncio.run(_add(database))
    said = run(database)
    assert said.exit_code == 0, said.output
    (row,) = (line for line in said.output.splitlines() if "letters" in line and "0:00:0" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:7] == ["letters", "", "1", "0", "0", "1", "0"]
    assert str(dead) in said.output
    assert "the file [has] no lines" in said.output


def test_a_dead_letter_is_tried_again_and_a_waiting_job_cancelled(database: Database) -> None:
    dead = asyncio.run(_add(database, dead=True))
    again = run(database, "retry", str(dead))
    assert (again.exit_code, again.output) == (0, "it waits for a worker\n")
    cancelled = run(database, "cancel", str(dead))
    assert (cancelled.exit_code, cancelled.output) == (0, "cancelled\n")


@pytest.mark.parametrize("command", ["cancel", "retry"])
def test_an_unknown_job_is_one_line(database: Database, command: str) -> None:
    said = run(database, command, str(uuid7()))
    assert said.exit_code == 1
    assert said.output.startswith("Error: no job ")
    assert run(database, command, "nonsense").exit_code == 2
