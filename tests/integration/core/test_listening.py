"""Hearing the database: a cancellation ends it, whatever happens in the same moment."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from matchmaker.core import db, listening
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

CHANNEL = "mm_test"


async def ends_when_cancelled_with_the_cut(engine: AsyncEngine, rounds: int) -> bool:
    """Whether listening ends that is cancelled so many rounds of the loop after it was cut."""
    drivers: list[Any] = []

    def note(connection: Any, _: object) -> None:  # noqa: ANN401
        drivers.append(connection.driver_connection)

    event.listen(engine.sync_engine, "connect", note)
    joined = asyncio.Event()
    task = asyncio.create_task(
        listening.listen(engine, CHANNEL, heard=lambda _: None, joined=joined.set)
    )
    await joined.wait()
    await asyncio.sleep(0.1)
    loop = asyncio.get_running_loop()

    def cancel(left: int) -> None:
        if left:
            loop.call_soon(cancel, left - 1)
        else:
            task.cancel()

    drivers[-1].add_termination_listener(lambda _: cancel(rounds))
    drivers[-1].terminate()
    done, _ = await asyncio.wait({task}, timeout=3)
    for _ in range(100):
        if task.done():
            break
        task.cancel()
        await asyncio.sleep(0.05)
    return bool(done)


@pytest.mark.parametrize("rounds", range(6))
async def test_a_cancellation_that_comes_with_the_cut_is_not_lost(
    server: Server, settings: Settings, rounds: int
) -> None:
    engine = db.create_engine(server.url("mm_app"), settings, acting=db.INSTALLATION)
    assert await ends_when_cancelled_with_the_cut(engine, rounds)
    await engine.dispose()


async def test_control_wait_for_loses_it(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting(asyncio.Event):
        """Waits as `wait_for` does."""

        async def wait(self) -> Literal[True]:
            await asyncio.wait_for(super().wait(), 60)
            return True

    monkeypatch.setattr(asyncio, "Event", Waiting)
    engine = db.create_engine(server.url("mm_app"), settings, acting=db.INSTALLATION)
    assert not await ends_when_cancelled_with_the_cut(engine, 2)
    await engine.dispose()
