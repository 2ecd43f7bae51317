"""The chain of events: no gap, one order, nothing changed unseen, nothing half written."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio
import rfc8785
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from tests.chains import as_session, event, organisation, transaction
from tests.conftest import client_of

from matchmaker.app import create_app
from matchmaker.core import access, db, events, once, provided, transient
from matchmaker.core.canonical import canonical, encode
from matchmaker.core.db import Session
from matchmaker.core.events import Anchor, Recorded
from matchmaker.core.postgres import Server
from matchmaker.core.problems import problems
from matchmaker.core.settings import Settings
from matchmaker.identity.models import Organisation

WRITERS = 16
ROUNDS = 20
UNLOCKED = """
do $$ begin execute replace(replace(pg_get_functiondef('mm.append_events(text[])'::regprocedure),
    'append_events', 'append_unlocked'), 'perform pg_advisory_xact_lock', '-- ');
end $$
"""


async def everything_after(engine: AsyncEngine, position: int) -> list[Recorded]:
    async with transaction(engine) as session:
        return await events.after(session, position, 100_000)


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(server: Server) -> AsyncIterator[AsyncEngine]:
    """An engine with a connection for each writer."""
    made = db.create_engine(
        server.url("mm_app"), Settings(pool_size=WRITERS + 2), acting=db.INSTALLATION
    )
    yield made
    await made.dispose()


class Undone(Exception):
    """A transaction that is to be rolled back."""


class TestOrder:
    async def test_sixteen_writers_leave_no_gap_and_one_chain(self, crowd: AsyncEngine) -> None:
        async with transaction(crowd) as session:
            start = await events.head(session)
        draw = random.Random(7)  # noqa: S311
        kept: dict[int, list[UUID]] = {}
        done = asyncio.Event()

        async def writer() -> None:
            for _ in range(ROUNDS):
                subjects = [uuid4() for _ in range(draw.randrange(1, 4))]
                undone = draw.random() < 0.25
                with contextlib.suppress(Undone):
                    async with transaction(crowd) as session:
                        session.add(organisation(subjects[0]))
                        last = await events.append(session, *map(event, subjects))
                        if undone:
                            raise Undone
                    kept[last] = subjects

        async def reader() -> list[Recorded]:
            seen: list[Recorded] = []
            while True:
                finished = done.is_set()
                position = seen[-1].position if seen else start
                async with transaction(crowd) as session:
                    found = await events.after(session, position, 50)
                seen += found
                if finished and not found:
                    return seen

        reading = asyncio.create_task(reader())
        await asyncio.gather(*(writer() for _ in range(WRITERS)))
        done.set()
        seen = await reading

        stored = await everything_after(crowd, start)
        assert [each.position for each in stored] == list(
            range(start + 1, start + 1 + sum(map(len, kept.values())))
        )
        for last, subjects in kept.items():
            its = stored[last - start - len(subjects) : last - start]
            assert [each.event.subject_id for each in its] == subjects
        assert [(each.position, each.hash) for each in seen] == [
            (each.position, each.hash) for each in stored
        ]
        async with transaction(crowd) as session:
            verdict = await events.verify(session)
        assert verdict.is_whole
        assert verdict.head == Anchor(position=stored[-1].position, hash=stored[-1].hash)

    async def test_without_the_lock_writers_fail(self, crowd: AsyncEngine, server: Server) -> None:
        """The control: the same function, its lock taken out."""
        owner = db.create_engine(server.url("mm_owner"), Settings(), role="mm_owner")

        async def writer() -> None:
            for _ in range(ROUNDS):
                async with crowd.begin() as connection:
                    body = encode(canonical(event())).decode()
                    await connection.execute(
                        text("select mm.append_unlocked(:bodies)"), {"bodies": [body]}
                    )

        async with owner.begin() as connection:
            await connection.execute(text(UNLOCKED))
            await connection.execute(text("grant execute on function mm.append_unlocked to mm_app"))
        try:
            ended = await asyncio.gather(
                *(writer() for _ in range(WRITERS)), return_exceptions=True
            )
        finally:
            async with owner.begin() as connection:
                await connection.execute(text("drop function mm.append_unlocked"))
            await owner.dispose()
        states = {transient.sql_state(each) for each in ended if isinstance(each, BaseException)}
        assert states == {"23505"}

    async def test_a_reader_of_a_sequence_would_miss_one(self, server: Server) -> None:
        """The control of the reader: numbers given before the commit are seen out of order."""
        made = create_async_engine(server.url("mm_owner"))
        async with made.begin() as connection:
            await connection.execute(
                text("create table mm.numbered (n bigint generated always as identity)")
            )
        insert = text("insert into mm.numbered default values")
        newest = text("select max(n) from mm.numbered")
        try:
            async with made.connect() as slow, made.connect() as quick, made.connect() as reader:
                await slow.execute(insert)
                await quick.execute(insert)
                await quick.commit()
                assert await reader.scalar(newest) == 2
                await slow.commit()
                count = text("select count(*) from mm.numbered where n > 2")
                assert await reader.scalar(count) == 0
        finally:
            async with made.begin() as connection:
                await connection.execute(text("drop table mm.numbered"))
            await made.dispose()

    async def test_a_rolled_back_transaction_leaves_no_gap(self, engine: AsyncEngine) -> None:
        async with transaction(engine) as session:
            first = await events.append(session, event())
        with contextlib.suppress(Undone):
            async with transaction(engine) as session:
                assert await events.append(session, event(), event()) == first + 2
                raise Undone
        async with transaction(engine) as session:
            savepoint = await session.begin_nested()
            assert await events.append(session, event()) == first + 1
            await savepoint.rollback()
            assert await events.append(session, event()) == first + 1
            assert await events.append(session, event()) == first + 2
        async with transaction(engine) as session:
            assert (await events.verify(session)).is_whole

    async def test_a_fixed_snapshot_cannot_continue_the_chain(self, engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as made, made.begin():
            _ = await made.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            with pytest.raises(DBAPIError) as refused:
                await events.append(as_session(made), event())
            assert transient.sql_state(refused.value) == "25000"

    async def test_whoever_waits_too_long_may_try_again(self, engine: AsyncEngine) -> None:
        async with transaction(engine) as holder:
            await events.append(holder, event())
            with pytest.raises(DBAPIError) as refused:
                async with transaction(engine) as session:
                    await events.append(session, event())
            assert transient.is_transient(refused.value)


class TestContent:
    async def test_it_reads_back_as_it_was_told(self, session: Session) -> None:
        told = event(
            data={"zh": "新需求\u2028", "list": [1, None, True], "rate": 0.5, "😀": {"/": '"\\'}},
            organisation_id=None,
            actor=events.CLOCK,
            request_id="r-1",
        )
        last = await events.append(session, event(), told)
        (found,) = await events.after(session, last - 1)
        assert found.position == last
        assert found.event == msgspec.structs.replace(told, data={**told.data, "rate": "0.5"})
        assert found.recorded_at == await session.scalar(text("select now()"))

    async def test_anybody_can_check_the_chain(self, session: Session) -> None:
        """With RFC 8785 and SHA-256 of other hands."""
        first = await events.append(session, event(data={"zh": "一", "b": 1, "a": [0.1]}))
        await events.append(session, event(), event(actor=events.CLI))
        before, *rest = await events.after(session, first - 1)
        for each in rest:
            content = {
                "event": msgspec.to_builtins(each.event),
                "position": each.position,
                "recorded_at": each.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            }
            assert hashlib.sha256(before.hash + rfc8785.dumps(content)).digest() == each.hash
            before = each

    async def test_one_subject_or_organisation_can_be_followed(self, session: Session) -> None:
        subject, owner = uuid4(), uuid4()
        last = await events.append(
            session,
            event(subject),
            event(organisation_id=owner),
            event(subject, organisation_id=owner),
        )

        its = await events.after(session, 0, subject_id=subject)
        owners = await events.after(session, 0, organisation_id=owner)
        newest = await events.after(session, last - 1, subject_id=subject)
        assert [each.position for each in its] == [last - 2, last]
        assert [each.position for each in owners] == [last - 1, last]
        assert [each.position for each in newest] == [last]
        assert len(await events.after(session, last - 3, 2)) == 2

    async def test_nothing_is_no_event(self, session: Session) -> None:
        with pytest.raises(ValueError, match="no event"):
            await events.append(session)

    async def test_listeners_are_woken_by_the_commit_alone(
        self, engine: AsyncEngine, server: Server
    ) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()
        login = make_url(server.url("mm_worker")).set(drivername="postgresql")
        listener = await asyncpg.connect(login.render_as_string(hide_password=False))
        await listener.add_listener(events.CHANNEL, lambda *said: heard.put_nowait(said[-1]))
        with contextlib.suppress(Undone):
            async with transaction(engine) as session:
                await events.append(session, event())
                raise Undone
        async with transaction(engine) as session:
            last = await events.append(session, event())
        assert await asyncio.wait_for(heard.get(), 5) == str(last)
        assert heard.empty()
        await listener.close()


class FirmController(Controller):
    """One write with its event."""

    path = "/firms"

    @post(
        operation_id="createFirm", opt={**access.public(), **once.creates()}, responses=problems()
    )
    async def create(
        self, session: NamedDependency[Session], at: FromQuery[UUID], how: FromQuery[str]
    ) -> None:
        """Create."""
        session.add(organisation(at))
        told = event(at, data={"zh": "\x00"} if how == "refused" else {})
        await events.append(session, told)
        if how == "failing":
            raise Undone


@pytest.mark.parametrize(("how", "times"), [("whole", 1), ("failing", 0), ("refused", 0)])
async def test_a_row_and_its_event_are_there_together_or_not_at_all(
    engine: AsyncEngine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    times: int,
) -> None:
    # Nobody who is known asks, and nobody writes nothing.
    monkeypatch.setattr(provided, "_acting", lambda _: db.INSTALLATION)
    subject = uuid4()
    app = create_app(settings, engine, controllers=[FirmController])
    async with client_of(app) as client:
        answer = await client.post("/v1/firms", params={"at": str(subject), "how": how})
    assert answer.is_success is bool(times), answer.text
    async with transaction(engine) as session:
        found = await events.after(session, 0, subject_id=subject)
        assert len(found) == times
        assert (await session.get(Organisation, subject) is not None) is bool(times)
    assert all(each.event.request_id == answer.headers["x-request-id"] for each in found)


async def test_sessions_far_from_utc_check_the_same(engine: AsyncEngine) -> None:
    sessions = async_sessionmaker(engine)
    async with sessions.begin() as made:
        await made.execute(text("set local timezone = 'Asia/Shanghai'"))
        session = as_session(made)
        last = await events.append(session, event())
        assert (await events.verify(session)).is_whole
    async with sessions.begin() as made:
        (found,) = await events.after(as_session(made), last - 1, 1)
        assert abs(found.recorded_at - await made.scalar(text("select now()"))) < dt.timedelta(
            minutes=1
        )
