"""The engine: its role, its session settings, and that nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.conftest import client_of

from matchmaker.app import create_app
from matchmaker.core import access, db, once, provided, transient
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Server
from matchmaker.core.problems import problems
from matchmaker.core.settings import Settings


class Hole:
    """A proxy to the server that can stop passing bytes without closing anything."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        self._open.set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Hole]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.heal()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            for source, sink in ((reader, back), (there, writer)):
                task = asyncio.create_task(self._pass(source, sink))
                self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


class LedgerController(Controller):
    """One read and one write."""

    path = "/ledger"
    opt = access.public()

    @get(operation_id="readLedger", responses=problems())
    async def read(self, read_session: NamedDependency[ReadSession]) -> dict[str, int]:
        """Read."""
        return {"n": await read_session.scalar(text("SELECT 1")) or 0}

    @post(operation_id="writeLedger", opt=once.creates(), responses=problems())
    async def write(self, session: NamedDependency[Session]) -> dict[str, int]:
        """Write."""
        return {"n": await session.scalar(text("SELECT 1")) or 0}


async def test_a_network_that_swallows_everything_is_a_503_within_five_seconds(
    server: Server, settings: Settings
) -> None:
    async with Hole(server.port).serving() as hole:
        url = make_url(server.url("mm_app")).set(port=hole.port)
        engine = db.create_engine(
            url.render_as_string(hide_password=False), settings, acting=db.INSTALLATION
        )
        app = create_app(settings, engine, controllers=[LedgerController])
        async with client_of(app) as client:
            assert (await client.get("/v1/ledger")).is_success
            hole.cut()
            answers = await asyncio.gather(
                *(timed(client, m) for m in ("GET", "POST", "GET", "POST"))
            )
            for answer, took in answers:
                assert answer.status_code == 503, answer.text
                assert answer.headers["retry-after"]
                assert took <= 5.0
            ready, took = await timed(client, "GET", "/readyz")
            assert ready.status_code == 503
            assert took < 1.0
            assert (await client.get("/livez")).is_success
            hole.heal()
            answer, took = await timed(client, "GET")
            assert answer.is_success, answer.text
            assert took < 1.0
        await engine.dispose()


async def test_an_engine_without_timeouts_hangs_in_the_same_hole(server: Server) -> None:
    """The control: the defaults are still waiting when ours have long answered."""
    async with Hole(server.port).serving() as hole:
        url = make_url(server.url("mm_app")).set(port=hole.port)
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            hole.cut()
            waiting = asyncio.ensure_future(connection.execute(text("SELECT 1")))
            done, _ = await asyncio.wait([waiting], timeout=5.5)
            assert not done
            hole.heal()
            await waiting
        await engine.dispose()


async def timed(
    client: httpx.AsyncClient, method: str, path: str = "/v1/ledger"
) -> tuple[httpx.Response, float]:
    started = time.perf_counter()
    answer = await client.request(method, path, timeout=20)
    return answer, time.perf_counter() - started


def test_a_libpq_url_is_understood() -> None:
    url = db.with_driver("postgresql://u:p@h:5432/d?sslmode=require")
    assert url.drivername == "postgresql+asyncpg"
    assert dict(url.query) == {"ssl": "require"}
    assert not db.with_driver("postgres://u:p@h/d").query


async def test_the_session_has_every_limit(session: Session) -> None:
    wanted = {
        "role": "mm_app",
        "statement_timeout": "4s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "5s",
        "TimeZone": "UTC",
        "jit": "off",
        "application_name": "matchmaker mm_app",
        "search_path": "mm, pg_catalog",
    }
    found = {name: await session.scalar(text(f"SHOW {name}")) for name in wanted}
    assert found == wanted


async def test_the_role_survives_a_reset(session: Session) -> None:
    await session.execute(text("RESET ROLE"))
    assert await session.scalar(text("SELECT current_user")) == "mm_app"


async def test_the_application_cannot_change_the_schema(session: Session) -> None:
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text("CREATE TABLE mm.mine (n int)"))
    assert transient.sql_state(refused.value) == "42501"


async def test_the_application_cannot_become_the_owner(session: Session) -> None:
    with pytest.raises(DBAPIError):
        await session.execute(text("SET ROLE mm_owner"))


async def test_a_read_session_cannot_write(engine: AsyncEngine) -> None:
    async with db.begun(provided.state(engine).read, db.INSTALLATION) as session:
        with pytest.raises(DBAPIError) as refused:
            await session.execute(text("DELETE FROM mm.organisation"))
    assert transient.sql_state(refused.value) == "25006"


async def test_a_lock_is_not_waited_for_longer_than_its_limit(engine: AsyncEngine) -> None:
    key = uuid4().int % 2**31
    async with engine.begin() as holder:
        await holder.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        async with engine.begin() as waiter:
            started = time.perf_counter()
            with pytest.raises(DBAPIError) as refused:
                await waiter.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            assert transient.is_transient(refused.value)
            assert time.perf_counter() - started < 3.0


def test_every_shape_of_a_vanished_server_is_transient() -> None:
    shapes: list[BaseException] = [
        TimeoutError(),
        ConnectionRefusedError(),
        ConnectionResetError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CrashShutdownError(),
        asyncpg.InternalClientError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.QueryCanceledError(),
        asyncpg.InvalidCachedStatementError(),
        asyncpg.InterfaceError("connection is closed"),
        ExceptionGroup("cleanup", [ConnectionResetError()]),
    ]
    for shape in shapes:
        assert transient.is_transient(shape), shape
    for ours in (
        ValueError(),
        FileNotFoundError(),
        asyncpg.UniqueViolationError(),
        asyncpg.UndefinedTableError(),
    ):
        assert not transient.is_transient(ours), ours
