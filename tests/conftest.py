"""What every room's tests use: a server, a migrated database, a rolled-back session, a client."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests import drawing, release
from tests.clusters import migrated_server, reachable_directory

from matchmaker.app import create_app
from matchmaker.core import db, log
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.released import Released

drawing.use()
# Where numba is, who inherits this would compile kernels for each directory of its own.
os.environ["MATCHMAKER_KERNELS"] = "off"
# What was imported stays: a third of the time went on looking through it for what could go.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)


@contextlib.asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """The app's lifespan in a task of its own: a fixture's setup and teardown are two tasks."""
    ready, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with app.lifespan():
            ready.set()
            await done.wait()

    task = asyncio.create_task(hold())
    await asyncio.wait(
        [task, waiting := asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    waiting.cancel()
    try:
        yield
    finally:
        done.set()
        await task


@contextlib.asynccontextmanager
async def client_of(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``app`` without a socket, in this event loop."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with (
        running(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> Iterator[None]:
    """Configured logging, written nowhere; ``structlog.testing.capture_logs`` still sees it."""
    with Path(os.devnull).open("w") as nowhere:
        log.configure(Settings(log_level="info"), nowhere)
        yield


@pytest.fixture(scope="session")
def released() -> Released:
    """What is released with the code."""
    return release.released()


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The defaults of an installation that keeps no secret in a file."""
    return Settings(secret="s" * 32)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """An embedded server with every migration applied."""
    with reachable_directory() as place, migrated_server(place) as running_server:
        yield running_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that acts as mm_app."""
    made = db.create_engine(server.url("mm_app"), settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def session(engine: AsyncEngine) -> AsyncIterator[db.Session]:
    """A session whose work is undone after the test, commits included."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as made:
            yield db.Session(db.ReadSession(made))
        await outer.rollback()


@pytest_asyncio.fixture(loop_scope="session")
async def client(engine: AsyncEngine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole API; what it writes stays for the session."""
    async with client_of(create_app(settings, engine)) as made:
        yield made
