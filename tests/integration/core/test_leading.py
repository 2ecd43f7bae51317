"""One leader at a time, and one that lost its lock knows it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from matchmaker.core import db
from matchmaker.core.leading import Leadership
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

# A session idle in a transaction would be ended within half a second.
SETTINGS = Settings(idle_in_transaction_timeout=0.5)


@pytest_asyncio.fixture(loop_scope="session")
async def two(server: Server) -> AsyncIterator[tuple[Leadership, Leadership]]:
    name = uuid4().hex
    first, second = (Leadership(server.url("mm_app"), SETTINGS, name) for _ in range(2))
    yield first, second
    await first.resign()
    await second.resign()


async def cut(leadership: Leadership, engine: AsyncEngine) -> None:
    """The server ends the session of ``leadership``."""
    assert leadership._connection is not None
    pid = await leadership._connection.scalar(text("select pg_backend_pid()"))
    async with engine.connect() as connection:
        await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    await asyncio.sleep(0.1)


async def test_one_of_two_leads_until_it_resigns(two: tuple[Leadership, Leadership]) -> None:
    first, second = two
    assert [await first.is_mine(), await second.is_mine()] == [True, False]
    assert [await first.is_mine(), await second.is_mine()] == [True, False]
    await first.resign()
    assert await second.is_mine()


async def test_who_leads_one_thing_does_not_lead_another(
    two: tuple[Leadership, Leadership], server: Server
) -> None:
    other = Leadership(server.url("mm_app"), SETTINGS, uuid4().hex)
    assert [await two[0].is_mine(), await other.is_mine()] == [True, True]
    await other.resign()


async def test_it_is_not_lost_by_being_idle(two: tuple[Leadership, Leadership]) -> None:
    first, second = two
    assert await first.is_mine()
    await asyncio.sleep(1.2)
    assert [await second.is_mine(), await first.is_mine()] == [False, True]


async def test_in_a_transaction_it_would_be_lost(
    two: tuple[Leadership, Leadership], server: Server
) -> None:
    """The control: without autocommit the session is ended as idle, and another leads."""
    first, second = two
    await first._engine.dispose()
    first._engine = db.create_engine(server.url("mm_app"), SETTINGS, acting=db.INSTALLATION)
    assert await first.is_mine()
    await asyncio.sleep(1.2)
    assert await second.is_mine()


async def test_a_leader_whose_connection_was_cut_does_not_believe_it_leads(
    two: tuple[Leadership, Leadership], engine: AsyncEngine
) -> None:
    first, second = two
    assert await first.is_mine()
    await cut(first, engine)
    assert await second.is_mine()
    with contextlib.suppress(DBAPIError):
        assert not await first.is_mine()
    assert [await first.is_mine(), await second.is_mine()] == [False, True]


async def test_a_leader_that_was_cut_leads_again_where_nobody_else_does(
    two: tuple[Leadership, Leadership], engine: AsyncEngine
) -> None:
    first, _ = two
    assert await first.is_mine()
    await cut(first, engine)
    with contextlib.suppress(DBAPIError):
        await first.is_mine()
    assert await first.is_mine()
