"""Database: the declarative base, the engine with every timeout, and the types of sessions."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Literal, NewType
from uuid import UUID

import asyncpg
from sqlalchemy import (
    URL,
    BigInteger,
    DateTime,
    Enum,
    MetaData,
    TextClause,
    Uuid,
    bindparam,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from matchmaker.core.settings import Settings

SCHEMA = "mm"
GOODBYE = 0.5
"""Seconds a broken connection may take to close."""
Role = Literal["mm_owner", "mm_app", "mm_worker"]
INSTALLATION: Final = UUID(int=0)
"""Who acts where no organisation does: the console, the jobs, the publisher."""
ACTING: Final = "mm.org_id"
"""The setting in which row-level security reads who acts."""
_OPTION: Final = "acting"
"""The execution option that says who acts in the transactions of a connection."""

ReadSession = NewType("ReadSession", AsyncSession)
"""A session whose transaction is read-only."""
Session = NewType("Session", ReadSession)
"""A session that may write; usable wherever a ReadSession is."""


def _values(members: type[enum.StrEnum]) -> list[str]:
    return [member.value for member in members]


class Base(MappedAsDataclass, DeclarativeBase):
    """Base of every mapped class; repeat ``kw_only=True`` on each subclass.

    ``dict[str, Any]`` and ``list[Any]`` are jsonb, ``int`` is eight bytes (money is minor units),
    times are aware, a StrEnum is its value as varchar.
    """

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own name for it; a ClassVar would be mapped)
        int: BigInteger,
        UUID: Uuid,
        dt.datetime: DateTime(timezone=True),
        enum.StrEnum: Enum(enum.StrEnum, native_enum=False, length=32, values_callable=_values),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
    }


class _Connection(asyncpg.Connection):
    """A connection that says at BEGIN who acts, and does not say goodbye for long.

    After a network cut nobody answers it.
    """

    acting: UUID | None = None
    """In the next transaction; row-level security reads it from there."""

    async def execute(
        self,
        query: str,
        *args: object,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> str:
        """As ever; with BEGIN goes who acts until the end of the transaction: no trip of its own.

        What is set so ends with the transaction; nothing that is set for a session ever would.
        """
        if query.startswith("BEGIN") and not args and self.acting is not None:
            # As text: what is sent without a trip of its own takes no parameters.
            query += f" SELECT set_config('{ACTING}', '{UUID(int=self.acting.int)}', true)"
        done: str = await super().execute(query, *args, timeout=timeout)
        return done

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close within half a second, by force if need be."""
        await super().close(timeout=min(timeout or GOODBYE, GOODBYE))


def statement(sql: str, types: Mapping[str, Any]) -> TextClause:
    """``sql`` whose parameters have the types that ``types`` gives to their names."""
    clause = text(sql)
    return clause.bindparams(
        *(bindparam(name, type_=types[name]) for name in clause.compile().params)
    )


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def with_driver(url: str) -> URL:
    """``postgresql://...`` as libpq tools write it, for our driver: ``sslmode`` becomes ``ssl``."""
    found = make_url(url).set(drivername="postgresql+asyncpg")
    mode = found.query.get("sslmode")
    if mode is None:
        return found
    return found.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def create_engine(
    url: str,
    settings: Settings,
    *,
    role: Role = "mm_app",
    acting: UUID | None = None,
    planning: Mapping[str, str] | None = None,
) -> AsyncEngine:
    """An engine that acts as ``role`` and on which nothing waits for ever; the caller disposes it.

    ``role`` is a session default sent at connect: a login that may not take it cannot connect, and
    ``RESET ROLE`` comes back to it. ``acting`` is who acts where a session does not say (`begun`):
    by default nobody, who reads what is published. ``planning`` are settings of the server's
    planner for all statements of the engine.
    """
    made = create_async_engine(
        with_driver(url),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        pool_recycle=1800,
        # A failed statement's values would end in the log.
        hide_parameters=True,
        execution_options={_OPTION: acting},
        connect_args={
            "connection_class": _Connection,
            "timeout": settings.connect_timeout,
            "command_timeout": settings.command_timeout,
            "server_settings": {
                "role": role,
                "application_name": f"matchmaker {role}",
                "timezone": "UTC",
                "jit": "off",
                "search_path": f"{SCHEMA}, pg_catalog",
                "statement_timeout": _milliseconds(settings.statement_timeout),
                "lock_timeout": _milliseconds(settings.lock_timeout),
                "idle_in_transaction_session_timeout": _milliseconds(
                    settings.idle_in_transaction_timeout
                ),
                "client_connection_check_interval": "5s",
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
                **(planning or {}),
            },
        },
    )
    event.listen(made.sync_engine, "begin", _say_who_acts)
    return made


def _say_who_acts(connection: Connection) -> None:
    """Have the transaction that begins act for whom its options name, and for nobody else."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, _Connection)  # noqa: S101  (create_engine makes no other)
    driver.acting = connection.get_execution_options().get(_OPTION)


@contextlib.asynccontextmanager
async def begun(
    sessions: async_sessionmaker[AsyncSession], acting: UUID | None
) -> AsyncIterator[AsyncSession]:
    """A session in a transaction in which ``acting`` acts, committed at the end."""
    options = {**sessions.kw.get("execution_options", {}), _OPTION: acting}
    async with sessions(execution_options=options) as session, session.begin():
        yield session


def read_only(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Makes sessions that change nothing."""
    return async_sessionmaker(
        engine, expire_on_commit=False, execution_options={"postgresql_readonly": True}
    )


def reading(
    engine: AsyncEngine, *, acting: UUID | None = None
) -> Callable[[], AbstractAsyncContextManager[ReadSession]]:
    """Opens read-only transactions on ``engine``: of ``acting``, or of whom the engine is for."""
    sessions = read_only(engine)
    if acting is not None:
        sessions.configure(execution_options={**sessions.kw["execution_options"], _OPTION: acting})

    @contextlib.asynccontextmanager
    async def open_one() -> AsyncIterator[ReadSession]:
        async with sessions.begin() as session:
            yield ReadSession(session)

    return open_one


async def let_go(session: ReadSession) -> None:
    """The transaction ends here and its connection goes back, before work that takes long.

    Nothing more can be read in it, nor what was loaded be read again.
    """
    await session.rollback()


@contextlib.asynccontextmanager
async def undone(session: Session, *, is_meant: bool = True) -> AsyncIterator[None]:
    """What is written inside is as if it never was; where that is not meant, it stays."""
    if not is_meant:
        yield
        return
    savepoint = await session.begin_nested()
    try:
        yield
    finally:
        if savepoint.is_active:
            await savepoint.rollback()


async def answers(engine: AsyncEngine) -> bool:
    """Whether the database answers a query."""
    async with engine.connect() as connection:
        return bool(await connection.scalar(text("SELECT 1")) == 1)


async def revision(engine: AsyncEngine) -> str | None:
    """The migration the database stands at."""
    async with engine.connect() as connection:
        found: str | None = await connection.scalar(
            text("SELECT version_num FROM mm.alembic_version")
        )
        return found
