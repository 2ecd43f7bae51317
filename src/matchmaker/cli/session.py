"""What every command needs: settings, a running database, a transaction, released data."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.ext.asyncio import async_sessionmaker

from matchmaker.app import INDEX, Released
from matchmaker.core import db, migrate, shipped
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_LONG_STATEMENT = 600.0
"""Seconds one statement of an import or an index build may take."""


@dataclass(frozen=True, slots=True)
class Database:
    """Logins of a running, migrated database."""

    url: str
    settings: Settings

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[db.Session]:
        """One transaction as mm_app, committed at the end; its statements may take long."""
        patient = msgspec.structs.replace(
            self.settings,
            statement_timeout=_LONG_STATEMENT - 1,
            command_timeout=_LONG_STATEMENT,
            idle_in_transaction_timeout=_LONG_STATEMENT,
        )
        engine = db.create_engine(self.url, patient)
        try:
            async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
                yield db.Session(db.ReadSession(session))
        finally:
            await engine.dispose()

    @property
    def index_folder(self) -> Path:
        """Where indexes are published."""
        return self.settings.data_directory / INDEX


def settings() -> Settings:
    """The settings of the environment."""
    return from_environment(os.environ)


def released() -> Released:
    """The released data of this installation."""
    return Released(shipped.folder("seeds"))


@contextlib.contextmanager
def database(found: Settings) -> Iterator[Database]:
    """The database of DATABASE_URL, else the embedded one; migrated."""
    if found.database_url is not None:
        migrate.upgrade(found.database_url_owner or found.database_url)
        yield Database(found.database_url, found)
        return
    with Embedded(found.data_directory).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        yield Database(server.url("mm_app"), found)
