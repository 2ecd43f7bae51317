"""What the tables of demand promise, and what happens when two touch one need at once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import taxonomy
from tests.interleaving import meanwhile
from tests.needs import CALL, draft
from tests.objects import organisations

from matchmaker.core import db, events, transitions
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import StaleVersion
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.demand import content, jobs, queries, service
from matchmaker.demand.declaration import NeedDraft, NeedPatch
from matchmaker.demand.errors import NeedExternalIdTaken, NeedNotEditable, NeedNotFound
from matchmaker.demand.joining import service as joining
from matchmaker.demand.machine import MemberState, NeedState
from matchmaker.demand.models import NeedId
from matchmaker.demand.queries import FoundNeed
from matchmaker.identity.access import Principal, Scope, event_actor
from matchmaker.identity.models import (
    ApiKeyId,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
CHANGES = (
    "update mm.need_version set facts = '{}'",
    "update mm.need_version set number = number + 1",
    "delete from mm.need_version",
)
RACERS = 8


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(taxonomy(), FieldCatalogue(taxonomy()))


@contextlib.asynccontextmanager
async def committed(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Principal:
    return await another(engine)


Make = Callable[..., Awaitable[NeedId]]


@pytest.fixture
def make(engine: AsyncEngine, firm: Principal, checker: Checker) -> Make:
    """Makes a need of the firm, committed and open."""

    async def made(*steps: str, **stated: object) -> NeedId:
        async with committed(engine) as session:
            found = await service.create(
                session,
                msgspec.convert(draft(**stated), NeedDraft),
                organisation_id=firm.organisation_id,
                by=event_actor(firm),
                checker=checker,
            )
        for name in steps:
            async with committed(engine) as session:
                await step(session, found.need.id, name, firm)
        return found.need.id

    return made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do all that the owner of the tables may."""
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


async def step(session: Session, need_id: NeedId, name: str, caller: Principal) -> FoundNeed:
    asked = transitions.TransitionRequest(transition=name)
    return await service.take_step(session, need_id, asked, principal=caller, now=NOW)


async def another(engine: AsyncEngine) -> Principal:
    """A firm that may be asked to share a need."""
    async with engine.begin() as connection:
        (id_,) = await organisations(connection)
    return Principal(
        organisation_id=OrganisationId(id_),
        roles=frozenset({OrganisationRole.SME}),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


async def accept(engine: AsyncEngine, need_id: NeedId, caller: Principal) -> None:
    asked = transitions.TransitionRequest(transition="accept")
    async with committed(engine) as session:
        await joining.take_step(session, need_id, caller.organisation_id, asked, principal=caller)


async def kinds(session: ReadSession, need_id: NeedId) -> list[str]:
    return [each.event.kind for each in await events.after(session, 0, 1000, subject_id=need_id)]


class TestTables:
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_application_may_not_change_versions(
        self, engine: AsyncEngine, make: Make, change: str
    ) -> None:
        await make()
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(change))

    @pytest.mark.parametrize("change", [*CHANGES, "truncate mm.need_version cascade"])
    async def test_even_their_owner_cannot(
        self, owner_engine: AsyncEngine, make: Make, change: str
    ) -> None:
        await make()
        async with owner_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="immutable"):
                await connection.execute(text(change))

    async def test_control_without_the_trigger_a_version_changes(
        self, owner_engine: AsyncEngine, make: Make
    ) -> None:
        await make()
        async with owner_engine.connect() as connection:
            await connection.execute(
                text("alter table mm.need_version disable trigger need_version_immutable")
            )
            changed = await connection.execute(
                text("update mm.need_version set facts = '{}' returning id")
            )
            assert changed.all()
            await connection.rollback()

    @pytest.mark.parametrize(
        "change",
        [
            "update mm.need set kind = 'finance' where id = :id",
            "update mm.need set organisation_id = organisation_id where id = :id",
            "delete from mm.need where id = :id",
        ],
    )
    async def test_the_application_leaves_alone_what_a_need_is(
        self, engine: AsyncEngine, make: Make, change: str
    ) -> None:
        id_ = await make()
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(change), {"id": id_})

    async def test_no_version_has_another_kind(self, owner_engine: AsyncEngine, make: Make) -> None:
        id_ = await make()
        async with owner_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="fk_need_version_need_id_organisation_id_kind"):
                await connection.execute(
                    text("update mm.need set kind = 'finance' where id = :id"), {"id": id_}
                )

    async def test_a_need_stands_on_a_version_of_its_own(
        self, session: Session, make: Make
    ) -> None:
        one, other = await make(), await make()
        await session.execute(text("set constraints all immediate"))
        with pytest.raises(DBAPIError, match="fk_need_current_version_id_id"):
            await session.execute(
                text(
                    "update mm.need set current_version_id ="
                    " (select current_version_id from mm.need where id = :one) where id = :other"
                ),
                {"one": one, "other": other},
            )

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("visibility = 'pool'", "pools_where_visible_to_them"),
            ("pools = '{a}'", "pools_where_visible_to_them"),
            ("visibility = 'all'", "visibility_known"),
            ("state = 'lost'", "state_known"),
            ("revision = 0", "revision_from_one"),
        ],
    )
    async def test_a_row_that_cannot_be_is_refused_by_name(
        self, session: Session, make: Make, change: str, rule: str
    ) -> None:
        id_ = await make()
        with pytest.raises(DBAPIError, match=rule):
            await session.execute(
                text(f"update mm.need set {change} where id = :id"),  # noqa: S608
                {"id": id_},
            )


