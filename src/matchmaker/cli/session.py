"""What every command needs: settings, a running database, a transaction, released data."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
import click
import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker

from matchmaker.core import db, shipped
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings, SettingsInvalid, from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from matchmaker.released import Released
    from matchmaker.taxonomy.registry import Taxonomy

_LONG_STATEMENT = 600.0
"""Seconds one statement of an import or an index build may take."""
_EXPECTED: Final = (
    MatchmakerError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
)
_NOT_MIGRATED: Final = frozenset({"22023", "3F000", "42P01", "42703"})
"""SQLSTATEs of a role, schema, table or column that is not there."""
_SECRET: Final = re.compile(r"(?<=://)\S*@")
"""The login of a URL; up to the last @, for a password may hold one."""


Begin: TypeAlias = "Callable[[], contextlib.AbstractAsyncContextManager[db.Session]]"
"""Begins a transaction, which is committed at its end."""


@dataclass(frozen=True, slots=True)
class Database:
    """Logins of a running, migrated database."""

    url: str
    settings: Settings

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[db.Session]:
        """One transaction of the installation, committed at the end; it may take long."""
        async with self.transactions() as begin, begin() as session:
            yield session

    @contextlib.asynccontextmanager
    async def transactions(self) -> AsyncIterator[Begin]:
        """What begins such transactions, one after the other on the same connections."""
        patient = msgspec.structs.replace(
            self.settings,
            statement_timeout=_LONG_STATEMENT - 1,
            command_timeout=_LONG_STATEMENT,
            idle_in_transaction_timeout=_LONG_STATEMENT,
        )
        engine = db.create_engine(self.url, patient, acting=db.INSTALLATION)
        sessions = async_sessionmaker(engine, expire_on_commit=False)

        @contextlib.asynccontextmanager
        async def begin() -> AsyncIterator[db.Session]:
            async with sessions.begin() as session:
                yield db.Session(db.ReadSession(session))

        try:
            yield begin
        finally:
            await engine.dispose()


def settings() -> Settings:
    """The settings of the environment."""
    return from_environment(os.environ)


def released() -> Released:
    """The released data of this installation."""
    # It loads every room: half of the commands are done sooner than that.
    from matchmaker.released import Released

    return Released(shipped.folder("seeds"))


def taxonomy() -> Taxonomy:
    """The taxonomy alone."""
    from matchmaker.taxonomy import registry

    return registry.load(shipped.folder("seeds") / "taxonomy")


@contextlib.contextmanager
def database(found: Settings, *, migrates: bool = False) -> Iterator[Database]:
    """The database of DATABASE_URL, else the embedded one.

    It is migrated where a login for that is known: DATABASE_URL_OWNER, the embedded server's, or
    with ``migrates`` DATABASE_URL itself.

    Raises:
        SettingsInvalid: a URL cannot be read.
    """
    if found.database_url is None:
        with Embedded(found.data_directory).start() as server:
            _migrate(server.url("mm_owner"))
            yield Database(server.url("mm_app"), found)
        return
    url = _readable("DATABASE_URL", found.database_url)
    if found.database_url_owner is not None:
        _migrate(_readable("DATABASE_URL_OWNER", found.database_url_owner))
    elif migrates:
        _migrate(url)
    yield Database(url, found)


def _migrate(url: str) -> None:
    """Bring the database to the newest schema.

    Raises:
        ClickException: its schema is none of ours.
    """
    # Alembic is loaded by those who migrate.
    from alembic.util import CommandError

    from matchmaker.core import migrate

    try:
        migrate.upgrade(url)
    except CommandError as problem:
        raise click.ClickException(_line(problem)) from problem


def _readable(name: str, url: str) -> str:
    """``url``, which can be read and has no option unknown to the driver.

    Raises:
        SettingsInvalid: it cannot; the message does not quote it, for it may hold a password.
    """
    try:
        read = db.with_driver(url)
    except (SQLAlchemyError, ValueError):
        read = None
    if read is None or not re.match(r"postgres(ql)?(\+asyncpg)?://", url):
        raise SettingsInvalid(f"{name} is not like postgresql://user:password@host/database")
    unknown = read.query.keys() - inspect.signature(asyncpg.connect).parameters.keys()
    if unknown:
        raise SettingsInvalid(f"{name} has an unknown option: {min(unknown)}")
    return url


@contextlib.contextmanager
def one_line(*also: type[Exception]) -> Iterator[None]:
    """An expected failure, or one of ``also``, becomes one line without a password.

    Raises:
        ClickException: with that line.
    """
    expected: tuple[type[Exception], ...] = (*_EXPECTED, *also)
    try:
        yield
    except BrokenPipeError:
        raise
    except expected as problem:
        raise click.ClickException(_line(problem)) from problem


def _line(problem: Exception) -> str:
    """Kind and first line of ``problem``, logins of URLs left out."""
    said = [type(problem).__name__, *str(problem).strip().splitlines()[:1]]
    cause = getattr(problem, "orig", problem)
    if getattr(cause, "sqlstate", None) in _NOT_MIGRATED:
        said.append("has `matchmaker migrate` been run?")
    return _SECRET.sub("", ": ".join(said))
