"""Keeps the leases and listens, in a thread of its own: a handler that computes stops neither."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
import uvloop

from matchmaker.core import db
from matchmaker.core.jobs.queries import CANCEL, CHANNEL
from matchmaker.core.jobs.working import queries
from matchmaker.core.listening import listen

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from matchmaker.core.jobs.models import JobId
    from matchmaker.core.settings import Settings

_RENEWALS: Final = 3
"""In the time of one lease."""
_AGAIN: Final = 0.5
"""Seconds until a failed renewal is tried again."""

log = structlog.get_logger("matchmaker.jobs")


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease to be kept, and who is told when the job is gone: True says that it was cancelled."""

    attempt: int
    gone: Callable[[bool], None]


class Watch:
    """Renews what is held and passes on what is heard; ``wake`` is called when there is work.

    It has connections of its own. What it calls, it calls in the loop that started it.
    """

    def __init__(
        self, url: str, settings: Settings, lease: dt.timedelta, wake: Callable[[], None]
    ) -> None:
        """Note what to do; nothing runs before ``start``."""
        self._url = url
        self._settings = msgspec.structs.replace(settings, pool_size=2, pool_overflow=0)
        self._lease = lease
        self._wake = wake
        self._held: dict[JobId, Hold] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs watch", daemon=True)

    def start(self) -> None:
        """Start; called in the running loop of the worker."""
        self._caller = asyncio.get_running_loop()
        self._thread.start()
        self._ready.wait()

    def hold(self, job_id: JobId, hold: Hold) -> None:
        """Keep the lease of a job from now on."""
        with self._lock:
            self._held[job_id] = hold

    def let_go(self, job_id: JobId) -> None:
        """Keep it no longer."""
        with self._lock:
            self._held.pop(job_id, None)

    async def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._done.set)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._watch())

    async def _watch(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._done, self._look = asyncio.Event(), asyncio.Event()
        self._ready.set()
        engine = db.create_engine(self._url, self._settings, acting=db.INSTALLATION)
        tasks = [
            asyncio.create_task(
                listen(engine, CHANNEL, heard=self._heard, joined=partial(self._tell, self._wake))
            ),
            asyncio.create_task(self._renewing(engine)),
        ]
        try:
            await self._done.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.dispose()

    def _heard(self, said: str) -> None:
        if said == CANCEL:
            self._look.set()
        else:
            self._tell(self._wake)

    async def _renewing(self, engine: AsyncEngine) -> None:
        pause = every = self._lease.total_seconds() / _RENEWALS
        while True:
            # Not `wait_for`: where the wait is over already, it forgets that it was cancelled.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
            self._look.clear()
            try:
                await self._renew(engine)
            except Exception as failure:  # noqa: BLE001  (whatever it was, it must go on)
                log.warning("jobs.renewal_failed", failure=type(failure).__name__)
                pause = min(every, _AGAIN)
            else:
                pause = every

    async def _renew(self, engine: AsyncEngine) -> None:
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        named = [(job_id, hold.attempt) for job_id, hold in held.items()]
        async with engine.begin() as connection:
            kept = {
                found.id: found for found in await queries.renew(connection, named, self._lease)
            }
        for job_id, hold in held.items():
            found = kept.get(job_id)
            if found is None or found.is_cancelled:
                self._tell(hold.gone, found is not None)

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the worker's loop is closed
            self._caller.call_soon_threadsafe(what, *arguments)