class TestStored:
    async def test_a_match_reads_scenarios_as_scenes(
        self, session: Session, make: Make, firm: Principal
    ) -> None:
        id_ = await make("open", visibility="pool", pools=["a", "b", "a"])
        found = await service.get_need(session, id_, firm, taxonomy())
        assert found.facts.scenes == ["quality", "equipment"]
        assert found.facts.budget is not None
        assert found.facts.must == draft()["must"]
        assert (found.pools, found.state, found.number) == (("a", "b"), NeedState.OPEN, 1)

    async def test_a_scenario_that_is_no_longer_known_stands_for_nothing(self) -> None:
        need = msgspec.convert({"kind": "solution", "scenarios": ["gone"]}, NeedDraft)
        assert content.scenes(need, taxonomy()) is None

    async def test_who_may_not_see_all_of_a_need_may_not_match_it(
        self, session: Session, make: Make, firm: Principal
    ) -> None:
        id_ = await make("open", visibility="public")
        other = dataclasses.replace(firm, organisation_id=OrganisationId(uuid4()))
        assert await service.find(session, id_, other)
        with pytest.raises(NeedNotFound):
            await service.get_need(session, id_, other, taxonomy())

    async def test_a_firm_that_was_asked_reads_and_matches_once_it_has_joined(
        self, session: Session, make: Make, firm: Principal
    ) -> None:
        id_ = await make()
        (asked,) = await organisations(await session.connection())
        other = dataclasses.replace(firm, organisation_id=OrganisationId(asked))
        await joining.invite(session, id_, other.organisation_id, firm)
        assert await service.find_whole(session, id_, other)
        with pytest.raises(NeedNotFound):
            await service.get_need(session, id_, other, taxonomy())
        accept = transitions.TransitionRequest(transition="accept")
        await joining.take_step(session, id_, other.organisation_id, accept, principal=other)
        assert (await service.get_need(session, id_, other, taxonomy())).id == id_

    async def test_what_has_no_effect_is_not_told(
        self, engine: AsyncEngine, session: Session, make: Make, firm: Principal, checker: Checker
    ) -> None:
        id_ = await make()
        async with committed(engine) as other:
            patch = msgspec.convert({"scenes": ["quality"]}, NeedPatch)
            await revise(other, id_, patch, firm, checker, revision=1)
        assert await kinds(session, id_) == ["need.created"]

    async def test_the_row_and_its_event_are_written_together_or_not_at_all(
        self, engine: AsyncEngine, session: Session, make: Make, firm: Principal
    ) -> None:
        id_ = await make()
        with pytest.raises(ZeroDivisionError):
            await open_and_fail(engine, id_, firm)
        found = await queries.find_need(session, id_, None)
        assert found is not None
        assert found.need.state is NeedState.DRAFT
        assert await kinds(session, id_) == ["need.created"]


async def open_and_fail(engine: AsyncEngine, need_id: NeedId, caller: Principal) -> None:
    async with committed(engine) as session:
        await step(session, need_id, "open", caller)
        raise ZeroDivisionError


