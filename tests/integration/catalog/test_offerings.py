"""What the tables themselves promise: nothing declared changes, and of several callers one wins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import jsonl, offering_line, provider_line, taxonomy, tokenizer

from matchmaker.catalog import queries as published
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.importing import import_file
from matchmaker.catalog.life import queries, service
from matchmaker.catalog.life.applying import By
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import OfferingId
from matchmaker.core import db, events, migrate
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.machine import Actor
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import IllegalTransition, NotYourTransition

RACERS = 8
TODAY = utc_now().date()
CHANGES = (
    "update mm.offering_version set number = number + 1",
    "update mm.offering_version set title = title",
    "delete from mm.offering_version",
    "update mm.offering_package set code = code || 'x'",
    "delete from mm.offering_package",
)


@pytest_asyncio.fixture(loop_scope="session")
async def offering_id(engine: AsyncEngine) -> OfferingId:
    """A published offering of its own provider, committed."""
    owner = f"p-{uuid4().hex[:12]}"
    async with AsyncSession(engine) as made, made.begin():
        session = Session(ReadSession(made))
        lines = jsonl(provider_line(external_id=owner), offering_line(provider=owner))
        report = await import_file(session, lines, taxonomy(), tokenizer())
        assert report.is_written
        found = [
            row async for row in published.published_offerings(session, await events.head(session))
        ]
    return found[-1].offering_id


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do all that the owner of the tables may."""
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


@pytest.mark.usefixtures("offering_id")
@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_may_not_change_versions(engine: AsyncEngine, change: str) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text(change))


@pytest_asyncio.fixture(loop_scope="session")
async def granted(owner_engine: AsyncEngine) -> AsyncIterator[None]:
    """The rights of mm_app widened, as a careless migration would."""
    rights = "update, delete on mm.offering_version, mm.offering_package"
    async with owner_engine.begin() as connection:
        await connection.execute(text(f"grant {rights} to mm_app"))
    yield
    async with owner_engine.begin() as connection:
        await connection.execute(text(f"revoke {rights} from mm_app"))


@pytest.mark.usefixtures("offering_id", "granted")
@pytest.mark.parametrize("change", CHANGES)
async def test_even_with_every_right_the_application_cannot_change_versions(
    engine: AsyncEngine, change: str
) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="immutable"):
            await connection.execute(text(change))


async def test_versions_cannot_be_truncated(owner_engine: AsyncEngine) -> None:
    async with owner_engine.connect() as connection:
        with pytest.raises(DBAPIError, match="immutable"):
            await connection.execute(text("truncate mm.offering_package"))


@pytest.mark.usefixtures("offering_id")
async def test_control_without_the_trigger_a_package_changes(owner_engine: AsyncEngine) -> None:
    async with owner_engine.connect() as connection:
        await connection.execute(
            text("alter table mm.offering_package disable trigger offering_package_immutable")
        )
        changed = await connection.execute(
            text("update mm.offering_package set code = code || 'x' returning code")
        )
        assert changed.all()
        await connection.rollback()


ADD_PACKAGE = text(
    "insert into mm.offering_package"
    " (version_id, position, organisation_id, code, title, document)"
    " select id, 99, organisation_id, 'late', title, '{}' from mm.offering_version"
    " where offering_id = :id and number = :number"
)
ADD_VERSION = text(
    "insert into mm.offering_version (id, offering_id, organisation_id, number, kind, title,"
    " document, tokens, text_version, content_hash, created_at)"
    " select gen_random_uuid(), offering_id, organisation_id, 2, kind, title, document, tokens,"
    " text_version, content_hash, now() + make_interval(secs => :later)"
    " from mm.offering_version where offering_id = :id and number = 1"
)


async def test_a_version_of_an_earlier_transaction_gets_no_further_package(
    engine: AsyncEngine, offering_id: OfferingId
) -> None:
    async with engine.connect() as connection:
        for _ in range(2):
            with pytest.raises(DBAPIError, match="version is immutable"):
                async with connection.begin_nested():
                    await connection.execute(ADD_PACKAGE, {"id": offering_id, "number": 1})
        with pytest.raises(DBAPIError, match="version is immutable"):
            await connection.execute(ADD_PACKAGE, {"id": offering_id, "number": 1})


async def test_control_a_version_of_this_transaction_gets_packages_across_savepoints(
    engine: AsyncEngine, offering_id: OfferingId
) -> None:
    async with engine.connect() as connection:
        async with connection.begin_nested():
            await connection.execute(ADD_VERSION, {"id": offering_id, "later": 0})
        async with connection.begin_nested():
            added = await connection.execute(ADD_PACKAGE, {"id": offering_id, "number": 2})
        assert added.rowcount == 1
        await connection.rollback()


@pytest.mark.parametrize("later", [-1, 3600])
async def test_a_version_cannot_say_it_was_made_at_another_time(
    engine: AsyncEngine, offering_id: OfferingId, later: int
) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="time of its transaction"):
            await connection.execute(ADD_VERSION, {"id": offering_id, "later": later})


