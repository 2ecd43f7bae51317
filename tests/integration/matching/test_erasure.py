"""Stored runs are immutable; what empties one is let through once, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.objects import organisations

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

EMPTY = "update mm.match_run set input = '{}', body = '{}', answers = '{}'"
CHANGES = (
    "update mm.match_run set digest = digest",
    "update mm.match_run set answers = '{}'",
    "update mm.match_run set erased_at = now()",
    EMPTY,
    EMPTY + ", erased_at = now() - interval '1 day'",
    EMPTY + ", erased_at = now(), as_of = now()",
    "delete from mm.match_run",
)
INSERT = """
    insert into mm.match_run
        (id, organisation_id, asked_by, caller_pools, as_of, input, digest, body, answers)
    values (gen_random_uuid(), :firm, :firm, '{}', '2026-01-01', :profile,
        'sha256:' || repeat('0', 64), '{"a": 1}', '{"zh": {}, "en": {}}')
"""


@pytest_asyncio.fixture(loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def worker_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(server.url("mm_worker"), settings, role="mm_worker")
    yield made
    await made.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> UUID:
    """A firm with two runs, of which one read a profile."""
    async with engine.begin() as connection:
        (found,) = await organisations(connection)
        for profile in ('{"profile": {}}', '{"profile": null}'):
            await connection.execute(text(INSERT), {"firm": found, "profile": profile})
    return found


async def erase(connection: AsyncConnection, firm: UUID) -> int:
    erased = await connection.execute(text("select mm.erase_match_runs(:firm)"), {"firm": firm})
    return int(erased.scalar_one())


@pytest.mark.parametrize("change", CHANGES)
async def test_not_even_the_owner_changes_a_run(
    owner_engine: AsyncEngine, firm: UUID, change: str
) -> None:
    with pytest.raises(DBAPIError, match="immutable"):
        async with owner_engine.begin() as connection:
            await connection.execute(text(f"{change} where organisation_id = :id"), {"id": firm})


@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_has_no_right_to(
    engine: AsyncEngine, firm: UUID, change: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as connection:
            await connection.execute(text(f"{change} where organisation_id = :id"), {"id": firm})


async def test_what_read_a_profile_is_emptied_once(engine: AsyncEngine, firm: UUID) -> None:
    async with engine.begin() as connection:
        assert await erase(connection, firm) == 1
        assert await erase(connection, firm) == 0
        left = text("select input, answers from mm.match_run where organisation_id = :id")
        found = [tuple(row) for row in await connection.execute(left, {"id": firm})]
    assert sorted(found, key=str) == [({"profile": None}, {"zh": {}, "en": {}}), ({}, {})]


async def test_what_was_emptied_is_not_filled_again(
    engine: AsyncEngine, owner_engine: AsyncEngine, firm: UUID
) -> None:
    async with engine.begin() as connection:
        await erase(connection, firm)
    again = text("update mm.match_run set erased_at = null where organisation_id = :id")
    with pytest.raises(DBAPIError, match="immutable"):
        async with owner_engine.begin() as connection:
            await connection.execute(again, {"id": firm})


async def test_a_worker_erases_nothing(worker_engine: AsyncEngine, firm: UUID) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with worker_engine.begin() as connection:
            await erase(connection, firm)
