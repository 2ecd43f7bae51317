"""`matchmaker events`: what has happened, a line each, and whether the record is whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result
from sqlalchemy import text
from tests.chains import event, superuser_of, transaction
from tests.clusters import migrated_server, reachable_directory

from matchmaker.cli import commands
from matchmaker.core import db, events
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings


@dataclass(frozen=True)
class Place:
    """A server of its own with six events, the even ones of one subject."""

    server: Server
    subject: UUID

    async def run(self, *arguments: str) -> Result:
        """What the command tells; it runs a loop of its own."""
        runner = CliRunner(env={"DATABASE_URL": self.server.url("mm_app")})
        return await asyncio.to_thread(runner.invoke, commands, arguments)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place() -> AsyncIterator[Place]:
    subject = uuid4()
    with reachable_directory() as home, migrated_server(home) as server:
        engine = db.create_engine(server.url("mm_app"), Settings(), acting=db.INSTALLATION)
        async with transaction(engine) as session:
            for _ in range(3):
                await events.append(session, event(), event(subject, actor=events.CLI))
        await engine.dispose()
        yield Place(server, subject)


async def test_each_event_is_one_line(place: Place) -> None:
    told = await place.run("events", "--after", "1", "--limit", "3")
    lines = told.stdout.splitlines()
    assert (told.exit_code, told.stderr) == (0, "")
    assert [line.split()[0] for line in lines] == ["2", "3", "4"]
    assert re.fullmatch(
        rf"2  \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ  need\.opened  need {place.subject}"
        r'  by cli  \{"n":1,"state":"open"\}',
        lines[0],
    )
    assert re.search("  by api_key [0-9a-f-]{36}  ", lines[1])


async def test_the_trail_of_one_subject(place: Place) -> None:
    told = await place.run("events", "--subject", str(place.subject))
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["2", "4", "6"]


async def test_a_check_gives_an_anchor_and_names_what_breaks(place: Place) -> None:
    whole = await place.run("audit", "verify")
    said, anchor = whole.stdout.splitlines()
    assert (whole.exit_code, said) == (0, "6 events, none missing, none changed")
    anchor = anchor.removeprefix("anchor ")
    assert (await place.run("audit", "verify", "--anchor", anchor)).exit_code == 0
    other = await place.run("audit", "verify", "--anchor", f"5:{anchor[2:]}")
    assert other.exit_code == 1
    assert "breaks at position 5: the event is not the one of the anchor" in other.stderr

    async with superuser_of(place.server) as connection:
        await connection.execute(text("set session_replication_role = replica"))
        await connection.execute(text("update mm.event set kind = 'a.b' where position = 4"))
        await connection.commit()
        changed = await place.run("audit", "verify")
        assert (changed.exit_code, changed.stdout) == (1, "")
        assert "breaks at position 4: the event is not as it was recorded" in changed.stderr
        await connection.execute(text("delete from mm.event where position = 3"))
        await connection.commit()
    missing = await place.run("audit", "verify")
    assert missing.exit_code == 1
    assert "breaks at position 3: the event is missing" in missing.stderr


@pytest.mark.parametrize("anchor", ["5", "x:00", "5:00", "0:" + "0" * 64])
async def test_what_is_no_anchor_is_told(place: Place, anchor: str) -> None:
    told = await place.run("audit", "verify", "--anchor", anchor)
    assert told.exit_code == 2
    assert "like 17:<64 hexadecimal digits>" in told.stderr
