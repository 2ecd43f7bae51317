"""The operations of identity on the shared database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.factories import taxonomy

from matchmaker.app import create_app
from matchmaker.core.settings import Settings
from matchmaker.identity.controllers import CONTROLLERS


@pytest.fixture(scope="session")
def app(engine: AsyncEngine, settings: Settings) -> Callable[[], Litestar]:
    """Makes identity alone, which remembers no credential yet."""
    return lambda: create_app(
        settings,
        engine,
        controllers=CONTROLLERS,
        dependencies={"taxonomy": Provide(taxonomy, sync_to_thread=False)},
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def identity(app: Callable[[], Litestar]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of identity alone, one for all tests: credentials are new in each of them."""
    async with client_of(app()) as made:
        yield made
