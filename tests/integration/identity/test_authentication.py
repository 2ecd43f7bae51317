"""The guard in front of every operation: who passes, who does not, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.identities import Holder, Sitter, bearer, holder, sitter

from matchmaker.app import create_app
from matchmaker.core import db
from matchmaker.core.problems import problems
from matchmaker.core.settings import Settings
from matchmaker.identity import access, keys, remembering
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.issuing import queries
from matchmaker.identity.models import OrganisationRole, OrganisationState

R, S = OrganisationRole, OrganisationState
GATES = ("/v1/gate/open", "/v1/gate/known", "/v1/gate/scoped", "/v1/gate/operators")


class GateController(Controller):
    """One operation of every kind of access."""

    path = "/gate"
    tags = ("Gate",)

    @get("/open", operation_id="open", responses=problems(), opt=access.public())
    async def open(self, visitor: NamedDependency[Principal | None]) -> dict[str, Any]:
        """Tell anyone who they are."""
        return {} if visitor is None else told(visitor)

    @get("/known", operation_id="known", responses=problems(), opt=access.needs(None))
    async def known(self, principal: NamedDependency[Principal]) -> dict[str, Any]:
        """Tell a known caller who they are."""
        return told(principal)

    @get(
        "/scoped",
        operation_id="scoped",
        responses=problems(),
        opt=access.needs(Scope.NEEDS_WRITE),
    )
    async def scoped(self, principal: NamedDependency[Principal]) -> dict[str, Any]:
        """Tell a caller with a scope who they are."""
        return told(principal)

    @get(
        "/operators",
        operation_id="operators",
        responses=problems(),
        opt=access.needs(Scope.NEEDS_READ, roles=[R.OPERATOR, R.AGENCY]),
    )
    async def operators(self, principal: NamedDependency[Principal]) -> dict[str, Any]:
        """Tell an operator or agency who they are."""
        return told(principal)

    @get("/persons", operation_id="persons", responses=problems(), opt=access.person())
    async def persons(self, principal: NamedDependency[Principal]) -> dict[str, Any]:
        """Tell a person who they are."""
        return told(principal)

    @get("/mistaken", operation_id="mistaken", responses=problems(), opt=access.public())
    async def mistaken(self, principal: NamedDependency[Principal]) -> dict[str, Any]:
        """Declared open, and asks for a principal all the same."""
        return told(principal)


def told(principal: Principal) -> dict[str, Any]:
    return {
        "organisation_id": str(principal.organisation_id),
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "state": principal.state,
    }


def gate(engine: AsyncEngine, settings: Settings) -> contextlib.AbstractAsyncContextManager[Any]:
    return client_of(create_app(settings, engine, controllers=[GateController]))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(engine: AsyncEngine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with gate(engine, settings) as made:
        yield made


@contextlib.contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Every statement sent meanwhile."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def execute(engine: AsyncEngine, statement: str, **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


async def value(engine: AsyncEngine, statement: str, **values: object) -> Any:  # noqa: ANN401
    async with engine.connect() as connection:
        return await connection.scalar(text(statement), values)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestWhoPasses:
    async def test_nobody(self, api: httpx.AsyncClient) -> None:
        first, *others = [await api.get(path) for path in GATES]
        assert (first.status_code, first.json()) == (200, {})
        assert "cache-control" not in first.headers
        for answer in others:
            assert code(answer) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == 'Bearer realm="matchmaker"'

    async def test_somebody_with_all_it_takes(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine, R.OPERATOR)
        for path in GATES:
            answer = await api.get(path, headers=caller.headers)
            assert answer.json()["organisation_id"] == str(caller.organisation_id)
            assert answer.headers["cache-control"] == "no-store"

    async def test_a_missing_scope_is_named(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine, scopes=frozenset({Scope.NEEDS_READ}))
        answer = await api.get("/v1/gate/scoped", headers=caller.headers)
        assert code(answer) == (403, "scope_missing")
        assert answer.json()["scope"] == "needs:write"

    async def test_a_missing_role_is_named(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        answer = await api.get("/v1/gate/operators", headers=caller.headers)
        assert code(answer) == (403, "role_missing")
        assert answer.json()["roles"] == ["agency", "operator"]

    async def test_an_operator_that_is_not_verified_is_none(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine, R.OPERATOR, R.SME, state=S.SUBMITTED)
        answer = await api.get("/v1/gate/operators", headers=caller.headers)
        assert code(answer) == (403, "role_missing")
        known = (await api.get("/v1/gate/known", headers=caller.headers)).json()
        assert known["roles"] == ["sme"]
        assert set(known["scopes"]) == access.SCOPES_OF[R.SME]

    async def test_a_key_is_good_for_no_more_than_its_organisation(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine, R.PROVIDER, scopes=frozenset(Scope))
        answer = await api.get("/v1/gate/scoped", headers=caller.headers)
        assert code(answer) == (403, "scope_missing")

    async def test_a_scope_that_is_no_more_is_ignored(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        await execute(
            engine,
            "update mm.organisation set roles = '{sme}' where id = :id",
            id=caller.organisation_id,
        )
        known = (await api.get("/v1/gate/known", headers=caller.headers)).json()
        assert set(known["scopes"]) == access.SCOPES_OF[R.SME]

    @pytest.mark.parametrize("state", [S.SUSPENDED, S.CLOSED])
    async def test_nobody_acts_for_an_inactive_organisation(
        self, api: httpx.AsyncClient, engine: AsyncEngine, state: OrganisationState
    ) -> None:
        caller = await holder(engine, state=state)
        for path in GATES:
            answer = await api.get(path, headers=caller.headers)
            assert code(answer) == (403, "account_inactive")
            assert answer.json()["state"] == state

    async def test_a_principal_that_is_asked_for_is_there_or_401(
        self, api: httpx.AsyncClient
    ) -> None:
        assert code(await api.get("/v1/gate/mistaken")) == (401, "unauthenticated")

    async def test_the_service_itself_knows_nobody(self, api: httpx.AsyncClient) -> None:
        for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
            assert (await api.get(path, headers=bearer("junk"))).status_code == 200

    async def test_head_is_guarded_and_options_is_not(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        assert (await api.head("/v1/gate/known")).status_code == 401
        caller = await holder(engine)
        assert (await api.head("/v1/gate/known", headers=caller.headers)).status_code == 200
        assert (await api.options("/v1/gate/known")).status_code == 204


class TestWrongCredentials:
    async def test_they_all_get_one_answer(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        """Unknown, wrong, revoked and expired keys cannot be told apart, nor from no key at all."""
        wrong, revoked, expired = [await holder(engine) for _ in range(3)]
        await execute(
            engine, "update mm.api_key set revoked_at = now() where id = :id", id=revoked.key_id
        )
        await execute(
            engine, "update mm.api_key set expires_at = now() where id = :id", id=expired.key_id
        )
        headers: list[Any] = [
            bearer(keys.mint().text),
            bearer(keys.Token(wrong.token.public_id, keys.mint().secret).text),
            revoked.headers,
            expired.headers,
            bearer("junk"),
            {"Authorization": "Basic dXNlcjpwYXNz"},
            {"Authorization": ""},
            {"Authorization": wrong.token.text},
            [("Authorization", f"Bearer {wrong.token.text}")] * 2,
            {"Authorization": b"Bearer \xff\xfe"},
        ]
        bodies = set()
        for given in headers:
            for path in GATES:
                answer = await api.get(path, headers=given)
                assert code(answer) == (401, "unauthenticated"), (path, given)
                body = answer.json()
                bodies.add(answer.text.replace(body["instance"], ""))
        assert len(bodies) == 1

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
    async def test_the_scheme_may_be_written_as_one_likes(
        self, api: httpx.AsyncClient, engine: AsyncEngine, scheme: str
    ) -> None:
        caller = await holder(engine)
        headers = {"Authorization": f"{scheme} {caller.token.text}"}
        assert (await api.get("/v1/gate/known", headers=headers)).status_code == 200

    async def test_junk_never_reaches_the_database(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        sound = caller.token.text
        changed = sound[:20] + ("A" if sound[20] != "A" else "B") + sound[21:]
        with statements(engine) as seen:
            for junk in ("", "junk", sound[:-1], changed, "mmk_live_" + "0" * 59, "\x00" * 66):
                for path in GATES:
                    with contextlib.suppress(httpx.LocalProtocolError):
                        await api.get(path, headers=bearer(junk))
            assert not seen
            # The control: a key of the right form is looked up.
            await api.get(GATES[1], headers=bearer(keys.mint().text))
            assert any("api_key" in statement for statement in seen)

    async def test_a_request_the_edges_refuse_never_reaches_the_database(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        with statements(engine) as seen:
            answer = await api.get("/v1/gate/known?colour=red", headers=caller.headers)
        assert code(answer) == (400, "unexpected_parameter")
        assert not seen

    async def test_secrets_are_compared_in_constant_time(
        self, api: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every key of the right form is compared once, a name that nobody has too."""
        compared: list[int] = []
        plain: Callable[[bytes, bytes], bool] = hmac.compare_digest

        def spy(left: bytes, right: bytes) -> bool:
            compared.append(len(left) + len(right))
            return plain(left, right)

        monkeypatch.setattr(hmac, "compare_digest", spy)
        caller = await holder(engine)
        for given in (caller.token.text, keys.mint().text):
            await api.get("/v1/gate/known", headers=bearer(given))
        assert compared == [64, 64]


