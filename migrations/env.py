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
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import matchmaker
from matchmaker.core import settings
from matchmaker.core.db import SCHEMA, Base, with_driver

LOCK_KEY = 0x6D617463  # "matc"
LOCK_WAIT_S = 600.0
LOCK_TIMEOUT = "200ms"
STATEMENT_TIMEOUT = "5min"
ATTEMPTS = 20
PAUSE_S = 0.25
LOCK_NOT_AVAILABLE = "55P03"
ROLES = ("mm_owner", "mm_app", "mm_worker")

log = logging.getLogger("alembic.env")


class MigrationLockBusy(RuntimeError):
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
        if module.name.endswith(".models"):
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


async def prepare(connection: AsyncConnection) -> None:
    """The roles, the schema, and the session set to act as mm_owner."""
    for role in ROLES:
        if not await connection.scalar(
            text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}
        ):
            await connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
    if not await connection.scalar(text("SELECT pg_has_role(current_user, 'mm_owner', 'MEMBER')")):
        await connection.execute(text("GRANT mm_owner TO CURRENT_USER"))
    exists = await connection.scalar(
        text("SELECT 1 FROM pg_namespace WHERE nspname = :s"), {"s": SCHEMA}
    )
    if not exists:
        await connection.execute(text(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION mm_owner"))
    await connection.execute(text("SET ROLE mm_owner"))
    await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    await connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    await connection.commit()


async def migrate_online() -> None:
    """Run under the lock; a migration that meets a busy table gives way and tries again."""
    engine = create_async_engine(login(), poolclass=NullPool, connect_args={"timeout": 5})
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
