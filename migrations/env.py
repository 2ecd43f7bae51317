"""How migrations run: one migrator at a time, never in the way of traffic for long.

The login comes from ``matchmaker.core.migrate`` or, for the alembic command, from the environment.
It must be mm_owner, or be able to create roles; mm_owner makes and owns everything in schema mm.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import pkgutil
import time

from alembic import context
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import matchmaker
from matchmaker.core import settings
from matchmaker.core.db import SCHEMA, Base, with_driver

LOCK_KEY = 0x6D617463  # "matc"
LOCK_WAIT_S = 600.0
TIMEOUTS = {"lock_timeout": "200ms", "statement_timeout": "5min"}
COMMAND_TIMEOUT_S = 310.0
"""Longer than the server's limit on a statement, which ends more kindly."""
ATTEMPTS = 20
PAUSE_S = 0.25
LOCK_NOT_AVAILABLE = "55P03"
ROLES = ("mm_owner", "mm_app", "mm_worker")
# From 16 on, who creates a role may grant it, but not take it.
CAN_TAKE = """
    SELECT pg_has_role(current_user, :role,
        CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN 'SET' ELSE 'MEMBER' END)
"""
CAN_GRANT = """
    SELECT pg_has_role(current_user, :role, 'MEMBER WITH ADMIN OPTION')
        OR (rolcreaterole AND current_setting('server_version_num')::int < 160000)
    FROM pg_roles WHERE rolname = current_user
"""

log = logging.getLogger("alembic.env")


class MigrationLockBusy(CommandError, RuntimeError):
    """Another migrator held the lock for too long."""


def login() -> URL:
    """The database login, with the driver the product uses."""
    url = context.config.attributes.get("url")
    if url is None:
        found = settings.from_environment(os.environ)
        url = found.database_url_owner or found.database_url
    if url is None:
        raise SystemExit("set DATABASE_URL_OWNER (or DATABASE_URL) to the database to migrate")
    return with_driver(url)


def import_models() -> None:
    """Fill the metadata with the tables of every room."""
    for module in pkgutil.walk_packages(matchmaker.__path__, "matchmaker."):
        if module.name.endswith((".models", ".core.events")):
            importlib.import_module(module.name)


def ours(name: str | None, kind: str, _: object) -> bool:
    """Whether autogenerate looks at this schema; other schemas are someone else's."""
    return kind != "schema" or name == SCHEMA


def configure(connection: Connection | None = None, url: str | None = None) -> None:
    """Alembic's context for the one schema."""
    context.configure(
        connection=connection,
        url=url,
        target_metadata=Base.metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        literal_binds=url is not None,
    )


def run(connection: Connection) -> None:
    """Every missing migration, each in a transaction of its own."""
    configure(connection)
    with context.begin_transaction():
        context.run_migrations()


async def lock(connection: AsyncConnection) -> None:
    """Hold the migrators' lock for the life of the connection; a dead holder may linger."""
    give_up = time.monotonic() + float(context.config.attributes.get("lock_wait", LOCK_WAIT_S))
    while True:
        taken = await connection.scalar(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}
        )
        await connection.commit()
        if taken:
            return
        if time.monotonic() > give_up:
            raise MigrationLockBusy("another migration is running; try again when it is done")
        await asyncio.sleep(PAUSE_S)


async def take(connection: AsyncConnection, role: str) -> None:
    """The login may act as ``role``; of the others than mm_owner only where it can grant them.

    A login of mm_owner alone has no need of the others: they have logins of their own.
    """
    if await connection.scalar(text(CAN_TAKE), {"role": role}):
        return
    if role == "mm_owner" or await connection.scalar(text(CAN_GRANT), {"role": role}):
        await connection.execute(text(f"GRANT {role} TO CURRENT_USER"))


async def prepare(connection: AsyncConnection) -> None:
    """The roles, the schema, and the session set to act as mm_owner."""
    for role in ROLES:
        if not await connection.scalar(
            text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}
        ):
            await connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
        await take(connection, role)
    exists = await connection.scalar(
        text("SELECT 1 FROM pg_namespace WHERE nspname = :s"), {"s": SCHEMA}
    )
    if not exists:
        await connection.execute(text(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION mm_owner"))
    await connection.execute(text("SET ROLE mm_owner"))
    await connection.commit()


async def migrate_online() -> None:
    """Run under the lock; a migration that meets a busy table gives way and tries again."""
    engine = create_async_engine(
        login(),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": TIMEOUTS,
        },
    )
    try:
        async with engine.connect() as connection:
            await lock(connection)
            await prepare(connection)
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    await connection.run_sync(run)
                    await connection.commit()
                    break
                except DBAPIError as error:
                    await connection.rollback()
                    if (
                        getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE
                        or attempt == ATTEMPTS
                    ):
                        raise
                    log.warning("a table is busy, attempt %d of %d", attempt, ATTEMPTS)
                    await asyncio.sleep(PAUSE_S)
    finally:
        await engine.dispose()


import_models()
if context.is_offline_mode():
    configure(url="postgresql+asyncpg://")
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(migrate_online())