class TestAbsence:
    async def test_a_database_that_is_away_is_503_and_lets_nobody_in(
        self, settings: Settings
    ) -> None:
        nowhere = db.create_engine("postgresql://nobody@127.0.0.1:9/none", settings)
        async with gate(nowhere, settings) as api:
            for path in GATES:
                answer = await api.get(path, headers=bearer(keys.mint().text))
                assert code(answer) == (503, "unavailable")
                assert answer.headers["retry-after"]
            assert (await api.get("/v1/gate/open")).status_code == 200
        await nowhere.dispose()


class TestRevocation:
    """What ends a credential acts in every process within five seconds."""

    LIMIT = 5.0

    async def seconds_until_refused(
        self, engine: AsyncEngine, settings: Settings, caller: Holder | Sitter, statement: str
    ) -> float:
        """From the commit of ``statement`` until two processes that had seen the key refuse it."""
        async with gate(engine, settings) as one, gate(engine, settings) as other:
            for api in (one, other):
                answer = await api.get("/v1/gate/known", headers=caller.headers)
                assert answer.status_code == 200
            await execute(engine, statement, id=caller.organisation_id)
            started = time.monotonic()
            while time.monotonic() - started < self.LIMIT:
                answers = [
                    (await api.get("/v1/gate/known", headers=caller.headers)).status_code
                    for api in (one, other)
                ]
                if set(answers) & {401, 403} and 200 not in answers:
                    break
                await asyncio.sleep(0.1)
            return time.monotonic() - started

    ENDS = (
        "update mm.api_key set revoked_at = now() where organisation_id = :id",
        "update mm.api_key set expires_at = now() where organisation_id = :id",
        "update mm.organisation set state = 'suspended' where id = :id",
    )

    @pytest.mark.parametrize("statement", ENDS)
    async def test_it_acts_in_time(
        self, engine: AsyncEngine, settings: Settings, statement: str
    ) -> None:
        caller = await holder(engine)
        took = await self.seconds_until_refused(engine, settings, caller, statement)
        assert took < self.LIMIT / 2

    MEMBERS_ENDS = (
        "update mm.person_session set ended_at = now() where organisation_id = :id",
        "update mm.person_session set seen_at = '2026-01-01' where organisation_id = :id",
        "delete from mm.member where organisation_id = :id",
        "update mm.organisation set state = 'closed' where id = :id",
    )

    @pytest.mark.parametrize("statement", MEMBERS_ENDS)
    async def test_it_acts_in_time_on_who_is_logged_in(
        self, engine: AsyncEngine, settings: Settings, statement: str
    ) -> None:
        caller = await sitter(engine, (await holder(engine)).organisation_id)
        took = await self.seconds_until_refused(engine, settings, caller, statement)
        assert took < self.LIMIT / 2

    async def test_a_longer_memory_would_be_caught(
        self, engine: AsyncEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: a credential remembered for a minute."""
        monkeypatch.setattr(remembering, "CACHE_SECONDS", 60.0)
        caller = await holder(engine)
        took = await self.seconds_until_refused(engine, settings, caller, self.ENDS[0])
        assert took >= self.LIMIT
        person = await sitter(engine, caller.organisation_id)
        took = await self.seconds_until_refused(engine, settings, person, self.MEMBERS_ENDS[0])
        assert took >= self.LIMIT

    async def test_a_new_key_works_at_once_where_its_name_was_asked_for_before(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        await execute(
            engine, "update mm.api_key set revoked_at = now() where id = :id", id=caller.key_id
        )
        assert (await api.get("/v1/gate/known", headers=caller.headers)).status_code == 401
        await execute(
            engine, "update mm.api_key set revoked_at = null where id = :id", id=caller.key_id
        )
        assert (await api.get("/v1/gate/known", headers=caller.headers)).status_code == 200

    async def test_one_look_up_serves_a_burst(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        caller = await holder(engine)
        with statements(engine) as seen:
            for _ in range(20):
                await api.get("/v1/gate/known", headers=caller.headers)
        assert len([s for s in seen if s.startswith("WITH RECURSIVE line")]) == 1


class TestLastUse:
    async def test_it_is_noted_once_a_minute(self, engine: AsyncEngine, settings: Settings) -> None:
        caller = await holder(engine)
        noted = "select last_used_at from mm.api_key where id = :id"
        assert await value(engine, noted, id=caller.key_id) is None
        with statements(engine) as seen:
            async with gate(engine, settings) as api, gate(engine, settings) as other:
                for _ in range(3):
                    await api.get("/v1/gate/known", headers=caller.headers)
                    await other.get("/v1/gate/known", headers=caller.headers)
        first = await value(engine, noted, id=caller.key_id)
        assert first is not None
        assert len([s for s in seen if s.startswith("UPDATE")]) == 2, "one for each process"
        async with gate(engine, settings) as api:
            await api.get("/v1/gate/known", headers=caller.headers)
        assert await value(engine, noted, id=caller.key_id) == first
        await execute(
            engine,
            "update mm.api_key set last_used_at = now() - interval '61 s' where id = :id",
            id=caller.key_id,
        )
        async with gate(engine, settings) as api:
            await api.get("/v1/gate/known", headers=caller.headers)
        assert await value(engine, noted, id=caller.key_id) > first

    async def test_a_row_that_is_held_delays_nobody(
        self, engine: AsyncEngine, settings: Settings
    ) -> None:
        caller = await holder(engine)
        async with engine.begin() as connection:
            await connection.execute(
                text("select from mm.api_key where id = :id for update"), {"id": caller.key_id}
            )
            async with gate(engine, settings) as api:
                started = time.monotonic()
                answer = await api.get("/v1/gate/known", headers=caller.headers)
                assert answer.status_code == 200
            # The note is waited for when the API ends, which counts; making the API does not.
            assert time.monotonic() - started < 1.5, "less than the lock timeout"

    async def test_a_note_that_cannot_be_written_fails_no_request(
        self, engine: AsyncEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object) -> None:
            raise ConnectionError("hunter2")

        monkeypatch.setattr(queries, "note_use", broken)
        caller = await holder(engine)
        async with gate(engine, settings) as api:
            for path in GATES[:3]:
                assert (await api.get(path, headers=caller.headers)).status_code == 200


class TestSecrets:
    async def test_no_secret_is_logged_or_answered(
        self, engine: AsyncEngine, settings: Settings
    ) -> None:
        """What the log names is the public part; the control finds it there."""
        caller, wrong = await holder(engine), keys.mint()
        said = ""
        with structlog.testing.capture_logs() as logged:
            async with gate(engine, settings) as api:
                for given in (caller.token, wrong):
                    for path in (*GATES, "/v1/gate/mistaken", "/v1/nowhere"):
                        said += (await api.get(path, headers=bearer(given.text))).text
        for given in (caller.token, wrong):
            assert given.secret not in str(logged)
            assert given.secret not in said
        assert caller.token.public_id in str(logged)


class TestContract:
    async def test_security_is_said_of_every_operation(self, api: httpx.AsyncClient) -> None:
        document = (await api.get("/openapi.json")).json()
        operations = {path: item["get"] for path, item in document["paths"].items()}
        assert operations["/v1/gate/open"]["security"] == [
            *({}, {"bearer": []}, {"session": []}),
        ]
        assert operations["/v1/gate/known"]["security"] == [{"bearer": []}, {"session": []}]
        assert operations["/v1/gate/scoped"]["security"] == [
            *({"bearer": ["needs:write"]}, {"session": ["needs:write"]}),
        ]
        assert operations["/v1/gate/persons"]["security"] == [{"session": []}]
        assert "security" not in operations["/livez"]
        assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
        said = {path: operation["responses"] for path, operation in operations.items()}
        assert "`unauthenticated`" in said["/v1/gate/open"]["401"]["description"]
        assert "`scope_missing`" not in said["/v1/gate/open"]["403"]["description"]
        assert "`scope_missing`" in said["/v1/gate/scoped"]["403"]["description"]
        assert "`role_missing`" not in said["/v1/gate/scoped"]["403"]["description"]
        assert "`role_missing`" in said["/v1/gate/operators"]["403"]["description"]
        assert not said["/livez"].keys() & {"401", "403"}