def by(actor: Actor) -> By:
    return By(lambda _: frozenset({actor}), events.CLI)


async def state_of(session: ReadSession, offering_id: OfferingId) -> OfferingState:
    found = await queries.find(session, offering_id)
    assert found is not None
    return found.state


async def step(session: Session, offering_id: OfferingId, name: str, actor: Actor) -> None:
    await service.take_step(session, offering_id, name, by=by(actor), today=TODAY)


async def _race(engine: AsyncEngine, offering_id: OfferingId, *, naive: bool) -> list[bool]:
    gate = asyncio.Barrier(RACERS)

    async def racer() -> bool:
        async with AsyncSession(engine) as made, made.begin():
            session = Session(ReadSession(made))
            state = await state_of(session, offering_id)
            await gate.wait()
            if naive:
                if state is OfferingState.PUBLISHED:
                    await session.execute(
                        text("update mm.offering set state = 'paused' where id = :id"),
                        {"id": offering_id},
                    )
                return state is OfferingState.PUBLISHED
            with contextlib.suppress(IllegalTransition):
                await step(session, offering_id, "pause", Actor.OWNER)
                return True
            return False

    return await asyncio.gather(*(racer() for _ in range(RACERS)))


async def test_of_eight_racers_one_takes_the_step(
    engine: AsyncEngine, offering_id: OfferingId
) -> None:
    assert sum(await _race(engine, offering_id, naive=False)) == 1


async def test_control_look_then_change_lets_all_eight_win(
    engine: AsyncEngine, offering_id: OfferingId
) -> None:
    assert sum(await _race(engine, offering_id, naive=True)) == RACERS


async def test_a_step_is_taken_by_who_may_take_it(
    session: Session, offering_id: OfferingId
) -> None:
    await step(session, offering_id, "suspend", Actor.OPERATOR)
    assert await state_of(session, offering_id) is OfferingState.SUSPENDED
    with pytest.raises(NotYourTransition) as refused:
        await step(session, offering_id, "reinstate", Actor.OWNER)
    assert refused.value.extra == {"by": ["operator"]}
    with pytest.raises(IllegalTransition) as too_late:
        await step(session, offering_id, "pause", Actor.OWNER)
    assert too_late.value.extra == {"state": "suspended"}


async def test_a_step_of_an_unknown_offering_is_not_found(session: Session) -> None:
    with pytest.raises(OfferingNotFound):
        await step(session, OfferingId(uuid4()), "pause", Actor.OWNER)


async def test_who_comes_second_learns_where_the_offering_stands(
    engine: AsyncEngine, offering_id: OfferingId
) -> None:
    async with AsyncSession(engine) as first, first.begin():
        await step(Session(ReadSession(first)), offering_id, "pause", Actor.OWNER)

        async def second() -> None:
            async with AsyncSession(engine) as made, made.begin():
                await step(Session(ReadSession(made)), offering_id, "retire", Actor.OWNER)

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.commit()
    with pytest.raises(IllegalTransition) as refused:
        await waiting
    assert refused.value.extra == {"state": OfferingState.PAUSED}


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "update mm.offering set published_version_id = null where state = 'published'",
            "published_has_a_version",
        ),
        ("update mm.offering set published_version_id = null", "(says_something|has_a_version)"),
        ("update mm.offering set change_state = 'lost'", "change_state_known"),
        ("update mm.offering set change_state = 'draft'", "open_change_has_a_draft"),
        ("update mm.offering set revision = 0", "revision_from_one"),
        ("update mm.offering set kind = 'policy'", "kind_known"),
        ("update mm.offering set state = 'lost'", "state_known"),
        ("update mm.offering set visibility = 'secret'", "visibility_known"),
        ("update mm.organisation set name = '{}'", "name_in_a_language"),
        ("update mm.organisation set roles = '{provider,wizard}'", "roles_known"),
        ("update mm.organisation set roles = '{}'", "has_a_role"),
        ("update mm.organisation set roles = '{sme}'", "kind_of_a_provider"),
        ("update mm.organisation set region = '21'", "region_is_a_code"),
        ("update mm.organisation set uscc = 'x'", "uscc_is_a_code"),
    ],
)
@pytest.mark.usefixtures("offering_id")
async def test_a_row_that_cannot_be_is_refused_by_name(
    session: Session, statement: str, rule: str
) -> None:
    with pytest.raises(DBAPIError, match=rule):
        await session.execute(text(statement))


async def test_a_version_of_another_offering_cannot_be_published(
    session: Session, offering_id: OfferingId
) -> None:
    owner = f"p-{uuid4().hex[:12]}"
    lines = jsonl(provider_line(external_id=owner), offering_line(provider=owner))
    await import_file(session, lines, taxonomy(), tokenizer())
    await session.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError, match="fk_offering_published_version_id_id"):
        await session.execute(
            text(
                "update mm.offering set published_version_id ="
                " (select published_version_id from mm.offering where id = :id)"
                " where id <> :id"
            ),
            {"id": offering_id},
        )


async def test_models_and_migrations_agree(server: Server) -> None:
    migrate.check(server.url("mm_owner"))
