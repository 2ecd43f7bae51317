"""The second wall as the database has it: no table is forgotten, no way leads around it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker
from tests.identities import Holder, holder, sitter

from matchmaker.core import db, transient
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.models import OrganisationRole

SOURCE = Path(__file__).parents[3]
OPEN = {
    "alembic_version": "says which migrations were applied",
    "edition_part": "released words and weights: nobody's, and read with every receipt",
    "feed_position": "how far the fan-out has come: the installation's own",
    "peer_batch": "sums over six firms or more at once: nobody's, and read by everybody",
    "job_cron": "what the clock asks for: the installation's own",
    "job_queue": "how many jobs run at once: the installation's own",
    "rate_limit": "how often a caller has asked, also one that is nobody: the installation's own",
}
"""Tables without a wall, each with its reason."""
CARDS = {"organisation_card": "the public columns of every organisation, whoever asks"}
"""Views that pass the wall, each with its reason."""
SIDE_BY_SIDE = 8

WALLS = """
    select c.relname, c.relrowsecurity, c.relforcerowsecurity,
        coalesce(bool_or(p.polqual is not null and p.polwithcheck is not null
            and 'mm_app'::regrole = any (p.polroles)), false) as both,
        coalesce(bool_or('0'::oid = any (p.polroles)), false) as public
    from pg_class c left join pg_policy p on p.polrelid = c.oid
    where c.relnamespace = 'mm'::regnamespace and c.relkind in ('r', 'p') group by c.oid
"""
FUNCTIONS = """
    select oid::regprocedure::text, proconfig, proacl::text from pg_proc
    where pronamespace = 'mm'::regnamespace and prosecdef
"""
VIEWS = """
    select relname from pg_class where relnamespace = 'mm'::regnamespace and relkind in ('v', 'm')
        and not coalesce('security_invoker=true' = any (reloptions), false)
"""
ROLES = """
    select rolname, rolsuper or rolbypassrls or rolcreaterole as strong,
        pg_has_role(oid, 'mm_owner', 'MEMBER') as owner,
        exists (select from pg_class where relowner = pg_roles.oid) as owning
    from pg_roles where rolname in ('mm_app', 'mm_worker')
"""
CHILDREN = """
    select table_name from information_schema.columns
    where table_schema = 'mm' and column_name = 'organisation_id' and table_name not in (
        select table_name from information_schema.views where table_schema = 'mm')
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


async def unwalled(connection: AsyncConnection) -> set[str]:
    """Tables whose wall has a gap, and that are not open on purpose."""
    rows = await connection.execute(text(WALLS))
    return {
        name
        for name, is_on, is_forced, has_both, is_public in rows
        if name not in OPEN and not (is_on and is_forced and has_both and not is_public)
    }


