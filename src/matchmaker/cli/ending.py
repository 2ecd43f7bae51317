"""The end of a process that works in an event loop: told by a signal, and heard."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_TOLD_AGAIN: Final = 0.5
"""Seconds."""


async def until_end(work: Coroutine[object, object, None]) -> None:
    """Do ``work`` until it is over or the process is told to end.

    It is told again and again: where a connection breaks at the same moment, its failure takes the
    place of the cancellation, and what outlives failures would go on for ever.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not task.done():
            task.cancel()
            loop.call_later(_TOLD_AGAIN, stop)

    on_end(stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def on_end(stop: Callable[[], object]) -> None:
    """Call ``stop`` when this process is told to end, instead of ending."""
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop)
