"""A process that is told to end ends, whatever happens to its work at that moment."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from matchmaker.cli import ending


async def outliving(told: list[int]) -> None:
    """Goes on after failures; the first cancellation becomes one, as when a connection breaks."""
    while True:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            told.append(1)
            if len(told) > 1:
                raise


async def ended(seconds: float) -> tuple[bool, int]:
    """Whether the work is over so long after the signal, and how often it was told."""
    told: list[int] = []
    work = asyncio.create_task(ending.until_end(outliving(told)))
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    done, _ = await asyncio.wait([work], timeout=seconds)
    if not done:
        work.cancel()
    return bool(done), len(told)


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """Loops of tests have signal handlers of their own; none is left behind."""
    before = {told: signal.getsignal(told) for told in (signal.SIGTERM, signal.SIGINT)}
    yield
    for told, handler in before.items():
        signal.signal(told, handler)


def test_it_is_told_until_it_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_TOLD_AGAIN", 0.1)
    assert asyncio.run(ended(5)) == (True, 2)


def test_control_told_once_it_would_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_TOLD_AGAIN", 3600.0)
    is_over, _ = asyncio.run(ended(0.5))
    assert not is_over
