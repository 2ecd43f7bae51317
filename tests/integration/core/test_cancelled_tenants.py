"""Who acts stays apart when most of what is begun is given up at any moment."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from tests.identities import holder

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

TENANTS: Final = 6
AT_ONCE: Final = 24
CANCELLED: Final = 0.7
SEEN: Final = text("select organisation_id from mm.api_key")
WHO: Final = text("select mm.org()")
PAUSE: Final = text("select pg_sleep(:seconds)")


@pytest_asyncio.fixture(loop_scope="session")
async def few(server: Server) -> AsyncIterator[AsyncEngine]:
    """Few connections, so that each is used by everybody; a slow machine refuses nobody one."""
    patient = Settings(pool_size=5, pool_overflow=0, pool_timeout=60, connect_timeout=60)
    made = db.create_engine(server.url("mm_app"), patient)
    yield made
    await made.dispose()


async def fuzz(
    sessions: async_sessionmaker[AsyncSession], tenants: list[UUID], seconds: float
) -> Counter[str]:
    """What became of tasks that read as one of ``tenants`` or nobody, most of them cancelled."""
    drawn, found, end = random.Random(7), Counter[str](), time.monotonic() + seconds  # noqa: S311

    async def one(who: UUID | None, pause: float) -> None:
        async with db.begun(sessions, who) as session:
            seen = set(await session.scalars(SEEN))
            await session.execute(PAUSE, {"seconds": pause})
            acts = await session.scalar(WHO)
        found["wrong"] += seen != ({who} if who else set()) or acts != who
        found["read"] += 1

    async def many() -> None:
        while time.monotonic() < end:
            task = asyncio.create_task(one(drawn.choice([*tenants, None]), drawn.random() / 300))
            if drawn.random() < CANCELLED:
                await asyncio.sleep(drawn.random() / 100)
                task.cancel()
            results = await asyncio.gather(task, return_exceptions=True)
            found["tasks"] += 1
            found["cancelled"] += isinstance(results[0], asyncio.CancelledError)
            found["failed"] += isinstance(results[0], Exception)

    await asyncio.gather(*(many() for _ in range(AT_ONCE)))
    return found


@pytest.mark.parametrize("seconds", [3.0, pytest.param(25.0, marks=pytest.mark.soak)])
async def test_nobody_reads_as_another(
    engine: AsyncEngine, few: AsyncEngine, seconds: float
) -> None:
    tenants: list[UUID] = [(await holder(engine)).organisation_id for _ in range(TENANTS)]
    found = await fuzz(async_sessionmaker(few), tenants, seconds)
    assert found["wrong"] == 0, found
    assert found["failed"] == 0, found
    assert found["read"] > 20, found
    assert found["cancelled"] > 20, found
    # Every connection is back, and none remembers anybody.
    async with asyncio.timeout(10):
        held = [await few.connect() for _ in range(5)]
        assert [await each.scalar(WHO) for each in held] == [None] * 5
        for each in held:
            await each.close()


async def test_control_a_setting_of_the_session_is_read_by_others(
    engine: AsyncEngine, few: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The naive form: what is said lasts, and whoever says nothing acts as whoever was before."""
    tenants: list[UUID] = [(await holder(engine)).organisation_id for _ in range(TENANTS)]
    execute = db._Connection.execute

    async def lasting(self: db._Connection, query: str, *args: object, **more: float) -> str:
        acting, self.acting = self.acting, None
        done = await execute(self, query, *args, **more)
        if query.startswith("BEGIN") and acting is not None:
            await execute(self, f"SELECT set_config('{db.ACTING}', '{acting}', false)")
        return done

    monkeypatch.setattr(db._Connection, "execute", lasting)
    found = await fuzz(async_sessionmaker(few), tenants, 1.0)
    assert found["wrong"] > 0, found
