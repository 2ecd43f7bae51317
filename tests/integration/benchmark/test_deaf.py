"""The connection without notifications: everything else arrives over it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
from tests.benchmark.deaf import Deaf

from matchmaker.core.postgres import Server

CHANNEL = "bench_deaf"
PATIENCE = 5.0


async def test_no_notification_passes_and_everything_else_does(server: Server) -> None:
    url = server.url("mm_app").replace("+asyncpg", "")
    deaf = Deaf(urlsplit(url).port or 0)
    heard: dict[str, asyncio.Event] = {"direct": asyncio.Event(), "around": asyncio.Event()}
    async with deaf.open():
        around = url.replace(f":{urlsplit(url).port}/", f":{deaf.port}/")
        found = {"direct": await asyncpg.connect(url), "around": await asyncpg.connect(around)}
        for name, connection in found.items():
            await connection.add_listener(CHANNEL, lambda *_, name=name: heard[name].set())
        try:
            await found["direct"].execute(f"notify {CHANNEL}")
            await asyncio.wait_for(heard["direct"].wait(), PATIENCE)
            # What is asked after the notification is answered after it too.
            large = await found["around"].fetchval("select repeat('x', 200000)")
        finally:
            for connection in found.values():
                await connection.close()
    assert len(large) == 200_000
    assert heard["direct"].is_set(), "the control: it was sent"
    assert not heard["around"].is_set()
    assert deaf.dropped == 1
