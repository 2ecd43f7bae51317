"""Databases of a test's own: as the migrations leave one, whatever other tests wrote elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

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


def unwalled(server: Server, settings: Settings) -> AsyncEngine:
    """An engine with the rights of mm_app to which no policy applies."""
    _as_superuser(
        server,
        # Roles are the server's, which several modules may share.
        "do $$ begin if not exists (select from pg_roles where rolname = 'unwalled') then"
        " create role unwalled login bypassrls password 'unwalled' in role mm_app;"
        " end if; end $$;"
        f" grant connect on database {MIGRATED} to unwalled",
    )
    url = make_url(server.url("mm_app")).set(username="unwalled", password="unwalled")  # noqa: S106
    login = url.render_as_string(hide_password=False)
    return db.create_engine(login, settings, role=cast("db.Role", "unwalled"))


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

    # In a thread: a fixture that asks may be running in a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()