class TestCatalogue:
    async def test_every_table_has_a_wall_or_a_reason(self, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            assert await unwalled(connection) == set()
            there = set(await connection.scalars(text(WALLS)))
            owned = set(await connection.scalars(text(CHILDREN)))
        assert set(OPEN) <= there
        assert len(owned) >= 28
        assert not owned & set(OPEN), "what belongs to an organisation is never open"

    @pytest.mark.parametrize(
        "careless",
        [
            "create table mm.careless (organisation_id uuid)",
            "alter table mm.need no force row level security",
            "alter table mm.need disable row level security",
            "drop policy own on mm.member",
            "create policy all_of_it on mm.need to public using (true) with check (true)",
        ],
    )
    async def test_control_a_gap_would_be_found(self, owner: AsyncEngine, careless: str) -> None:
        async with owner.connect() as connection:
            await connection.execute(text(careless))
            assert len(await unwalled(connection)) == 1
            await connection.rollback()

    async def test_functions_that_pass_the_wall_are_pinned_and_nobodys(
        self, owner: AsyncEngine
    ) -> None:
        async with owner.begin() as connection:
            found = (await connection.execute(text(FUNCTIONS))).all()
        assert len(found) >= 10
        for name, settings, rights in found:
            assert any(str(each).startswith("search_path=") for each in settings or ()), name
            assert not re.search(r"[{,]=X/", rights or "=X/"), f"{name} may be called by everyone"

    async def test_views_stand_before_the_wall(self, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            assert set(await connection.scalars(text(VIEWS))) == set(CARDS)

    async def test_the_roles_cannot_climb(self, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            found = {row[0]: row[1:] for row in await connection.execute(text(ROLES))}
        assert found == dict.fromkeys(("mm_app", "mm_worker"), (False, False, False))

    async def test_a_new_table_is_nobodys_until_its_migration_says_so(
        self, owner: AsyncEngine
    ) -> None:
        rights = "select, insert, update, delete"
        async with owner.connect() as connection:
            await connection.execute(text("create table mm.careless (id uuid)"))
            for role in ("mm_app", "mm_worker"):
                has = text(f"select has_table_privilege('{role}', 'mm.careless', '{rights}')")
                assert not await connection.scalar(has)
            await connection.rollback()

    @pytest.mark.asvs("V16.4.2")
    async def test_events_are_appended_only(self, owner: AsyncEngine) -> None:
        asked = text("select has_table_privilege(:role, 'mm.' || :table, :right)")
        never = [("event", right) for right in ("insert", "update", "delete", "truncate")]
        never += [
            (table, right)
            for table in ("match_run", "match", "need_version", "profile_version", "pool_version")
            for right in ("update", "delete", "truncate")
        ]
        async with owner.begin() as connection:
            for role in ("mm_app", "mm_worker"):
                for table, right in never:
                    values = {"role": role, "table": table, "right": right}
                    assert not await connection.scalar(asked, values), values

    def test_nothing_is_set_for_longer_than_a_transaction(self) -> None:
        lasting = re.compile(r"set_config\([^)]*,\s*(false|False)\s*\)|\bset\s+(session\s+)?mm\.")
        places = [*(SOURCE / "src").rglob("*.py"), *(SOURCE / "migrations").rglob("*.py")]
        assert len(places) > 200
        assert [str(place) for place in places if lasting.search(place.read_text())] == []
        assert lasting.search("select set_config('mm.org_id', :org, false)"), "the control"


class TestActing:
    """What a transaction sees is decided by who acts in it, and by nothing before it."""

    async def seen(self, engine: AsyncEngine, acting: UUID | None) -> set[UUID]:
        sessions = async_sessionmaker(engine)
        async with db.begun(sessions, acting) as session:
            return set(await session.scalars(text("select organisation_id from mm.api_key")))

    async def test_each_sees_its_own(self, engine: AsyncEngine) -> None:
        first, second = await holder(engine), await holder(engine)
        operator = await holder(engine, OrganisationRole.OPERATOR)
        both = {first.organisation_id, second.organisation_id}
        assert await self.seen(engine, first.organisation_id) == {first.organisation_id}
        assert await self.seen(engine, uuid4()) == set()
        assert await self.seen(engine, None) == set()
        assert both <= await self.seen(engine, operator.organisation_id)
        assert both <= await self.seen(engine, db.INSTALLATION)
        # None comes after the installation on the same connections.
        assert await self.seen(engine, None) == set()

    async def test_who_acted_is_forgotten_where_nothing_was_asked(self, server: Server) -> None:
        """A transaction that never began leaves nothing behind for the next one."""
        alone = db.create_engine(server.url("mm_app"), Settings(pool_size=1, pool_overflow=0))
        sessions = async_sessionmaker(alone)
        async with db.begun(sessions, db.INSTALLATION) as session:
            connection = await session.connection()
            assert not connection.closed
        assert await self.seen(alone, None) == set()
        async with alone.begin() as connection:
            assert not await connection.scalar(text("select mm.org()"))
        await alone.dispose()

    async def test_an_operator_counts_while_verified(self, engine: AsyncEngine) -> None:
        operator = await holder(engine, OrganisationRole.OPERATOR)
        assert len(await self.seen(engine, operator.organisation_id)) > 1
        async with engine.begin() as connection:
            await connection.execute(
                text("update mm.organisation set state = 'suspended' where id = :id"),
                {"id": operator.organisation_id},
            )
        assert await self.seen(engine, operator.organisation_id) == {operator.organisation_id}

    async def test_people_are_no_organisations(self, engine: AsyncEngine) -> None:
        """No organisation reads who logs in, or how: not their own, and no operator."""
        firm = await holder(engine)
        operator = await holder(engine, OrganisationRole.OPERATOR)
        who = await sitter(engine, firm.organisation_id, password_hash="x")  # noqa: S106
        end = "update mm.person_session set ended_at = now() where id = :id returning id"
        rob = "update mm.person set password_hash = 'y' where id = :id returning id"
        for acting, sees in (
            (firm.organisation_id, False),
            (operator.organisation_id, False),
            (None, False),
            (db.INSTALLATION, True),
        ):
            async with db.begun(async_sessionmaker(engine), acting) as session:
                for table, id_, change in (
                    ("person", who.person_id, rob),
                    ("person_session", who.session_id, end),
                ):
                    read = text(f"select id from mm.{table} where id = :id")  # noqa: S608
                    assert bool((await session.execute(read, {"id": id_})).all()) is sees
                    done = await session.execute(text(change), {"id": id_})
                    assert bool(done.all()) is sees
        begin = (
            "insert into mm.person_session (id, token_hash, person_id, organisation_id, expires_at)"
            " values (gen_random_uuid(), sha256(:token), :who, :of, now() + interval '1 hour')"
        )
        said = {"token": uuid4().bytes, "who": who.person_id, "of": firm.organisation_id}
        assert await self.refused(engine, firm.organisation_id, begin, **said)
        assert not await self.refused(engine, db.INSTALLATION, begin, **said), "the control"

    async def refused(
        self, engine: AsyncEngine, acting: UUID, statement: str, **values: object
    ) -> bool:
        """Whether the wall turns the statement away."""
        try:
            async with db.begun(async_sessionmaker(engine), acting) as session:
                await session.execute(text(statement), values)
        except DBAPIError as refusal:
            if transient.sql_state(refusal) != "42501":
                raise
            return True
        return False

    async def test_nothing_is_written_into_another(self, engine: AsyncEngine) -> None:
        first, second = await holder(engine), await holder(engine)
        insert = (
            "insert into mm.member (id, organisation_id, name, email, role, revision)"
            " values (:id, :of, 'L', :email, 'viewer', 1)"
        )
        acting, other = first.organisation_id, second.organisation_id
        said = {"id": uuid4(), "email": "l@example.org"}
        assert await self.refused(engine, acting, insert, of=other, **said)
        assert not await self.refused(engine, acting, insert, of=acting, **said), "the control"
        async with db.begun(async_sessionmaker(engine), acting) as session:
            touched = await session.execute(
                text("update mm.organisation set note = 'x' where id = :id returning id"),
                {"id": other},
            )
            assert touched.all() == []

    async def test_nobody_makes_themselves_a_member_of_anothers_need(
        self, engine: AsyncEngine
    ) -> None:
        """The row would be their own, and open the need to them."""
        first, second = await holder(engine), await holder(engine)
        need, firm = uuid4(), first.organisation_id
        async with engine.begin() as connection:
            await connection.execute(text("set constraints all deferred"))
            await self._draft(connection, need, second)
        insert = (
            "insert into mm.need_member (id, need_id, organisation_id, state, revision)"
            " values (:id, :need, :firm, 'accepted', 1)"
        )
        assert await self.refused(engine, firm, insert, id=uuid4(), need=need, firm=firm)
        owner = second.organisation_id
        assert not await self.refused(engine, owner, insert, id=uuid4(), need=need, firm=firm)

    async def _draft(self, connection: AsyncConnection, need: UUID, owner: Holder) -> None:
        values = {"need": need, "version": uuid4(), "owner": owner.organisation_id}
        await connection.execute(
            text(
                "insert into mm.need (id, organisation_id, kind, visibility, pools, state,"
                " current_version_id, revision) values (:need, :owner, 'solution', 'private',"
                " '{}', 'draft', :version, 1)"
            ),
            values,
        )
        await connection.execute(
            text(
                "insert into mm.need_version (id, need_id, organisation_id, number, kind, facts,"
                " content_hash) values (:version, :need, :owner, 1, 'solution',"
                " '{}', sha256('x'))"
            ),
            values,
        )

    async def test_control_a_setting_of_the_session_would_reach_others(
        self, server: Server
    ) -> None:
        """The naive form: what is set for a session is there for whoever has it next."""
        alone = db.create_engine(server.url("mm_app"), Settings(pool_size=1, pool_overflow=0))
        async with alone.begin() as connection:
            lasting = "select set_config('mm.org_id', :org, false)"
            await connection.execute(text(lasting), {"org": str(db.INSTALLATION)})
        assert await self.seen(alone, None), "the next one acts as the installation"
        await alone.dispose()


class TestJobs:
    """Why jobs log in as requests do: their wall is who acts, and mm_worker has none."""

    async def reads(self, url: str, settings: Settings, role: db.Role, acting: UUID) -> set[UUID]:
        made = db.create_engine(url, settings, role=role)
        try:
            async with db.begun(async_sessionmaker(made), acting) as session:
                return set(await session.scalars(text("select organisation_id from mm.consent")))
        finally:
            await made.dispose()

    async def test_a_job_of_a_firm_reads_what_a_request_of_it_would(
        self, engine: AsyncEngine, server: Server, settings: Settings
    ) -> None:
        first, second = await holder(engine), await holder(engine)
        async with engine.begin() as connection:
            for each in (first, second):
                await connection.execute(
                    text(
                        "insert into mm.consent (id, organisation_id, purpose, granted_by)"
                        " values (:id, :of, 'contact', :key)"
                    ),
                    {"id": uuid4(), "of": each.organisation_id, "key": each.key_id},
                )
        acting, both = first.organisation_id, {first.organisation_id, second.organisation_id}
        found = await self.reads(server.url("mm_app"), settings, "mm_app", acting)
        assert found == {acting}
        control = await self.reads(server.url("mm_worker"), settings, "mm_worker", acting)
        assert both <= control, "the control: the narrow login is the one without a wall"
