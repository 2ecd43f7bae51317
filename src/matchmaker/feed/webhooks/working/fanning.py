"""Events become deliveries, each once, in the transaction that moves the position on.

There is no second outbox: the events are one, and the fan-out keeps its place in them. Whoever
holds the row of that place reads on; a worker that is killed leaves the place where it was, with
nothing that it made.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import async_sessionmaker

from matchmaker.core import db, events, jobs
from matchmaker.core.events import CHANNEL
from matchmaker.core.listening import listen
from matchmaker.feed.webhooks.models import new_delivery_id
from matchmaker.feed.webhooks.working import queries

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.core.settings import Settings
    from matchmaker.feed.sharing import Shared
    from matchmaker.feed.webhooks.models import DeliveryId
    from matchmaker.identity.models import OrganisationId

DELIVER: Final = "webhooks.deliver"
QUEUE: Final = "webhooks"
ATTEMPTS: Final = 20
"""How often a worker may vanish in the middle of one attempt; the schedule is not counted here."""
_GOODBYE: Final = 2.0
_NOW: Final = dt.timedelta()
_POLL: Final = 1.0
"""Seconds until events are looked for that nobody told of."""

log = structlog.get_logger("matchmaker.webhooks")


def attempt_of(
    delivery_id: DeliveryId, owner: OrganisationId, turn: int, pause: dt.timedelta = _NOW
) -> jobs.Job:
    """The job that makes the attempt of this turn, for the webhook's ``owner``."""
    return jobs.Job(
        kind=DELIVER,
        queue=QUEUE,
        organisation_id=owner,
        payload={"delivery_id": str(delivery_id), "turn": turn},
        max_attempts=ATTEMPTS,
        delay=pause,
    )


async def fan_out(session: Session, shared: Shared, batch: int) -> bool:
    """Whether there may be more: the next ``batch`` events are deliveries now, for all who want."""
    position = await queries.take_position(session)
    if position is None:
        return False
    last = await events.head(session)
    until = min(last, position + batch)
    if until == position:
        return False
    rows = [
        {"id": new_delivery_id(), **wish._asdict()}
        for wish in await queries.wishes(session, position, until, shared)
    ]
    await queries.insert_deliveries(session, rows)
    await jobs.enqueue_all(
        session, [attempt_of(row["id"], row["organisation_id"], 0) for row in rows]
    )
    await queries.move_position(session, until)
    return until < last


class FanOut:
    """Fans out for as long as it is let, as soon as an event is heard of."""

    def __init__(self, url: str, settings: Settings, shared: Shared, batch: int) -> None:
        """Note what to do; nothing is connected before ``run``."""
        few = msgspec.structs.replace(settings, pool_size=2, pool_overflow=0)
        self._engine = db.create_engine(url, few, acting=db.INSTALLATION)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._shared = shared
        self._batch = batch
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Fan out until this is cancelled; no failure ends it."""
        hearing = asyncio.create_task(
            listen(
                self._engine,
                CHANNEL,
                heard=lambda _: self._woken.set(),
                joined=self._woken.set,
            )
        )
        try:
            while True:
                self._woken.clear()
                if not await self._round():
                    # Not `wait_for`: where the wait is over, it forgets that it was cancelled.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_POLL):
                            await self._woken.wait()
        finally:
            hearing.cancel()
            # Not for ever: a connection that breaks just then swallows that it was cancelled.
            await asyncio.wait({hearing}, timeout=_GOODBYE)
            await self._engine.dispose()

    async def _round(self) -> bool:
        try:
            async with self._sessions.begin() as session:
                return await fan_out(db.Session(db.ReadSession(session)), self._shared, self._batch)
        except Exception as failure:  # noqa: BLE001  (whatever it was, it must go on)
            log.warning("webhooks.fan_out_failed", failure=type(failure).__name__)
            return False
