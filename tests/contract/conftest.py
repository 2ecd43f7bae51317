"""The whole API on a database of its own that holds the demo pool and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import (
    copied_server,
    kept_directory,
    migrated_server,
    reachable_directory,
)
from tests.conftest import client_of
from tests.contract.drawing import name_formats
from tests.contract.stage import Stage
from tests.contract.staging import staged

from matchmaker.app import installed
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.released import Released


@contextlib.asynccontextmanager
async def stocked(released: Released) -> AsyncIterator[Database]:
    """A migrated database with the demo pool, its index published below its data directory."""
    async with stocked_server(released) as (_, found):
        yield found


@contextlib.asynccontextmanager
async def stocked_server(released: Released) -> AsyncIterator[tuple[Server, Database]]:
    """The same, with the server it is on."""
    with resumed(await stocked_files(released)) as found:
        yield found


@contextlib.contextmanager
def resumed(files: Path) -> Iterator[tuple[Server, Database]]:
    """A server that goes on from a copy of ``files``."""
    with reachable_directory() as place, copied_server(files, place) as server:
        yield server, Database(server.url("mm_app"), Settings(data=str(place)))


async def stocked_files(released: Released) -> Path:
    """Where the files of a stocked server are kept, for who starts there."""
    if not _SHELF:
        _SHELF.append(await _filled(released))
    return _SHELF[0]


_SHELF: list[Path] = []
"""Such a place, once there is one: filling it takes seconds."""


async def _filled(released: Released) -> Path:
    place = kept_directory()
    with migrated_server(place) as server:
        found = Database(server.url("mm_app"), Settings(data=str(place)))
        for _, report in await pool.import_all(found, released, pool.demo_files()):
            assert report.is_written, report.faults
        await pool.publish_index(found, released)
    return place


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(
    engine: AsyncEngine, settings: Settings, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole API with what is released, on the shared database.

    One for all that name no other: making the API takes a second, most of a short test's time.
    """
    async with client_of(installed(settings, engine, released)) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_database(released: Released) -> AsyncIterator[Database]:
    """The demo pool, for tests that write nothing."""
    async with stocked(released) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo(demo_database: Database, released: Released) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on the demo pool, without a socket."""
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    async with client_of(installed(demo_database.settings, engine, released)) as made:
        yield made
    await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(released: Released) -> AsyncIterator[Stage]:
    """Callers of a server in a process of its own, for tests that write whatever there is."""
    name_formats(released)
    with pytest.MonkeyPatch.context() as patched:
        # Else whatever is asked has the whole environment searched for a proxy first.
        patched.setenv("NO_PROXY", "127.0.0.1")
        patched.setenv("no_proxy", "127.0.0.1")
        async with stocked(released) as database, staged(database, released) as made:
            yield made
