"""Events cannot be changed by those who may not, and not unseen by those who can."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
import pytest_asyncio
import rfc8785
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.chains import as_session, event, superuser_of, transaction

from matchmaker.core import db, events, transient
from matchmaker.core.canonical import canonical, encode
from matchmaker.core.db import Session
from matchmaker.core.events import Break
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings


@pytest_asyncio.fixture(loop_scope="session")
async def superuser(server: Server) -> AsyncIterator[Session]:
    """A superuser's session; its work is undone."""
    async with superuser_of(server) as connection:
        outer = await connection.begin()
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as made:
            yield as_session(made)
        await outer.rollback()


CHANGES = (
    "update mm.event set data = '{}' where position = :p",
    "delete from mm.event where position = :p",
    "truncate mm.event cascade",
)
INSERT = (
    "insert into mm.event select position + 1, recorded_at, kind, subject_type, subject_id,"
    " organisation_id, actor, data, request_id, hash from mm.event where position = :p"
)


class TestImmutable:
    @pytest.mark.parametrize("role", ["mm_app", "mm_worker"])
    @pytest.mark.parametrize("statement", [*CHANGES, INSERT])
    async def test_no_role_has_the_right(
        self, server: Server, role: db.Role, statement: str
    ) -> None:
        with pytest.raises(DBAPIError) as refused:
            await changed(server, role, statement)
        assert transient.sql_state(refused.value) == "42501"

    @pytest.mark.parametrize("statement", CHANGES)
    async def test_the_owner_is_stopped_by_a_trigger(self, server: Server, statement: str) -> None:
        with pytest.raises(DBAPIError) as refused:
            await changed(server, "mm_owner", statement)
        assert transient.sql_state(refused.value) == "23001"

    @pytest.mark.parametrize("statement", CHANGES[:2])
    async def test_without_the_trigger_it_is_done_and_found(
        self, superuser: Session, statement: str
    ) -> None:
        """The control."""
        last = await events.append(superuser, event(), event()) - 1
        await superuser.execute(text("drop trigger event_immutable on mm.event"))
        await superuser.execute(text(statement), {"p": last})
        assert (await events.verify(superuser)).broken_at == last

    async def test_both_roles_may_append(self, server: Server) -> None:
        roles: tuple[db.Role, ...] = ("mm_app", "mm_worker")
        for role in roles:
            engine = db.create_engine(
                server.url(role), Settings(), role=role, acting=db.INSTALLATION
            )
            async with transaction(engine) as session:
                assert await events.append(session, event()) == await events.head(session)
            await engine.dispose()

    async def test_functions_with_the_owners_rights_are_closed(self, session: Session) -> None:
        """Their search path is pinned, and not everybody may call them."""
        found = await session.execute(
            text(
                "select proname, proconfig, has_function_privilege('public', oid, 'execute')"
                " from pg_proc where prosecdef and pronamespace = 'mm'::regnamespace"
            )
        )
        rows = found.all()
        assert "append_events" in {row[0] for row in rows}
        for _, configured, is_public in rows:
            assert "search_path=pg_catalog, pg_temp" in configured
            assert not is_public


async def changed(server: Server, role: db.Role, statement: str) -> None:
    """Do ``statement`` to an event of this transaction."""
    engine = db.create_engine(server.url(role), Settings(), role=role, acting=db.INSTALLATION)
    try:
        async with transaction(engine) as session:
            last = await events.append(session, event())
            await session.execute(text(statement), {"p": last} if ":p" in statement else {})
    finally:
        await engine.dispose()


CHANGED = {
    "data": "data = '{\"n\": 2}'",
    "a number made text": "data = jsonb_set(data, '{n}', '\"1\"')",
    "text made a number": "data = jsonb_set(data, '{rate}', '0.5')",
    "time": "recorded_at = recorded_at - interval '1 us'",
    "kind": "kind = 'need.closed'",
    "actor": "actor = 'null'",
    "owner": "organisation_id = null",
    "subject": "subject_id = gen_random_uuid()",
    "request": "request_id = 'other'",
    "hash": "hash = sha256(hash)",
}
TAMPERED = {
    **{
        how: f"update mm.event set {what} where position = :p"  # noqa: S608
        for how, what in CHANGED.items()
    },
    "one deleted": "delete from mm.event where position = :p",
    "two deleted": "delete from mm.event where position - :p in (0, 1)",
}
SWAP = (
    "alter table mm.event drop constraint ck_event_position_from_one",
    "update mm.event set position = -position where position - :p in (0, 1)",
    "update mm.event set position = cast(:p as bigint) * 2 + 1 + position where position < 0",
)


