"""Passwords: stored as argon2id, checked two at a time, so that logins starve nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import unicodedata
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from matchmaker.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MEMORY_KIB: Final = 19 * 1024
"""With two passes and one lane: the first of OWASP's choices for argon2id, 25 ms here."""
AT_ONCE: Final = 2
_WAITING: Final = 64
"""Logins that wait at most: a flood is told to come back, and holds nothing."""


class Passwords:
    """Hashes and checks passwords beside the event loop; one for each process."""

    def __init__(self) -> None:
        """Check nothing yet."""
        self._hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is stored of ``password``."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` is the one of ``stored``; of nobody's it takes as long to say no.

        Raises:
            Unavailable: too many others are waiting.
        """
        async with self._turn():
            return await asyncio.to_thread(self._fits, _normal(password), stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(self._nobodys if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    @functools.cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_hex())

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _WAITING:
            raise Unavailable
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """One form of what keyboards write in several."""
    return unicodedata.normalize("NFKC", password)
