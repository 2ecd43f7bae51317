"""Profiles as stored: versions that nothing changes, and of several callers at once one wins."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.identities import holder
from tests.profiles import checker, cny, whole

from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import MatchmakerError, StaleVersion, VersionRequired
from matchmaker.core.events import CLI, ActorType, EventActor
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.enterprise import service
from matchmaker.enterprise.declaration import ProfileFacts, ProfilePatch
from matchmaker.enterprise.errors import ProfileNotFound
from matchmaker.enterprise.service import StoredProfile
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.service import Outcome
from matchmaker.taxonomy.errors import UnusableInput

RACERS = 8
PROFILES = 25
CHANGES = (
    "update mm.profile_version set number = number + 1000000",
    "update mm.profile_version set facts = facts",
    "update mm.profile_version set completeness = 100",
    "update mm.profile_version set facts = '{}'",
    "update mm.profile_version set erased_at = now()",
    "update mm.profile_version set facts = '{}', erased_at = now()",
    "delete from mm.profile_version",
)


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[Session]:
    """One transaction of its own, committed at the end."""
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


async def state(
    engine: AsyncEngine,
    firm: OrganisationId,
    facts: ProfileFacts,
    expected: int | None = None,
    by: EventActor = CLI,
) -> tuple[StoredProfile, Outcome]:
    async with writing(engine) as session:
        return await service.state_profile(
            session, checker(), firm, facts, expected=expected, by=by
        )


async def current(engine: AsyncEngine, firm: OrganisationId) -> StoredProfile:
    async with writing(engine) as session:
        return await service.get_facts(session, firm)


async def told(engine: AsyncEngine, firm: OrganisationId) -> list[events.Event]:
    async with writing(engine) as session:
        return [found.event for found in await events.after(session, 0, subject_id=firm)]


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> OrganisationId:
    """A firm that has stated nothing."""
    return (await holder(engine)).organisation_id


@pytest_asyncio.fixture(loop_scope="session")
async def stated(engine: AsyncEngine, firm: OrganisationId) -> StoredProfile:
    """A firm's first version."""
    return (await state(engine, firm, whole()))[0]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do all that the owner of the tables may."""
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


class TestVersions:
    async def test_what_was_stated_is_read_back(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        must = {"field": "package.price", "op": "lte", "value": 20_000_000}
        facts = whole(must=must, goals={"quality": 1.0})
        stored, outcome = await state(engine, firm, facts)
        found = await current(engine, firm)
        assert outcome is Outcome.NEW
        assert found == stored
        assert (found.number, found.facts) == (1, facts)
        assert (found.derived.scale, found.derived.scale_basis) == ("small", "computed")
        assert (found.derived.completeness, found.derived.missing) == (100, ())

    async def test_unknown_facts_are_not_stored(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        await state(engine, firm, ProfileFacts(employees=3))
        async with engine.connect() as connection:
            facts = await connection.scalar(
                text("select facts from mm.profile_version where organisation_id = :firm"),
                {"firm": firm},
            )
        assert facts == {"employees": 3}

    async def test_the_same_again_is_the_same_version(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        again, outcome = await state(engine, stated.organisation_id, whole(), expected=1)
        assert (again, outcome) == (stated, Outcome.UNCHANGED)
        assert len(await told(engine, stated.organisation_id)) == 1

    async def test_the_same_facts_under_another_release_are_derived_anew(
        self, engine: AsyncEngine, owner_engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        async with owner_engine.begin() as connection:
            trigger = "trigger profile_version_immutable"
            await connection.execute(text(f"alter table mm.profile_version disable {trigger}"))
            await connection.execute(
                text("update mm.profile_version set scale_edition = '2003' where id = :id"),
                {"id": stated.version_id},
            )
            await connection.execute(text(f"alter table mm.profile_version enable {trigger}"))
        anew, outcome = await state(engine, stated.organisation_id, whole(), expected=1)
        assert (anew.number, outcome) == (2, Outcome.CHANGED)
        assert anew.derived.scale_edition == "2017"

    async def test_earlier_versions_stay(self, engine: AsyncEngine, stated: StoredProfile) -> None:
        changed, outcome = await state(engine, stated.organisation_id, whole(users=13), expected=1)
        assert (changed.number, outcome) == (2, Outcome.CHANGED)
        async with writing(engine) as session:
            first = await service.get_facts(session, stated.organisation_id, 1)
            listed = await service.list_versions(
                session, stated.organisation_id, after=None, limit=5
            )
            between = await service.changes_between(
                session, stated.organisation_id, since=2, until=1
            )
        assert first == stated
        assert listed == [stated, changed]
        assert [(c.pointer, c.before, c.after) for c in between] == [("#/users", 13, 12)]

    async def test_who_stated_it_is_kept(self, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        by = EventActor(
            type=ActorType.API_KEY, id=firm.key_id, organisation_id=firm.organisation_id
        )
        await state(engine, firm.organisation_id, whole(), by=by)
        async with engine.connect() as connection:
            key = await connection.scalar(
                text("select stated_by from mm.profile_version where organisation_id = :firm"),
                {"firm": firm.organisation_id},
            )
        assert key == firm.key_id
        assert [event.actor for event in await told(engine, firm.organisation_id)] == [by]

    async def test_each_new_version_is_one_event(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        changed, _ = await state(engine, stated.organisation_id, whole(users=13), expected=1)
        found = await told(engine, stated.organisation_id)
        assert [(e.kind, e.subject_type, e.data) for e in found] == [
            (
                "profile.stated",
                "profile",
                {"version": version.number, "version_id": str(version.version_id)},
            )
            for version in (stated, changed)
        ]

    async def test_a_transaction_that_fails_leaves_neither_version_nor_event(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        async def fail_late() -> None:
            async with writing(engine) as session:
                await service.state_profile(
                    session, checker(), firm, whole(), expected=None, by=CLI
                )
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_late()
        with pytest.raises(ProfileNotFound):
            await current(engine, firm)
        assert await told(engine, firm) == []


class TestRefusals:
    @pytest.mark.parametrize("expected", [2, 7])
    async def test_another_version_than_the_current_one_is_stale(
        self, engine: AsyncEngine, stated: StoredProfile, expected: int
    ) -> None:
        with pytest.raises(StaleVersion):
            await state(engine, stated.organisation_id, whole(users=13), expected=expected)

    async def test_a_version_where_there_is_none_is_stale(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        with pytest.raises(StaleVersion):
            await state(engine, firm, whole(), expected=1)

    async def test_a_stored_profile_is_not_overwritten_unseen(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        with pytest.raises(VersionRequired):
            await state(engine, stated.organisation_id, whole())

    async def test_every_fault_is_told_at_its_place(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        facts = ProfileFacts(
            industries=["C3311", "Z9"],
            revenue=cny(1),
            scenes={"alchemy": 1},
            must={"field": "offering.nothing", "op": "in", "value": ["x"]},
        )
        with pytest.raises(UnusableInput) as refused:
            await state(engine, firm, facts)
        assert [fault.pointer for fault in refused.value.errors] == [
            "#/industries/1",
            "#/scenes/alchemy",
            "#/must/field",
        ]

    async def test_nothing_can_be_changed_where_nothing_was_stated(
        self, engine: AsyncEngine, firm: OrganisationId
    ) -> None:
        with pytest.raises(ProfileNotFound):
            async with writing(engine) as session:
                await service.patch_profile(
                    session, checker(), firm, ProfilePatch(users=1), expected=1, by=CLI
                )

    async def test_versions_of_nobody_are_not_found(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        other = (await holder(engine)).organisation_id
        async with writing(engine) as session:
            for missing in (
                service.get_facts(session, other),
                service.get_facts(session, stated.organisation_id, 2),
                service.list_versions(session, other, after=None, limit=5),
                service.changes_between(session, stated.organisation_id, since=1, until=2),
            ):
                with pytest.raises(ProfileNotFound):
                    await missing


class TestImmutability:
    @pytest.mark.usefixtures("stated")
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_application_may_not_change_versions(
        self, engine: AsyncEngine, change: str
    ) -> None:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(change))

    @pytest.mark.usefixtures("stated")
    @pytest.mark.parametrize("change", CHANGES)
    async def test_not_even_the_owner_can(self, owner_engine: AsyncEngine, change: str) -> None:
        async with owner_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="immutable"):
                await connection.execute(text(change))

    async def test_versions_cannot_be_truncated(self, owner_engine: AsyncEngine) -> None:
        async with owner_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="immutable"):
                await connection.execute(text("truncate mm.profile_version cascade"))

    @pytest.mark.usefixtures("stated")
    @pytest.mark.parametrize("change", CHANGES[:3])
    async def test_control_without_the_trigger_a_version_changes(
        self, owner_engine: AsyncEngine, change: str
    ) -> None:
        async with owner_engine.connect() as connection:
            await connection.execute(
                text("alter table mm.profile_version disable trigger profile_version_immutable")
            )
            changed = await connection.execute(text(f"{change} returning id"))
            assert changed.all()
            await connection.rollback()

    @pytest.mark.parametrize(
        "change",
        [
            "update mm.profile set created_at = now()",
            "update mm.profile set organisation_id = organisation_id",
            "delete from mm.profile",
        ],
    )
    async def test_of_a_profile_only_the_current_version_changes(
        self, engine: AsyncEngine, change: str
    ) -> None:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(change))

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("set number = 0", "number_from_one"),
            ("set facts = '[]'", "facts_by_name"),
            ("set scale_basis = null", "scale_rests_on_something"),
            ("set scale_edition = null", "scheme_has_an_edition"),
            ("set completeness = 101", "completeness_in_per_cent"),
            ("set content_hash = ''", "content_hash_is_sha256"),
        ],
    )
    @pytest.mark.usefixtures("stated")
    async def test_a_row_that_cannot_be_is_refused_by_name(
        self, owner_engine: AsyncEngine, change: str, rule: str
    ) -> None:
        async with owner_engine.connect() as connection:
            await connection.execute(
                text("alter table mm.profile_version disable trigger profile_version_immutable")
            )
            with pytest.raises(DBAPIError, match=rule):
                await connection.execute(text("update mm.profile_version " + change))

    async def test_a_version_of_another_firm_is_nobodys_current_one(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        other = (await holder(engine)).organisation_id
        await state(engine, other, whole())
        async with engine.connect() as connection:
            await connection.execute(text("set constraints all immediate"))
            with pytest.raises(DBAPIError, match="fk_profile_current_version_id_organisation_id"):
                await connection.execute(
                    text(
                        "update mm.profile set current_version_id = :id where organisation_id = :o"
                    ),
                    {"id": stated.version_id, "o": other},
                )


async def outcomes(*racers: Awaitable[object]) -> Counter[str]:
    """How often each way of ending occurred."""
    ended = await asyncio.gather(*racers, return_exceptions=True)
    return Counter(
        end.slug
        if isinstance(end, MatchmakerError)
        else type(end).__name__
        if isinstance(end, BaseException)
        else "won"
        for end in ended
    )


class TestRaces:
    async def test_of_several_with_the_same_version_one_wins(self, engine: AsyncEngine) -> None:
        for _ in range(PROFILES):
            firm = (await holder(engine)).organisation_id
            await state(engine, firm, whole())
            found = await outcomes(
                *(state(engine, firm, whole(users=100 + n), expected=1) for n in range(RACERS))
            )
            assert found == {"won": 1, "stale_version": RACERS - 1}
            assert (await current(engine, firm)).number == 2
            assert len(await told(engine, firm)) == 2

    async def test_of_several_that_state_the_first_one_wins(self, engine: AsyncEngine) -> None:
        for _ in range(PROFILES):
            firm = (await holder(engine)).organisation_id
            found = await outcomes(
                *(state(engine, firm, whole(users=100 + n)) for n in range(RACERS))
            )
            assert found == {"won": 1, "version_required": RACERS - 1}
            assert (await current(engine, firm)).number == 1
            assert len(await told(engine, firm)) == 1

    async def test_control_reading_before_writing_lets_several_win(
        self, engine: AsyncEngine, stated: StoredProfile
    ) -> None:
        all_have_read = asyncio.Barrier(RACERS)

        async def naive() -> None:
            async with engine.begin() as connection:
                revision = await connection.scalar(
                    text("select revision from mm.profile where organisation_id = :firm"),
                    {"firm": stated.organisation_id},
                )
                await all_have_read.wait()
                if revision != 1:
                    raise StaleVersion
                await connection.execute(
                    text(
                        "update mm.profile set revision = revision + 1"
                        " where organisation_id = :firm"
                    ),
                    {"firm": stated.organisation_id},
                )

        assert (await outcomes(*(naive() for _ in range(RACERS))))["won"] == RACERS