class TestTampering:
    @pytest.mark.parametrize("how", TAMPERED)
    async def test_the_first_wrong_position_is_named(self, superuser: Session, how: str) -> None:
        told = [event(data={"n": 1, "rate": 0.5}) for _ in range(5)]
        place = await events.append(superuser, *told) - 3
        assert (await events.verify(superuser)).is_whole
        await superuser.execute(text("set local session_replication_role = replica"))
        await superuser.execute(text(TAMPERED[how]), {"p": place})
        verdict = await events.verify(superuser)
        assert verdict.broken_at == place
        assert verdict.head.position == place - 1
        assert verdict.reason is (Break.MISSING if "deleted" in how else Break.CHANGED)

    async def test_two_that_changed_places_are_named(self, superuser: Session) -> None:
        place = await events.append(superuser, event(), event(), event(), event()) - 2
        before = await events.after(superuser, place - 1, 2)
        await superuser.execute(text("set local session_replication_role = replica"))
        for statement in SWAP:
            await superuser.execute(text(statement), {"p": place} if ":p" in statement else {})
        now = await events.after(superuser, place - 1, 2)
        assert [each.event for each in now] == [each.event for each in reversed(before)]
        verdict = await events.verify(superuser)
        assert (verdict.broken_at, verdict.reason) == (place, Break.CHANGED)

    async def test_a_changed_event_with_its_hash_made_anew_breaks_the_next(
        self, superuser: Session
    ) -> None:
        last = await events.append(superuser, event(), event(), event(data={"n": 5}))
        before, target, _ = await events.after(superuser, last - 3)
        forged = msgspec.structs.replace(target.event, data={"n": 3})
        content = {
            "event": msgspec.to_builtins(forged),
            "position": target.position,
            "recorded_at": target.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        await superuser.execute(text("set local session_replication_role = replica"))
        await superuser.execute(
            text("update mm.event set data = '{\"n\": 3}', hash = :hash where position = :p"),
            {
                "p": target.position,
                "hash": hashlib.sha256(before.hash + rfc8785.dumps(content)).digest(),
            },
        )
        assert (await events.verify(superuser)).broken_at == last

    async def test_only_an_anchor_tells_of_a_cut_or_rewritten_end(self, superuser: Session) -> None:
        last = await events.append(superuser, event(), event(), event())
        anchor = (await events.verify(superuser)).head
        assert anchor.position == last
        await superuser.execute(text("set local session_replication_role = replica"))
        await superuser.execute(text("delete from mm.event where position >= :p"), {"p": last - 1})
        assert (await events.verify(superuser)).is_whole
        cut = await events.verify(superuser, anchor)
        assert (cut.broken_at, cut.reason) == (last - 1, Break.MISSING)
        await events.append(superuser, event(), event(), event())
        assert (await events.verify(superuser)).is_whole
        anew = await events.verify(superuser, anchor)
        assert (anew.broken_at, anew.reason) == (last, Break.REWRITTEN)

    @pytest.mark.parametrize(
        "forge",
        [
            lambda body: body.replace('"n":1', '"n": 1'),
            lambda body: body[:-1] + ',"zz":1}',
            lambda body: body.replace('"n":1', '"n":0,"n":1'),
        ],
    )
    async def test_a_body_that_is_not_canonical_is_found(
        self, session: Session, forge: Callable[[str], str]
    ) -> None:
        """All the application could do wrong: what is hashed is not what the columns say."""
        body = encode(canonical(event())).decode()
        assert forge(body) != body
        call = text("select mm.append_events(:bodies)")
        await session.execute(call, {"bodies": [body]})
        assert (await events.verify(session)).is_whole
        place = await session.scalar(call, {"bodies": [forge(body)]})
        assert (await events.verify(session)).broken_at == place

    async def test_a_long_chain_is_read_in_pieces(self, session: Session) -> None:
        last = await events.append(session, *(event() for _ in range(2500)))
        verdict = await events.verify(session)
        assert (verdict.head.position, verdict.broken_at) == (last, None)
