"""The feed over HTTP, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.databases import own_database
from tests.hooks import SECRET, means

from matchmaker.app import create_app
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.feed import controllers
from matchmaker.feed.events.audit import Chain
from matchmaker.feed.webhooks.working.delivering import Means
from matchmaker.working import shared


def quick_means() -> Means:
    return means()


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    with own_database(server) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(database, Settings(), acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    seen_too, chain = shared(), Chain()
    app = create_app(
        Settings(secret=SECRET),
        engine,
        controllers=controllers.CONTROLLERS,
        dependencies={
            "webhook_means": Provide(quick_means, sync_to_thread=False),
            "chain": Provide(lambda: chain, sync_to_thread=False),
            "shared": Provide(lambda: seen_too, sync_to_thread=False),
        },
    )
    async with client_of(app) as made:
        yield made
