"""What the table of times promises: a row begins once and ends once, and none is open twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.clusters import FAST, reachable_directory
from tests.factories import jsonl, offering_line, provider_line, taxonomy, tokenizer

from matchmaker.catalog.importing import import_file
from matchmaker.catalog.life import service
from matchmaker.core import db, events, migrate
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Embedded, Server
from matchmaker.core.settings import Settings


@pytest_asyncio.fixture(loop_scope="session")
async def live(session: Session) -> Session:
    """A session with one offering just imported, live from the last event."""
    owner = f"p-{uuid4().hex[:12]}"
    lines = jsonl(provider_line(external_id=owner), offering_line(provider=owner))
    assert (await import_file(session, lines, taxonomy(), tokenizer())).is_written
    return session


async def test_a_file_is_one_event_from_which_its_offerings_are_live(live: Session) -> None:
    (told,) = await events.after(live, await events.head(live) - 1)
    assert told.event.kind == "catalog.imported"
    assert told.event.data["offerings"] == {"new": 1, "changed": 0, "unchanged": 0}
    rows = await live.execute(
        text("select count(*) from mm.offering_live where from_position = :p"),
        {"p": told.position},
    )
    assert rows.scalar_one() == 1


async def test_a_file_that_changes_nothing_is_no_event(session: Session) -> None:
    owner = f"p-{uuid4().hex[:12]}"
    lines = [provider_line(external_id=owner), offering_line(provider=owner)]
    await import_file(session, jsonl(*lines), taxonomy(), tokenizer())
    head = await events.head(session)
    report = await import_file(session, jsonl(*lines), taxonomy(), tokenizer())
    assert report.offerings.unchanged == 1
    assert await events.head(session) == head


ENDED_AT_ONCE = "update mm.offering_live set to_position = from_position where to_position is null"
OPENED_TWICE = (
    "insert into mm.offering_live (offering_id, from_position, version_id, organisation_id)"
    " select offering_id, from_position + 1, version_id, organisation_id"
    " from mm.offering_live where to_position is null"
)


async def test_what_has_ended_does_not_end_again(live: Session) -> None:
    ended = "update mm.offering_live set to_position = :p where to_position is null"
    await live.execute(text(ended), {"p": 2**50})
    with pytest.raises(DBAPIError, match="begins once and ends once"):
        await live.execute(text("update mm.offering_live set to_position = to_position + 1"))


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("delete from mm.offering_live", "permission denied"),
        ("update mm.offering_live set from_position = 0", "permission denied"),
        ("update mm.offering_live set version_id = gen_random_uuid()", "permission denied"),
        (ENDED_AT_ONCE, "positions_in_order"),
        (OPENED_TWICE, "uq_offering_live_offering_id_open"),
    ],
)
async def test_the_application_only_begins_and_ends_rows(
    live: Session, statement: str, refusal: str
) -> None:
    with pytest.raises(DBAPIError, match=refusal):
        await live.execute(text(statement))


@pytest_asyncio.fixture(loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do all that the owner of the tables may."""
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "delete from mm.offering_live",
        "update mm.offering_live set version_id = version_id",
        "truncate mm.offering_live",
    ],
)
async def test_not_even_the_owner_rewrites_the_past(
    engine: AsyncEngine, owner_engine: AsyncEngine, statement: str
) -> None:
    owner = f"p-{uuid4().hex[:12]}"
    async with AsyncSession(engine) as made, made.begin():
        lines = jsonl(provider_line(external_id=owner), offering_line(provider=owner))
        await import_file(Session(ReadSession(made)), lines, taxonomy(), tokenizer())
    async with owner_engine.connect() as connection:
        with pytest.raises(DBAPIError, match="begins once and ends once"):
            await connection.execute(text(statement))
        await connection.rollback()
        await connection.execute(text("alter table mm.offering_live disable trigger user"))
        await connection.execute(text(statement))  # the control: nothing else stands in the way
        await connection.rollback()


@pytest.fixture
def empty_server() -> Iterator[Server]:
    with reachable_directory() as place, Embedded(place, FAST).start() as server:
        yield server


BEFORE = """
    insert into mm.organisation (id, external_id, name, roles, state)
        values ('{o}', 'p', '{{"en": "P"}}', '{{provider}}', 'verified');
    insert into mm.provider (organisation_id) values ('{o}');
    begin;
    insert into mm.offering
        (id, organisation_id, external_id, kind, visibility, state, published_version_id)
        values ('{a}', '{o}', 'a', 'solution', 'public', 'published', '{a}'),
               ('{b}', '{o}', 'b', 'solution', 'public', 'draft', null);
    insert into mm.offering_version (id, offering_id, organisation_id, number, kind, title,
        document, tokens, text_version, content_hash)
        select id, id, '{o}', 1, 'solution', '{{"en": "T"}}',
            '{{"kind": "solution", "visibility": "public"}}', '{{}}', '1',
            decode(repeat('00', 32), 'hex')
        from mm.offering;
    commit;
"""


async def test_what_was_published_before_is_live_from_the_beginning(empty_server: Server) -> None:
    url = empty_server.url("mm_owner")
    migrate.upgrade(url)
    migrate.downgrade(url, "20261123_demand")
    owner, first, second = (str(uuid4()) for _ in range(3))
    login = make_url(url)
    connection = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=login.username,
        password=login.password,
        database=login.database,
    )
    try:
        await connection.execute(BEFORE.format(o=owner, a=first, b=second))
        migrate.upgrade(url)
        rows = await connection.fetch(
            "select offering_id::text, from_position, to_position from mm.offering_live"
        )
        assert [tuple(row) for row in rows] == [(first, 0, None)]
        drafts = await connection.fetch(
            "select id::text, draft_version_id::text, revision from mm.offering"
            " order by external_id"
        )
        assert [tuple(row) for row in drafts] == [(first, None, 1), (second, second, 1)]
    finally:
        await connection.close()


async def test_the_worker_lets_offerings_expire_with_an_event_each(
    server: Server, engine: AsyncEngine, settings: Settings
) -> None:
    owner = f"p-{uuid4().hex[:12]}"
    # Before the last day of whatever other tests have left published.
    day = dt.date(1990, 1, 31)
    lines = [
        offering_line(provider=owner, external_id=f"o-{n}", valid_to=day.isoformat())
        for n in range(3)
    ]
    async with AsyncSession(engine) as made, made.begin():
        stream = jsonl(provider_line(external_id=owner), *lines)
        await import_file(Session(ReadSession(made)), stream, taxonomy(), tokenizer())
    worker = db.create_engine(server.url("mm_worker"), settings, role="mm_worker")
    try:
        async with AsyncSession(worker) as made, made.begin():
            session = Session(ReadSession(made))
            head = await events.head(session)
            assert await service.expire_due(session, day) == 0
            expired = await service.expire_due(session, day + dt.timedelta(1), limit=3)
            assert expired == 3
            told = await events.after(session, head)
            assert [one.event.kind for one in told] == ["offering.expired"] * 3
            assert {one.event.actor.type for one in told} == {"clock"}
            ended = await session.scalars(
                text("select to_position from mm.offering_live where to_position > :head"),
                {"head": head},
            )
            assert sorted(ended) == [head + 1, head + 2, head + 3]
    finally:
        await worker.dispose()
