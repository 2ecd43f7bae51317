"""What goes wrong in a command is told in one line, without a traceback and without a password."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import click
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.clusters import reachable_directory
from tests.factories import jsonl, provider_line

from matchmaker.catalog.importing import queries
from matchmaker.cli import session
from matchmaker.core import migrate
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings, SettingsInvalid

SECRET = "hunter2"  # noqa: S105
MISSPELT = (
    f"postgresql//matchmaker:{SECRET}@127.0.0.1/none",
    f"postgersql://matchmaker:{SECRET}@127.0.0.1/none",
    f"postgresql:/matchmaker:{SECRET}@127.0.0.1/none",
    f"postgresql://matchmaker:{SECRET}@127.0.0.1:port/none",
    f"postgresql://matchmaker:{SECRET}@127.0.0.1/none?sslmod=require",
)


@dataclass(frozen=True)
class Told:
    """How one run ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with reachable_directory() as place:
        yield place


def run(data: Path, *arguments: str, **environment: str) -> Told:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MATCHMAKER_", "DATABASE_"))},
        "MATCHMAKER_DATA": str(data),
        "PYTHONUTF8": "1",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "matchmaker", *arguments],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
        encoding="utf-8",
    )
    return Told(done.returncode, done.stdout, done.stderr)


def is_one_line(told: Told) -> bool:
    return (
        told.code in {1, 2}
        and len(told.err.splitlines()) == 1
        and "Traceback" not in told.out + told.err
    )


async def test_an_import_during_another_one_is_told(
    data: Path, engine: AsyncEngine, server: Server
) -> None:
    file = data / "providers.jsonl"
    file.write_bytes(jsonl(provider_line(external_id="p-told")).read())
    async with AsyncSession(engine) as made:
        # The command may take longer to start than an idle transaction may last.
        await made.execute(text("set local idle_in_transaction_session_timeout = 0"))
        assert await queries.claim_import(Session(ReadSession(made)))
        told = run(data, "import", str(file), DATABASE_URL=server.url("mm_app"))
        await made.rollback()
    assert is_one_line(told), told.err
    assert "Another import is under way" in told.err


@pytest.mark.parametrize("command", ["migrate", "serve", "index"])
def test_a_database_that_does_not_answer_is_told(data: Path, command: str) -> None:
    told = run(data, command, DATABASE_URL=f"postgresql://matchmaker:{SECRET}@127.0.0.1:9/none")
    assert is_one_line(told), told.err
    assert SECRET not in told.err


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_misspelt_database_url_is_told(data: Path, command: str) -> None:
    told = run(data, command, DATABASE_URL=MISSPELT[0])
    assert is_one_line(told), told.err
    assert "DATABASE_URL" in told.err
    assert SECRET not in told.err


@pytest.mark.parametrize("url", MISSPELT)
@pytest.mark.parametrize("name", ["database_url", "database_url_owner"])
def test_a_misspelt_url_is_named_and_not_quoted(url: str, name: str) -> None:
    urls = {"database_url": "postgresql://u@h/d", name: url}
    with (
        pytest.raises(SettingsInvalid, match=name.upper()) as told,
        session.database(Settings(**urls), migrates=True),  # type: ignore[arg-type]
    ):
        pass
    assert SECRET not in str(told.value)


async def test_a_database_never_migrated_names_the_command_that_does(
    data: Path, server: Server
) -> None:
    login = make_url(server.url("mm_app"))
    admin = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user="postgres",
        password=server._passwords["postgres"],
        database="postgres",
    )
    await admin.execute("CREATE DATABASE never TEMPLATE template0")
    try:
        url = login.set(database="never").render_as_string(hide_password=False)
        told = run(data, "index", DATABASE_URL=url)
    finally:
        await admin.execute("DROP DATABASE never WITH (FORCE)")
        await admin.close()
    assert is_one_line(told), told.err
    assert "matchmaker migrate" in told.err


@pytest.mark.parametrize(
    "problem",
    [
        SQLAlchemyError(f"no way to postgresql+asyncpg://u:{SECRET}@p@h/d\nmore"),
        OSError(f"postgresql://u:{SECRET}@h/d"),
        asyncpg.InterfaceError("closed"),
        asyncpg.PostgresError("refused"),
        TimeoutError(),
    ],
)
def test_an_expected_failure_becomes_one_line_without_its_login(problem: Exception) -> None:
    with pytest.raises(click.ClickException) as told, session.one_line():
        raise problem
    assert len(told.value.message.splitlines()) == 1
    assert type(problem).__name__ in told.value.message
    assert SECRET not in told.value.message


def test_control_an_unexpected_failure_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), session.one_line():
        raise KeyError("bug")


APP, OWNER = "postgresql://app@h/d", "postgresql://owner@h/d"


@pytest.mark.parametrize(
    ("owner", "migrates", "by"),
    [(None, False, []), (None, True, [APP]), (OWNER, False, [OWNER]), (OWNER, True, [OWNER])],
)
def test_a_given_database_is_migrated_by_the_owner_or_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, owner: str | None, by: list[str], *, migrates: bool
) -> None:
    upgraded: list[str] = []
    monkeypatch.setattr(migrate, "upgrade", upgraded.append)
    found = Settings(database_url=APP, database_url_owner=owner)
    with session.database(found, migrates=migrates) as running:
        assert running.url == APP
    assert upgraded == by
