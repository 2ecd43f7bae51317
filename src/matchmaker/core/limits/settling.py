"""What one worker has let through, settled with what the others have."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from matchmaker.core.db import ReadSession, Session
from matchmaker.core.limits import queries

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from matchmaker.core.limits.policies import Policy

GAP: Final = 0.25
"""Seconds between two settlements that nobody waits for."""
PATIENCE: Final = 0.25
"""Seconds that a request waits for one: after that the worker's own count decides."""
SHARE: Final = 16
"""The part of what is left that a worker may let through before it settles."""
_KNOWN: Final = 20_000
"""Callers that a worker remembers; the table remembers all."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Standing(NamedTuple):
    """Whether a request may pass, what is left, and the seconds until all, or one, is back."""

    is_within: bool
    remaining: int
    reset: float
    wait: float


@dataclass(slots=True)
class Used:
    """One caller's use of one limit as a worker knows it."""

    policy: Policy
    full_at: float = 0.0
    """As in the table, by the worker's own clock, with what is not settled yet."""
    debt: int = 0
    """Requests let through and not settled."""

    def remaining(self, now: float) -> int:
        """How many more may pass, as far as this worker knows."""
        # A hair more than nothing: what was added up in steps is not short of one by rounding.
        free = self.policy.window - max(0.0, self.full_at - now)
        return max(0, math.floor(free / self.policy.step + 1e-6))

    def is_shared(self, now: float) -> bool:
        """Whether so little is open that one more may pass before it is settled."""
        return self.debt <= (0 if self.policy.is_strict else self.remaining(now) // SHARE)

    def take(self, now: float) -> Standing:
        """Let one more through if there is room."""
        left = self.remaining(now)
        if not left:
            ahead = self.full_at - now
            wait = ahead + self.policy.step - self.policy.window
            return Standing(is_within=False, remaining=0, reset=ahead, wait=wait)
        self.full_at = max(self.full_at, now) + self.policy.step
        self.debt += 1
        return Standing(is_within=True, remaining=left - 1, reset=self.full_at - now, wait=0.0)


class Ledger:
    """Who has used up what; one for each worker."""

    def __init__(self, write: async_sessionmaker[AsyncSession]) -> None:
        """Settle through ``write``."""
        self._write = write
        self._used: dict[tuple[str, str], Used] = {}
        self._open: dict[tuple[str, str], Used] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._hurry = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None

    async def charge(self, purpose: str, policy: Policy, subject: str) -> Standing:
        """Whether one more request of ``subject`` may pass; if so, it counts."""
        key = (purpose, subject)
        used = self._used.get(key)
        if used is None:
            used = self._open.get(key) or Used(policy)
            if len(self._used) >= _KNOWN:
                del self._used[next(iter(self._used))]
            self._used[key] = used
        await self._share(key, used)
        standing = used.take(time.monotonic())
        if standing.is_within:
            self._open[key] = used
            self._begin()
        return standing

    async def drain(self) -> None:
        """Settle what is open, if that can be done in a moment."""
        self._hurry.set()
        if self._settling is not None:
            _, late = await asyncio.wait([self._settling], timeout=PATIENCE * 4)
            for each in late:
                each.cancel()

    async def _share(self, key: tuple[str, str], used: Used) -> None:
        """Wait until the others know enough of what was let through here, but not for long.

        Of many that wait for one settlement only so many pass by it as may be open again; the
        others wait for the next one.
        """
        is_told, give_up = not used.policy.is_strict, time.monotonic() + PATIENCE
        while (now := time.monotonic()) < give_up and not (is_told and used.is_shared(now)):
            await self._settled(key, used, give_up - now)
            is_told = True

    async def _settled(self, key: tuple[str, str], used: Used, patience: float) -> None:
        """Wait until the others know what was let through here, and this worker what was there."""
        done = asyncio.get_running_loop().create_future()
        self._open[key] = used
        self._waiting.append(done)
        self._hurry.set()
        self._begin()
        await asyncio.wait([done], timeout=patience)

    def _begin(self) -> None:
        if self._settling is None or self._settling.done():
            self._settling = asyncio.create_task(self._settle_all())

    async def _settle_all(self) -> None:
        """Settle until nothing is open; no request fails with it."""
        while self._open or self._waiting:
            # Not `wait_for`: where the wait is over already, it forgets that it was cancelled.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GAP):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                await self._settle()
            except Exception as failure:  # noqa: BLE001  (each worker's own count goes on)
                _log.warning("limits.not_settled", kind=type(failure).__name__)
                await asyncio.sleep(GAP)

    async def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        owed = {key: used.debt for key, used in self._open.items()}
        debts = [(*key, owed[key] * used.policy.step) for key, used in self._open.items()]
        ahead: dict[tuple[str, str], float] = {}
        try:
            if debts:
                async with self._write.begin() as made:
                    ahead = await queries.settle(Session(ReadSession(made)), debts)
        finally:
            for done in waiting:
                if not done.done():
                    done.set_result(None)
        now = time.monotonic()
        for key, seconds in ahead.items():
            used = self._open[key]
            used.debt -= owed[key]
            used.full_at = now + seconds + used.debt * used.policy.step
            if not used.debt:
                del self._open[key]
