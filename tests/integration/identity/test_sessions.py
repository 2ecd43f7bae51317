"""People who log in: what it takes, what the cookie is good for, and what no other site can do."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import structlog
from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.identities import PASSWORD, Holder, Sitter, bearer, holder, sitter

from matchmaker.core import events, origin
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.events import ActorType
from matchmaker.identity import queries as rows
from matchmaker.identity.access import SCOPES_OF, SCOPES_OF_MEMBER, Scope, scopes_of_member
from matchmaker.identity.models import (
    Member,
    MemberRole,
    Organisation,
    OrganisationId,
    OrganisationRole,
    Person,
    PersonId,
    PersonSession,
)
from matchmaker.identity.sessions import factors, jobs, queries, tokens
from matchmaker.identity.sessions.passwords import AT_ONCE, Passwords

R, M = OrganisationRole, MemberRole
Client = httpx.AsyncClient
Apps = Callable[[], Litestar]
OURS = {origin.HEADER: "test"}


@pytest.fixture(scope="module")
def password_hash() -> str:
    return asyncio.run(Passwords().hash(PASSWORD))


@pytest_asyncio.fixture(loop_scope="session")
async def person(engine: AsyncEngine, password_hash: str) -> Sitter:
    """The owner of a firm, with a password."""
    firm = await holder(engine)
    return await sitter(engine, firm.organisation_id, password_hash=password_hash)


async def log_in(api: Client, email: str, **fields: object) -> httpx.Response:
    body = {"email": email, "password": PASSWORD, **fields}
    return await api.post("/v1/sessions", json=body, headers=OURS)


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """What the browser sends from now on."""
    value = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": value, **OURS}


async def me(api: Client, headers: dict[str, str]) -> dict[str, Any]:
    answer = await api.get("/v1/me", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def is_known(api: Client, headers: dict[str, str]) -> bool:
    return (await api.get("/v1/me", headers=headers)).status_code == 200


async def execute(engine: AsyncEngine, statement: str, **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


async def told(engine: AsyncEngine, of: OrganisationId) -> list[tuple[str, str]]:
    async with AsyncSession(engine) as session:
        found = await events.after(ReadSession(session), 0, organisation_id=of)
    return [(recorded.event.kind, recorded.event.actor.type) for recorded in found]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestLoggingIn:
    @pytest.mark.asvs("V3.3.1", "V3.3.2", "V3.3.3", "V3.3.4")
    async def test_the_cookie_is_theirs(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        answer = await log_in(identity, person.email.upper())
        assert answer.status_code == 201, answer.text
        said = answer.headers["set-cookie"]
        assert said.startswith("__Host-mm_session=")
        assert {part.strip() for part in said.lower().split(";")[1:]} == {
            *("path=/", "secure", "httponly", "samesite=lax"),
        }
        assert answer.headers["cache-control"] == "no-store"
        found = await me(identity, cookie_of(answer))
        assert found["person"]["email"] == person.email
        assert found["member"]["id"] == str(person.member_id)
        assert found["key"] is None
        assert found["scopes"] == sorted(SCOPES_OF[R.SME])
        assert ("session.started", ActorType.MEMBER) in await told(engine, person.organisation_id)

    @pytest.mark.asvs("V6.3.8")
    async def test_whoever_is_refused_does_not_learn_why(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        """Neither by what is said nor by how long it takes."""
        passwordless = await sitter(engine, person.organisation_id)
        cases = {
            "wrong": (person.email, "correct horse"),
            "nobody": ("nobody@example.org", PASSWORD),
            "passwordless": (passwordless.email, PASSWORD),
        }
        bodies, times = [], dict[str, float]()
        await log_in(identity, "warm@example.org")
        for name, (email, password) in cases.items():
            took = []
            for _ in range(3):
                started = time.perf_counter()
                answer = await log_in(identity, email, password=password)
                took.append(time.perf_counter() - started)
                assert code(answer) == (401, "login_refused")
                bodies.append({**answer.json(), "instance": None})
            times[name] = min(took)
        assert all(body == bodies[0] for body in bodies)
        assert min(times.values()) > max(times.values()) / 4, times

    async def test_they_act_for_whom_they_say(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        other, foreign = await holder(engine, R.PROVIDER), await holder(engine)
        await join(engine, other.organisation_id, person.email, M.VIEWER)
        answer = await log_in(identity, person.email, organisation_id=str(other.organisation_id))
        body = answer.json()
        assert (body["organisation_id"], body["role"]) == (str(other.organisation_id), "viewer")
        assert [each["role"] for each in body["memberships"]] == ["owner", "viewer"]
        assert (await me(identity, cookie_of(answer)))["scopes"] == sorted(
            scopes_of_member(M.VIEWER, [R.PROVIDER])
        )
        refused = await log_in(identity, person.email, organisation_id=str(foreign.organisation_id))
        assert code(refused) == (403, "not_a_member")

    async def test_passwords_take_turns(self) -> None:
        """The control: as many at a time as come."""
        for turns, expected in ((AT_ONCE, AT_ONCE), (8, 8)):
            passwords, running, most = Passwords(), 0, 0
            passwords._turns = asyncio.Semaphore(turns)

            def slow(*_: object) -> bool:
                nonlocal running, most
                running += 1
                most = max(most, running)
                time.sleep(0.05)
                running -= 1
                return False

            passwords._fits = slow  # type: ignore[method-assign, assignment]
            await asyncio.gather(*(passwords.fits("x", None) for _ in range(8)))
            assert most == min(expected, 8) if turns == AT_ONCE else most > AT_ONCE

    @pytest.mark.asvs("V7.2.3", "V16.2.5")
    async def test_no_row_and_no_log_holds_a_secret(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        """The control: the address is found in a row."""
        with structlog.testing.capture_logs() as logged:
            headers = cookie_of(await log_in(identity, person.email))
            await me(identity, headers)
        async with engine.connect() as connection:
            stored = ""
            for table in ("person", "person_session", "event"):
                rows = await connection.scalars(text(f"select t::text from mm.{table} t"))  # noqa: S608
                stored += "\n".join(rows)
        assert person.email in stored
        for secret in (PASSWORD, headers["Cookie"].partition("=")[2]):
            assert secret not in stored
            assert secret not in str(logged)


class TestSession:
    @pytest.mark.asvs("V7.2.4")
    async def test_changing_for_whom_one_acts_changes_the_cookie(
        self, app: Apps, engine: AsyncEngine, person: Sitter
    ) -> None:
        other = await holder(engine, R.PROVIDER)
        await join(engine, other.organisation_id, person.email, M.EDITOR)
        wanted = {"organisation_id": str(other.organisation_id)}
        async with client_of(app()) as api:
            answer = await api.put("/v1/sessions/organisation", json=wanted, headers=person.headers)
            assert answer.status_code == 200, answer.text
            new = cookie_of(answer)
            # The old one was remembered when it was changed: it is not good for a second change.
            again = await api.put("/v1/sessions/organisation", json=wanted, headers=person.headers)
            assert code(again) == (401, "unauthenticated")
        async with client_of(app()) as api:
            assert (await me(api, new))["organisation"]["id"] == wanted["organisation_id"]
            assert not await is_known(api, person.headers)

    async def test_nobody_acts_for_whom_they_are_no_member_of(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        wanted = {"organisation_id": str((await holder(engine)).organisation_id)}
        answer = await identity.put(
            "/v1/sessions/organisation", json=wanted, headers=person.headers
        )
        assert code(answer) == (403, "not_a_member")

    @pytest.mark.asvs("V7.4.1")
    @pytest.mark.parametrize(("everywhere", "left"), [("false", True), ("true", False)])
    async def test_logging_out(
        self,
        app: Apps,
        person: Sitter,
        everywhere: str,
        left: bool,  # noqa: FBT001
    ) -> None:
        async with client_of(app()) as api:
            here, there = [cookie_of(await log_in(api, person.email)) for _ in range(2)]
            answer = await api.delete(
                "/v1/sessions", params={"everywhere": everywhere}, headers=here
            )
            assert answer.status_code == 204
            assert "max-age=0" in answer.headers["set-cookie"].lower()
        async with client_of(app()) as api:
            assert not await is_known(api, here)
            assert await is_known(api, there) is left

    @pytest.mark.asvs("V7.3.2")
    async def test_it_ends_however_busy_it_is(self, app: Apps, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        caller = await sitter(engine, firm.organisation_id, lasts=2)
        until = time.monotonic() + 2.1
        async with client_of(app()) as api:
            assert await is_known(api, caller.headers)
            while time.monotonic() < until:
                await is_known(api, caller.headers)
                await asyncio.sleep(0.2)
        async with client_of(app()) as api:
            assert not await is_known(api, caller.headers)

    @pytest.mark.asvs("V7.3.1")
    async def test_use_is_noted_and_brings_nobody_back(
        self, app: Apps, engine: AsyncEngine, person: Sitter
    ) -> None:
        """A minute ago is noted as now; 31 minutes ago is over, whoever notes it."""
        for minutes, is_noted in ((2, True), (31, False)):
            await execute(
                engine,
                "update mm.person_session set seen_at = now() - make_interval(mins => :ago)"
                " where id = :id",
                ago=minutes,
                id=person.session_id,
            )
            async with client_of(app()) as api:
                assert await is_known(api, person.headers) is is_noted
            async with AsyncSession(engine) as session, session.begin():
                writing = Session(ReadSession(session))
                await queries.note_sight(writing, person.session_id, idle=1800)
            async with AsyncSession(engine) as session:
                found = await queries.started(ReadSession(session), person.session_id)
            assert found is not None
            assert (utc_now() - found.seen_at < dt.timedelta(minutes=1)) is is_noted

    async def test_what_ended_long_ago_is_removed(self, session: Session) -> None:
        """The control: what ended a day ago, and what goes on, stay."""
        made = {}
        for name, ended, expires in (
            ("logged out", dt.timedelta(days=-31), dt.timedelta(days=-30)),
            ("ran out", None, dt.timedelta(days=-31)),
            ("a day ago", dt.timedelta(days=-1), dt.timedelta(hours=1)),
            ("goes on", None, dt.timedelta(hours=1)),
        ):
            firm = Organisation(name={"en": "Firm"}, roles=["sme"])
            person = Person(email=f"{uuid4().hex}@example.org", name="Lin")
            await rows.add(session, firm, person)
            begun = PersonSession(
                token_hash=tokens.mint().digest,
                person_id=person.id,
                organisation_id=firm.id,
                expires_at=utc_now() + expires,
                ended_at=None if ended is None else utc_now() + ended,
            )
            await rows.add(session, begun)
            made[name] = begun.id
        await queries.prune(session, dt.timedelta(days=jobs.KEPT_DAYS))
        left = {name for name, id_ in made.items() if await queries.started(session, id_)}
        assert left == {"a day ago", "goes on"}

    async def test_an_old_cookie_keeps_nobody_out(
        self, app: Apps, engine: AsyncEngine, person: Sitter
    ) -> None:
        await execute(
            engine,
            "update mm.person_session set ended_at = now() where id = :id",
            id=person.session_id,
        )
        async with client_of(app()) as api:
            assert not await is_known(api, person.headers)
            body = {"email": person.email, "password": PASSWORD}
            answer = await api.post("/v1/sessions", json=body, headers=person.headers)
            assert answer.status_code == 201

    async def test_a_key_has_no_session(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        answer = await identity.delete("/v1/sessions", headers=firm.headers)
        assert code(answer) == (403, "session_needed")

    async def test_a_sound_key_goes_before_a_cookie(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        firm = await holder(engine)
        found = await me(identity, {**person.headers, **firm.headers})
        assert found["organisation"]["id"] == str(firm.organisation_id)
        answer = await identity.get("/v1/me", headers={**person.headers, **bearer("junk")})
        assert code(answer) == (401, "unauthenticated")


THEIRS = {"Cookie", origin.HEADER}


class TestOtherSites:
    """A change that a cookie vouches for comes from our own page."""

    FORGED: tuple[dict[str, str], ...] = (
        {},
        {**OURS, "Sec-Fetch-Site": "cross-site"},
        {**OURS, "Sec-Fetch-Site": "same-site"},
        {**OURS, "Origin": "https://evil.example"},
        {**OURS, "Origin": "null"},
        {**OURS, "Origin": "http://["},
        {**OURS, "Origin": "http://test.evil.example"},
    )
    MEANT = (OURS, {**OURS, "Sec-Fetch-Site": "same-origin", "Origin": "http://test"})

    async def add(self, api: Client, person: Sitter, headers: dict[str, str]) -> httpx.Response:
        return await api.post(
            f"/v1/organisations/{person.organisation_id}/consents",
            json={"purpose": "contact"},
            headers={"Cookie": person.headers["Cookie"], **headers},
        )

    @pytest.mark.asvs("V3.5.1")
    @pytest.mark.parametrize("headers", FORGED)
    async def test_they_change_nothing(
        self, identity: Client, engine: AsyncEngine, person: Sitter, headers: dict[str, str]
    ) -> None:
        assert code(await self.add(identity, person, headers)) == (403, "cross_site")
        assert await told(engine, person.organisation_id) == []

    @pytest.mark.parametrize("headers", MEANT)
    async def test_ours_does(
        self, identity: Client, person: Sitter, headers: dict[str, str]
    ) -> None:
        assert (await self.add(identity, person, headers)).status_code == 201

    async def test_control_a_cookie_alone_would_do(
        self, identity: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(origin, "check", lambda *_: None)
        assert (await self.add(identity, person, {})).status_code == 201

    @pytest.mark.asvs("V3.5.2")
    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    async def test_what_a_form_can_send_is_not_read(
        self, identity: Client, person: Sitter, kind: str
    ) -> None:
        headers = {**person.headers, **({"Content-Type": kind} if kind else {})}
        answer = await identity.post(
            f"/v1/organisations/{person.organisation_id}/consents",
            content=b'{"purpose": "contact"}',
            headers=headers,
        )
        assert code(answer) == (415, "wrong_media_type")

    @pytest.mark.parametrize("headers", FORGED)
    async def test_nobody_is_logged_in_by_them(
        self, identity: Client, person: Sitter, headers: dict[str, str]
    ) -> None:
        body = {"email": person.email, "password": PASSWORD}
        answer = await identity.post("/v1/sessions", json=body, headers=headers)
        assert code(answer) == (403, "cross_site")

    async def test_what_changes_nothing_needs_no_header(
        self, identity: Client, person: Sitter
    ) -> None:
        assert await is_known(identity, {"Cookie": person.headers["Cookie"]})


class TestSecondFactor:
    async def protect(
        self, api: Client, headers: dict[str, str], step: int | None = None
    ) -> tuple[bytes, list[str]]:
        """With the code of a step of the clock; of this moment unless it is said."""
        proposed = (await api.post("/v1/me/second-factor", headers=headers)).json()
        secret = factors.read(proposed["secret"])
        assert secret is not None
        assert proposed["secret"] in proposed["uri"]
        told = now(secret) if step is None else factors.code_at(secret, step)
        body = {"secret": proposed["secret"], "code": told}
        answer = await api.put("/v1/me/second-factor", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return secret, answer.json()["codes"]

    @pytest.mark.asvs("V6.5.1")
    async def test_it_is_asked_for_from_then_on(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        # The next one may begin while a slow machine gets this far.
        step = int(time.time() // factors.STEP)
        secret, codes = await self.protect(identity, person.headers, step)
        assert len(codes) == factors.RECOVERY_CODES
        assert code(await log_in(identity, person.email)) == (401, "second_factor_needed")
        first, later = (factors.code_at(secret, step + ahead) for ahead in (0, 1))
        wrong = f"{(int(first) + 1) % 10**6:06}"
        assert code(await log_in(identity, person.email, code=wrong)) == (401, "login_refused")
        # The code that set it up is used; so is every earlier one.
        assert code(await log_in(identity, person.email, code=first)) == (401, "login_refused")
        assert (await log_in(identity, person.email, code=later)).status_code == 201
        assert code(await log_in(identity, person.email, code=later)) == (401, "login_refused")
        guessed = await log_in(identity, person.email, code=later, password="x" * 12)
        assert code(guessed) == (401, "login_refused")
        async with AsyncSession(engine) as session:
            stored = await queries.person(ReadSession(session), person.person_id)
        assert stored is not None
        assert stored.totp is not None
        assert secret not in stored.totp

    async def test_a_recovery_code_is_good_once(self, identity: Client, person: Sitter) -> None:
        _, codes = await self.protect(identity, person.headers)
        answers = await asyncio.gather(
            *(log_in(identity, person.email, code=codes[0].upper()) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]
        assert (await log_in(identity, person.email, code=codes[1])).status_code == 201

    async def test_control_a_look_before_the_use_takes_it_twice(
        self, identity: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def naive(session: Session, id_: PersonId, digest: bytes) -> bool:
            found = await queries.person(session, id_)
            assert found is not None
            if digest not in found.recovery:
                return False
            await asyncio.sleep(0.3)
            left = [each for each in found.recovery if each != digest]
            await queries.change_person(session, id_, recovery=left)
            return True

        _, codes = await self.protect(identity, person.headers)
        monkeypatch.setattr(queries, "use_recovery", naive)
        answers = await asyncio.gather(
            *(log_in(identity, person.email, code=codes[0]) for _ in range(2))
        )
        assert [answer.status_code for answer in answers] == [201, 201]

    async def test_a_session_alone_does_not_replace_it(
        self, identity: Client, person: Sitter
    ) -> None:
        await self.protect(identity, person.headers)
        answer = await identity.post("/v1/me/second-factor", headers=person.headers)
        assert code(answer) == (409, "already_protected")
        secret = factors.new_secret()
        body = {"secret": factors.written(secret), "code": now(secret)}
        answer = await identity.put("/v1/me/second-factor", json=body, headers=person.headers)
        assert code(answer) == (409, "already_protected")

    async def protect_at_once(self, identity: Client, person: Sitter, times: int) -> list[int]:
        secrets = [factors.new_secret() for _ in range(times)]
        bodies = [{"secret": factors.written(each), "code": now(each)} for each in secrets]
        path = "/v1/me/second-factor"
        answers = await asyncio.gather(
            *(identity.put(path, json=body, headers=person.headers) for body in bodies)
        )
        return sorted(answer.status_code for answer in answers)

    async def test_of_several_at_once_one_is_set_up(self, identity: Client, person: Sitter) -> None:
        assert await self.protect_at_once(identity, person, 4) == [200, 409, 409, 409]

    async def test_control_a_look_before_the_change_sets_several_up(
        self, identity: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def naive(session: Session, id_: PersonId, **values: object) -> bool:
            found = await queries.person(session, id_)
            assert found is not None
            is_bare = found.totp is None
            await asyncio.sleep(0.3)
            if is_bare:
                await queries.change_person(session, id_, **values)
            return is_bare

        monkeypatch.setattr(queries, "set_factor", naive)
        assert await self.protect_at_once(identity, person, 2) == [200, 200]

    async def test_a_wrong_code_sets_nothing_up(self, identity: Client, person: Sitter) -> None:
        secret = factors.new_secret()
        wrong = f"{(int(now(secret)) + 1) % 10**6:06}"
        body = {"secret": factors.written(secret), "code": wrong}
        answer = await identity.put("/v1/me/second-factor", json=body, headers=person.headers)
        assert code(answer) == (422, "wrong_code")
        assert (await log_in(identity, person.email)).status_code == 201


def now(secret: bytes, ahead: int = 0) -> str:
    return factors.code_at(secret, int(time.time() // factors.STEP) + ahead)


class TestRoles:
    @pytest.mark.parametrize("role", M)
    @pytest.mark.parametrize("kind", R)
    async def test_a_person_may_do_what_both_roles_allow(
        self, identity: Client, engine: AsyncEngine, role: MemberRole, kind: OrganisationRole
    ) -> None:
        firm = await holder(engine, kind)
        found = await me(identity, (await sitter(engine, firm.organisation_id, role)).headers)
        expected = SCOPES_OF_MEMBER[role] & SCOPES_OF[kind]
        if role is M.AUDITOR and kind is not R.OPERATOR:
            expected = frozenset()
        assert found["scopes"] == sorted(expected)

    @pytest.mark.parametrize(
        ("by", "role", "expected"),
        [
            (M.OWNER, "owner", 201),
            (M.OWNER, "viewer", 201),
            (M.ADMIN, "admin", 201),
            (M.ADMIN, "owner", 403),
            (M.EDITOR, "viewer", 403),
        ],
    )
    async def test_nobody_gives_a_role_that_allows_more(
        self, identity: Client, engine: AsyncEngine, by: MemberRole, role: str, expected: int
    ) -> None:
        firm = await holder(engine)
        caller = await sitter(engine, firm.organisation_id, by)
        body = {"name": "New", "email": "new@example.org", "role": role}
        path = f"/v1/organisations/{firm.organisation_id}/members"
        answer = await identity.post(path, json=body, headers=caller.headers)
        assert answer.status_code == expected
        if expected == 403:
            assert answer.json()["code"] == (
                "scopes_exceeded" if by is M.ADMIN else "scope_missing"
            )

    async def test_nobody_takes_a_role_that_allows_more(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        owner = await sitter(engine, firm.organisation_id)
        admin = await sitter(engine, firm.organisation_id, M.ADMIN)
        path, sent = f"/v1/members/{owner.member_id}", {**admin.headers, "If-Match": '"1"'}
        assert code(await identity.delete(path, headers=sent)) == (403, "scopes_exceeded")
        patch = {**sent, "Content-Type": "application/merge-patch+json"}
        answer = await identity.patch(path, json={"role": "viewer"}, headers=patch)
        assert code(answer) == (403, "scopes_exceeded")
        mine = f"/v1/members/{admin.member_id}"
        answer = await identity.patch(mine, json={"role": "owner"}, headers=patch)
        assert code(answer) == (403, "scopes_exceeded")

    async def test_a_key_goes_with_the_role_of_whoever_made_it(
        self, app: Apps, engine: AsyncEngine
    ) -> None:
        """The control: a key of the console keeps its own."""
        firm = await holder(engine)
        admin = await sitter(engine, firm.organisation_id, M.ADMIN)
        async with client_of(app()) as api:
            made = await make_key(api, firm, admin)
            assert made["created_by_member"] == str(admin.member_id)
            next_ = (await create_with(api, firm, bearer(made["key"]))).json()
        for statement, left in (
            (
                "update mm.member set role = 'viewer' where id = :id",
                scopes_of_member(M.VIEWER, [R.SME]),
            ),
            ("delete from mm.member where id = :id", frozenset[Scope]()),
        ):
            await execute(engine, statement, id=admin.member_id)
            async with client_of(app()) as api:
                for key in (made["key"], next_["key"]):
                    assert (await me(api, bearer(key)))["scopes"] == sorted(left)
                assert (await me(api, firm.headers))["scopes"] == sorted(SCOPES_OF[R.SME])

    async def test_a_key_an_operators_member_made_goes_with_the_operator(
        self, app: Apps, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        caller = await sitter(engine, operator.organisation_id)
        async with client_of(app()) as api:
            made = await make_key(api, firm, caller)
            assert (await me(api, bearer(made["key"])))["scopes"] == sorted(SCOPES_OF[R.SME])
        await execute(
            engine,
            "update mm.organisation set state = 'suspended' where id = :id",
            id=operator.organisation_id,
        )
        async with client_of(app()) as api:
            assert (await me(api, bearer(made["key"])))["scopes"] == []

    async def test_a_member_consents_in_their_own_name(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        path = f"/v1/organisations/{person.organisation_id}/consents"
        given = await identity.post(path, json={"purpose": "contact"}, headers=person.headers)
        assert given.status_code == 201, given.text
        ended = await identity.post(
            f"/v1/consents/{given.json()['id']}/withdrawal", headers=person.headers
        )
        assert ended.status_code == 200
        assert await told(engine, person.organisation_id) == [
            ("consent.granted", ActorType.MEMBER),
            ("consent.withdrawn", ActorType.MEMBER),
        ]


async def make_key(api: Client, firm: Holder, caller: Sitter) -> dict[str, Any]:
    answer = await create_with(api, firm, caller.headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def create_with(api: Client, firm: Holder, headers: dict[str, str]) -> httpx.Response:
    # Without consents:write: what an admin may give.
    path = f"/v1/organisations/{firm.organisation_id}/keys"
    return await api.post(path, json={"name": "made"}, headers=headers)


async def join(
    engine: AsyncEngine, organisation_id: OrganisationId, email: str, role: MemberRole
) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add(Member(organisation_id=organisation_id, name="Lin", email=email, role=role))
