"""Webhooks as tests need them: a firm, its endpoints, and events, straight in the database."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.factories import SEEDS
from tests.identities import Holder

from matchmaker.core import db, events, jobs
from matchmaker.core.events import CLI, Event
from matchmaker.core.sealing import Sealer
from matchmaker.core.settings import Settings
from matchmaker.feed.sharing import Shared
from matchmaker.feed.webhooks import policy
from matchmaker.feed.webhooks.policy import Policy
from matchmaker.feed.webhooks.sending import Sender
from matchmaker.feed.webhooks.working import jobs as working
from matchmaker.feed.webhooks.working.delivering import SECRETS, Means
from matchmaker.feed.webhooks.working.fanning import FanOut

SECRET: Final = "s" * 32
RELEASED: Final = policy.load(SEEDS)
QUICK: Final = msgspec.structs.replace(RELEASED, pauses=(0,) + (0.1,) * 9, seconds=0.5)
"""The released policy, with hardly a pause."""


def means(asked: Policy = QUICK, sender: Sender | None = None) -> Means:
    return Means(
        sender=sender or Sender(is_open=True),
        sealer=Sealer(SECRET.encode(), SECRETS),
        policy=asked,
    )


def happened(owner: Holder | None, subject_id: UUID, kind: str = "thing.made") -> Event:
    return Event(
        kind=kind,
        subject_type=kind.partition(".")[0],
        subject_id=subject_id,
        organisation_id=owner.organisation_id if owner else None,
        actor=CLI,
    )


async def record(engine: AsyncEngine, *told: Event) -> int:
    """The position of the last of these events, which are committed."""
    async with async_sessionmaker(engine).begin() as session:
        return await events.append(db.Session(db.ReadSession(session)), *told)


@contextlib.asynccontextmanager
async def working_on(
    url: str, engine: AsyncEngine, asked: Policy = QUICK, *, shared: Shared | None = None
) -> AsyncIterator[None]:
    """A worker that fans out and sends, in this process."""
    worker = jobs.Worker(
        url,
        Settings(secret=SECRET),
        working.senders(means(asked), db.reading(engine)),
        options=jobs.Options(concurrency=8, poll=0.2),
    )
    fan_out = FanOut(url, Settings(), shared or {}, asked.batch)
    tasks = [asyncio.create_task(worker.run()), asyncio.create_task(fan_out.run())]
    try:
        yield
    finally:
        worker.stop()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(
    ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], seconds: float = 20.0
) -> Any:  # noqa: ANN401  (whatever was asked)
    """What ``ask`` says once that holds."""
    end = time.monotonic() + seconds
    while not holds(found := await ask()):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)
    return found
