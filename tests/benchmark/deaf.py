"""A way to a Postgres server on which no notification arrives: everything else passes."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Final

_SSL_REQUEST: Final = 80877103
_NOTIFICATION: Final = b"A"
_CHUNK: Final = 65536


class Deaf:
    """Where it listens, and how many notifications it has kept to itself."""

    def __init__(self, to: int) -> None:
        """Lead to the server at the port ``to`` of this machine."""
        self._to = to
        self.port = 0
        self.dropped = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Pass on what comes while inside."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, to = await asyncio.open_connection("127.0.0.1", self._to)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            first = await client.readexactly(8)
            to.write(first)
            if struct.unpack("!II", first)[1] == _SSL_REQUEST:
                # One octet says whether there is encryption; this server has none.
                back.write(await answers.readexactly(1))
            await asyncio.gather(_pass(client, to), self._answer(answers, back))
        for writer in (to, back):
            writer.close()

    async def _answer(self, answers: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Messages of the server: a type, a length that counts itself, the content."""
        try:
            while True:
                head = await answers.readexactly(5)
                content = await answers.readexactly(struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] == _NOTIFICATION:
                    self.dropped += 1
                else:
                    back.write(head + content)
                    await back.drain()
        finally:
            back.close()


async def _pass(client: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while content := await client.read(_CHUNK):
            to.write(content)
            await to.drain()
    finally:
        to.close()
