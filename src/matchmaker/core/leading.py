"""One leader among several processes, by an advisory lock on a connection of its own."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import BigInteger

from matchmaker.core import db

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from matchmaker.core.settings import Settings

_TRY: Final = db.statement("select pg_try_advisory_lock(:key)", {"key": BigInteger()})


class Leadership:
    """Whether this process leads ``name``: one process at most does, for as long as it lives.

    Leadership is a lock of a database session and lost with it. So it is asked for again before
    each thing that only the leader does: a session that has the lock gets it once more.
    """

    def __init__(self, url: str, settings: Settings, name: str) -> None:
        """Note what is to be led; nothing is connected before it is asked for."""
        alone = msgspec.structs.replace(settings, pool_size=1, pool_overflow=0)
        # A session in a transaction would be ended as idle, and the lock with it.
        self._engine = db.create_engine(url, alone).execution_options(isolation_level="AUTOCOMMIT")
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        self._connection: AsyncConnection | None = None

    async def is_mine(self) -> bool:
        """Whether this process leads now; raises where the database cannot be asked."""
        if self._connection is None:
            self._connection = await self._engine.connect()
        try:
            return bool(await self._connection.scalar(_TRY, {"key": self._key}))
        except BaseException:
            # What remains of the session must not keep the lock in nobody's hands.
            await self._drop()
            raise

    async def resign(self) -> None:
        """Lead no longer; another may at once."""
        await self._drop()
        await self._engine.dispose()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.invalidate()
            with contextlib.suppress(Exception):
                await connection.close()