async def revise(
    session: Session,
    need_id: NeedId,
    patch: NeedPatch,
    caller: Principal,
    checker: Checker,
    *,
    revision: int,
) -> FoundNeed:
    return await service.revise(
        session,
        need_id,
        patch,
        principal=caller,
        revision=revision,
        checker=checker,
        today=TODAY,
    )


class TestAtOnce:
    async def test_of_eight_who_reword_one_wins(
        self, engine: AsyncEngine, session: Session, make: Make, firm: Principal, checker: Checker
    ) -> None:
        id_ = await make()
        gate = asyncio.Barrier(RACERS)

        async def racer(number: int) -> bool:
            patch = msgspec.convert({"text": f"by {number}"}, NeedPatch)
            await gate.wait()
            try:
                async with committed(engine) as own:
                    await revise(own, id_, patch, firm, checker, revision=1)
            except StaleVersion:
                return False
            return True

        assert sum(await asyncio.gather(*map(racer, range(RACERS)))) == 1
        found = await queries.find_need(session, id_, None)
        assert found is not None
        assert (found.need.revision, found.version.number) == (2, 2)
        assert await kinds(session, id_) == ["need.created", "need.revised"]

    async def test_a_need_that_is_reworded_meanwhile_does_not_open_unfit(
        self, engine: AsyncEngine, session: Session, make: Make, firm: Principal, checker: Checker
    ) -> None:
        id_ = await make(visibility="public")
        unfit = msgspec.convert({"title": None}, NeedPatch)
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(committed(engine))
            await revise(first, id_, unfit, firm, checker, revision=1)

            async def open_it() -> None:
                async with committed(engine) as second:
                    await step(second, id_, "open", firm)

            waiting = asyncio.create_task(open_it())
            await asyncio.sleep(0.3)
            assert not waiting.done()
        with pytest.raises(transitions.TransitionHindered):
            await waiting
        found = await queries.find_need(session, id_, None)
        assert found is not None
        assert found.need.state is NeedState.DRAFT

    async def test_control_a_check_of_what_was_read_lets_it_open_unfit(
        self,
        engine: AsyncEngine,
        make: Make,
        firm: Principal,
        checker: Checker,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        id_ = await make(visibility="public")
        unfit = msgspec.convert({"title": None}, NeedPatch)
        first_only: list[Any] = []
        whole = service.hindrances_of

        def once(found: FoundNeed, today: dt.date) -> transitions.Hindrances:
            first_only.append(found)
            return whole(found, today) if len(first_only) == 1 else {}

        monkeypatch.setattr(service, "hindrances_of", once)
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(committed(engine))
            await revise(first, id_, unfit, firm, checker, revision=1)

            async def open_it() -> FoundNeed:
                async with committed(engine) as second:
                    return await step(second, id_, "open", firm)

            waiting = asyncio.create_task(open_it())
            await asyncio.sleep(0.3)
        opened = await waiting
        assert opened.need.state is NeedState.OPEN
        assert opened.version.title is None

    async def test_nobody_joins_a_need_that_others_engage_on_meanwhile(
        self, engine: AsyncEngine, server: Server, make: Make, firm: Principal
    ) -> None:
        id_, other, third = await make("open"), await another(engine), await another(engine)
        engaged = "state = 'engaged', revision = revision + 1"
        async with committed(engine) as session:
            await joining.invite(session, id_, other.organisation_id, firm)
        with (
            meanwhile(engine, server, "need", id_, engaged, before="UPDATE mm.need_member "),
            pytest.raises(transitions.TransitionHindered),
        ):
            await accept(engine, id_, other)
        async with committed(engine) as session:
            await step(session, id_, "release", firm)
        with (
            meanwhile(engine, server, "need", id_, engaged, before="INSERT INTO mm.need_member "),
            pytest.raises(NeedNotEditable),
        ):
            async with committed(engine) as session:
                await joining.invite(session, id_, third.organisation_id, firm)
        async with committed(engine) as session:
            found = await queries.list_members(session, id_, after=None, limit=3)
        assert [(each.organisation_id, each.state) for each in found] == [
            (other.organisation_id, MemberState.INVITED)
        ]

    async def test_whoever_leaves_is_told_of_as_they_stood(
        self, engine: AsyncEngine, server: Server, make: Make, firm: Principal
    ) -> None:
        id_, other = await make("open"), await another(engine)
        async with committed(engine) as session:
            member = await joining.invite(session, id_, other.organisation_id, firm)
        joined, before = "state = 'accepted', revision = 2", "DELETE FROM mm.need_member "
        with meanwhile(engine, server, "need_member", member.id, joined, before=before):
            async with committed(engine) as session:
                await joining.remove(session, id_, other.organisation_id, firm)
        async with committed(engine) as session:
            assert (await kinds(session, id_))[-1] == "need.member_left"

    async def test_who_comes_second_learns_where_the_need_stands(
        self, engine: AsyncEngine, make: Make, firm: Principal
    ) -> None:
        id_ = await make("open")
        async with contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(committed(engine))
            await step(first, id_, "engage", firm)

            async def withdraw() -> None:
                async with committed(engine) as second:
                    await step(second, id_, "withdraw", firm)

            waiting = asyncio.create_task(withdraw())
            await asyncio.sleep(0.3)
            assert not waiting.done()
        with pytest.raises(transitions.IllegalTransition) as refused:
            await waiting
        assert refused.value.extra == {"state": "engaged"}

    async def test_two_of_one_external_id_at_once_are_one_need(self, make: Make) -> None:
        name = f"n-{uuid4().hex[:8]}"
        made = await asyncio.gather(
            *(make(external_id=name) for _ in range(RACERS)), return_exceptions=True
        )
        assert [type(each).__name__ for each in made].count("NeedExternalIdTaken") == RACERS - 1
        ids = {str(each) for each in made if not isinstance(each, BaseException)}
        taken = {each.extra["need_id"] for each in made if isinstance(each, NeedExternalIdTaken)}
        assert ids == taken


class TestExpiry:
    async def test_the_last_day_is_still_a_day(self, session: Session, make: Make) -> None:
        last = await make("open", expires_on="2026-11-23")
        open_end = await make("open")
        engaged = await make("open", "engage", expires_on="2026-11-23")
        unpublished = await make(expires_on="2026-11-23")
        call = {**CALL, "deadline": "2026-11-23"}
        called = await make("open", kind="research", visibility="open_call", open_call=call)
        uncalled = await make("open", kind="research", open_call=call)
        ours = {last, open_end, engaged, unpublished, called, uncalled}
        assert not ours & set(await service.expire_due(session, TODAY))
        tomorrow = TODAY + dt.timedelta(1)
        assert ours & set(await service.expire_due(session, tomorrow)) == {last, called}
        assert await service.expire_due(session, tomorrow) == []
        assert (await kinds(session, last))[-1] == "need.expired"

    async def test_eight_clocks_expire_each_need_once(
        self, engine: AsyncEngine, session: Session, make: Make
    ) -> None:
        due = {await make("open", expires_on="2026-11-23") for _ in range(20)}
        tomorrow = TODAY + dt.timedelta(1)

        async def clock() -> list[NeedId]:
            async with committed(engine) as own:
                return await service.expire_due(own, tomorrow, limit=7)

        expired: list[NeedId] = []
        while round_ := [id_ for each in await gathered(clock) for id_ in each]:
            expired += round_
        assert sorted(id_ for id_ in expired if id_ in due) == sorted(due)
        for id_ in due:
            assert (await kinds(session, id_)).count("need.expired") == 1

    async def test_the_worker_may_do_it_and_nothing_else(
        self, server: Server, settings: Settings, make: Make
    ) -> None:
        id_ = await make("open", expires_on="2026-11-23")
        engine = db.create_engine(server.url("mm_worker"), settings, role="mm_worker")
        async with committed(engine) as session:
            assert id_ in await service.expire_due(session, TODAY + dt.timedelta(1))
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text("update mm.need set visibility = 'public'"))
        await engine.dispose()

    async def test_the_job_says_how_many(self, session: Session, make: Make) -> None:
        await make("open")
        context: Any = type("Context", (), {"session": session})()
        assert (await jobs.expire(context, {})).keys() == {"expired"}


async def gathered(clock: Callable[[], Awaitable[list[NeedId]]]) -> list[list[NeedId]]:
    return list(await asyncio.gather(*(clock() for _ in range(RACERS))))
