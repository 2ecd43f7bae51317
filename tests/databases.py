"""Databases of a test's own: as the migrations leave one, whatever other tests wrote elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

from matchmaker.core.postgres import Server

MIGRATED: Final = "matchmaker"
PRISTINE: Final = "pristine"


def keep_pristine(server: Server) -> None:
    """Keep a copy of the migrated database; called before anybody writes to it."""
    as_superuser(server, f"create database {PRISTINE} owner mm_owner template {MIGRATED}")


@contextlib.contextmanager
def own_database(server: Server) -> Iterator[str]:
    """The login of mm_app on a new copy of the pristine database; about 50 ms each."""
    name = f"own_{uuid4().hex}"
    as_superuser(server, f"create database {name} owner mm_owner template {PRISTINE}")
    try:
        yield (
            make_url(server.url("mm_app")).set(database=name).render_as_string(hide_password=False)
        )
    finally:
        as_superuser(server, f"drop database {name} with (force)")


def as_superuser(server: Server, statement: str, database: str = "postgres") -> None:
    """Do what no login of the product may."""

    async def work() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=server.port,
            user="postgres",
            password=server._passwords["postgres"],
            database=database,
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    # In a thread: a fixture that asks may be running in a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()
