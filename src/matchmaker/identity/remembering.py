"""What the guard remembers of credentials between requests: for two seconds, and their use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

CACHE_SECONDS: Final = 2.0
"""How long a credential is taken at its word: after that, a revocation has acted everywhere."""
USE_NOTED_EVERY: Final = 60.0
"""Seconds between two notes of when a credential was last used."""
_CACHED: Final = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Memory(Generic[K, V]):
    """Credentials as the database had them a moment ago, by what they are found by."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        look_up: Callable[[ReadSession, K], Awaitable[V | None]],
    ) -> None:
        """Ask ``look_up`` for what is not remembered."""
        self._sessions = sessions
        self._look_up = look_up
        self._seen: dict[K, tuple[V, float]] = {}

    async def get(self, key: K) -> V | None:
        """What ``key`` finds; None where there is nothing, which is never remembered."""
        now = time.monotonic()
        seen = self._seen.get(key)
        if seen is not None and now - seen[1] < CACHE_SECONDS:
            return seen[0]
        # Whose it is, is what is asked: until it is found nobody acts but the installation.
        async with db.begun(self._sessions, db.INSTALLATION) as session:
            found = await self._look_up(ReadSession(session), key)
        # What is not found is not remembered: a key made a moment ago in another process works.
        self._seen.pop(key, None)
        if found is not None:
            _make_room(self._seen)
            self._seen[key] = found, now
        return found


class Notes:
    """Notes of when credentials were last used; no request waits for one or fails with it."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Write in transactions of ``sessions``."""
        self._sessions = sessions
        self._noted: dict[Hashable, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(
        self, id_: Hashable, acting: UUID, write: Callable[[Session], Awaitable[None]]
    ) -> None:
        """Have ``write`` note the use of ``id_`` while ``acting`` acts, at most once a minute."""
        now = time.monotonic()
        last = self._noted.get(id_)
        if last is not None and now - last < USE_NOTED_EVERY:
            return
        _make_room(self._noted)
        self._noted[id_] = now
        task = asyncio.create_task(self._write(acting, write))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def drain(self) -> None:
        """Wait for the notes that are being written."""
        await asyncio.gather(*self._writing)

    async def _write(self, acting: UUID, write: Callable[[Session], Awaitable[None]]) -> None:
        try:
            async with db.begun(self._sessions, acting) as session:
                await write(Session(ReadSession(session)))
        except Exception as failure:  # noqa: BLE001  (a missing note harms nobody)
            _log.warning("credential.use_not_noted", kind=type(failure).__name__)


def _make_room(kept: dict[K, V]) -> None:
    if len(kept) >= _CACHED:
        del kept[next(iter(kept))]
