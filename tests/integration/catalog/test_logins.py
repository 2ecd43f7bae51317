"""Which logins can migrate, and what deploy/roles.sh makes of an empty server."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy.ext.asyncio
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from tests.clusters import FAST, reachable_directory

from matchmaker.core import db, migrate
from matchmaker.core.postgres import Embedded, Server, places
from matchmaker.core.settings import Settings

ROLES_SH = Path(__file__).parents[3] / "deploy" / "roles.sh"
PASSWORDS = {"OWNER_PASSWORD": "o'1", "APP_PASSWORD": "a2", "WORKER_PASSWORD": "w3"}


async def admin(url: URL) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        database=url.database,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def plain() -> AsyncIterator[URL]:
    """The superuser's login to an empty database, on a server without our roles."""
    with reachable_directory() as place, Embedded(place, FAST).start() as server:
        password = server._passwords["postgres"]
        superuser = make_url(server.url("mm_owner")).set(username="postgres", password=password)
        connection = await admin(superuser.set(database="postgres"))
        await connection.execute("CREATE DATABASE plain TEMPLATE template0")
        await connection.execute("DROP DATABASE matchmaker")
        await connection.execute("DROP ROLE mm_owner, mm_app, mm_worker")
        await connection.close()
        yield superuser.set(database="plain")


async def test_one_login_that_may_create_roles_is_enough(plain: URL) -> None:
    connection = await admin(plain)
    await connection.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'b'")
    await connection.execute("ALTER DATABASE plain OWNER TO boss")
    await connection.close()
    login = plain.set(username="boss", password="b")  # noqa: S106
    url = login.render_as_string(hide_password=False)
    migrate.upgrade(url)
    migrate.upgrade(url)
    roles: tuple[db.Role, ...] = ("mm_app", "mm_worker")
    for role in roles:
        assert await acting(url, role) == role


async def acting(url: str, role: db.Role) -> str:
    """Who a connection as ``role`` is."""
    engine = db.create_engine(url, Settings(), role=role, acting=db.INSTALLATION)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select from mm.offering"))
            return str(await connection.scalar(text("select current_user")))
    finally:
        await engine.dispose()


async def test_the_logins_of_the_script_migrate_and_serve_and_no_more(plain: URL) -> None:
    environment = {
        **os.environ,
        **PASSWORDS,
        "PGHOST": str(plain.host),
        "PGPORT": str(plain.port),
        "PGPASSWORD": str(plain.password),
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "plain",
        "PATH": f"{places.programs(None)}{os.pathsep}{os.environ['PATH']}",
    }
    script = await asyncio.create_subprocess_exec(
        "sh", ROLES_SH, env=environment, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await script.communicate()
    assert (script.returncode, said) == (0, b"")
    owner = plain.set(username="mm_owner", password=PASSWORDS["OWNER_PASSWORD"])
    migrate.upgrade(owner.render_as_string(hide_password=False))
    roles: dict[db.Role, str] = {"mm_app": "APP_PASSWORD", "mm_worker": "WORKER_PASSWORD"}
    for role, name in roles.items():
        login = plain.set(username=role, password=PASSWORDS[name])
        url = login.render_as_string(hide_password=False)
        assert await acting(url, role) == role
        with pytest.raises((DBAPIError, asyncpg.PostgresError), match="permission denied"):
            await acting(url, "mm_owner")


def test_a_migration_has_limits_and_hides_its_values(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Mock(wraps=sqlalchemy.ext.asyncio.create_async_engine)
    monkeypatch.setattr(sqlalchemy.ext.asyncio, "create_async_engine", spy)
    migrate.check(server.url("mm_owner"))
    options = spy.call_args.kwargs
    assert options["hide_parameters"] is True
    connect = options["connect_args"]
    assert connect["server_settings"] == {"lock_timeout": "200ms", "statement_timeout": "5min"}
    assert connect["command_timeout"] > 300
