"""Hearing what the database tells on a channel, for ever, over whatever cuts the connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

_PING: Final = 10.0
_AGAIN: Final = 0.5
"""Seconds until a lost connection is tried again."""

log = structlog.get_logger("matchmaker.listening")


async def listen(
    engine: AsyncEngine, channel: str, *, heard: Callable[[str], None], joined: Callable[[], None]
) -> None:
    """Call ``heard`` with what is told on ``channel``, until this is cancelled.

    ``joined`` is called whenever listening begins: what was told before is to be looked for.
    """
    while True:
        try:
            await _listen(engine, channel, heard, joined)
        except Exception as failure:  # noqa: BLE001  (whatever it was, it must go on)
            log.warning("listening.cut", channel=channel, failure=type(failure).__name__)
        await asyncio.sleep(_AGAIN)


async def _listen(
    engine: AsyncEngine, channel: str, heard: Callable[[str], None], joined: Callable[[], None]
) -> None:
    cut = asyncio.Event()
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None  # noqa: S101  (a live connection has one)
        driver.add_termination_listener(lambda _: cut.set())
        try:
            await driver.add_listener(channel, lambda _, __, ___, said: heard(said))
            joined()
            while not cut.is_set():
                # Not `wait_for`: where the wait is over already, it forgets that it was cancelled.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PING):
                        await cut.wait()
                # A network that swallows everything closes nothing.
                await driver.fetchval("select 1")
        finally:
            # It goes on listening in nobody's hands.
            await connection.invalidate()
