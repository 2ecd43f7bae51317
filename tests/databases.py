"""Databases of a test's own: as the migrations leave one, whatever other tests wrote elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

from matchmaker.core.postgres import Server

MIGRATED: Final = "matchmaker"
PRISTINE: Final = "pristine"


def keep_pristine(server: Server) -> None:
    """Keep a copy of the migrated database; called before anybody writes to it."""
    _as_superuser(server, f"create database {PRISTINE} owner mm_owner template {MIGRATED}")


@contextlib.contextmanager
def own_database(server: Server) -> Iterator[str]:
    """The login of mm_app on a new copy of the pristine database; about 50 ms each."""
    name = f"own_{uuid4().hex}"
    _as_superuser(server, f"create database {name} owner mm_owner template {PRISTINE}")
    try:
        yield (
            make_url(server.url("mm_app")).set(database=name).render_as_string(hide_password=False)
        )
    finally:
        _as_superuser(server, f"drop database {name} with (force)")


def _as_superuser(server: Server, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=server.port,
            user="postgres",
            password=server._passwords["postgres"],
            database="postgres",
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())
