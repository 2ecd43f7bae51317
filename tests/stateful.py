"""State machines of hypothesis against the real database: how long they are, and their loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

T = TypeVar("T")


def length() -> hypothesis.settings:
    """50 lives of 30 steps, the same every time; 500 of 50 at random under the profile ``soak``."""
    is_soak = hypothesis.settings.get_current_profile_name() == "soak"
    return hypothesis.settings(
        max_examples=500 if is_soak else 50,
        stateful_step_count=50 if is_soak else 30,
        deadline=None,
        derandomize=not is_soak,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


class Transactions:
    """Runs one coroutine after another, each in a transaction that is committed or undone."""

    def __init__(self, runner: asyncio.Runner, engine: AsyncEngine) -> None:
        self._runner = runner
        self._engine = engine

    def __call__(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """What ``work`` gives; what it raises undoes it."""

        async def whole() -> T:
            async with AsyncSession(self._engine, expire_on_commit=False) as made, made.begin():
                return await work(Session(ReadSession(made)))

        return self._runner.run(whole())


@contextlib.contextmanager
def transactions(server: Server, settings: Settings) -> Iterator[Transactions]:
    """Transactions as mm_app, in an event loop of their own."""
    with asyncio.Runner() as runner:
        engine = db.create_engine(server.url("mm_app"), settings)
        try:
            yield Transactions(runner, engine)
        finally:
            runner.run(engine.dispose())
