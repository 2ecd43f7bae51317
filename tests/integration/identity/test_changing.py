"""What people change of how they log in, and how often an account may be tried."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.factories import SEEDS, taxonomy
from tests.identities import PASSWORD, Sitter, holder, sitter

from matchmaker.app import create_app
from matchmaker.core import limits, origin, provided
from matchmaker.core.limits.addresses import Addresses, networks
from matchmaker.core.settings import Settings
from matchmaker.identity.controllers import CONTROLLERS
from matchmaker.identity.models import MemberRole
from matchmaker.identity.sessions import changing, factors, service
from matchmaker.identity.sessions.passwords import Passwords

Client = httpx.AsyncClient
OURS = {origin.HEADER: "test"}
NEW = "another horse battery"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return asyncio.run(Passwords().hash(PASSWORD))


@pytest_asyncio.fixture(loop_scope="session")
async def person(engine: AsyncEngine, password_hash: str) -> Sitter:
    firm = await holder(engine)
    return await sitter(engine, firm.organisation_id, password_hash=password_hash)


@pytest_asyncio.fixture(loop_scope="session")
async def counting(engine: AsyncEngine) -> AsyncIterator[Client]:
    """A client that comes from a new address with every request, where accounts are limited."""
    settings = Settings(secret="s" * 32, limits="account=3/600,login=1/600")
    wanted = limits.policies(settings.limits, limits.load(SEEDS))
    assert wanted is not None
    ledger = limits.Ledger(provided.state(engine).write)
    app = create_app(
        settings,
        engine,
        controllers=CONTROLLERS,
        dependencies={"taxonomy": Provide(taxonomy, sync_to_thread=False)},
        counted=limits.Limits(wanted, ledger, Addresses(networks("127.0.0.1/32"))),
    )
    async with client_of(app) as made:
        yield made


async def log_in(api: Client, email: str, password: str = PASSWORD, **sent: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return await api.post("/v1/sessions", json=body, headers={**OURS, **sent})


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0], **OURS}


async def change(api: Client, headers: dict[str, str], **body: str) -> httpx.Response:
    return await api.put("/v1/me/password", json={"password": NEW, **body}, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def began_long_ago(engine: AsyncEngine, who: Sitter) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text("delete from mm.person_session where id = :id"), {"id": who.session_id}
        )
        await connection.execute(
            text(
                "insert into mm.person_session"
                " (id, token_hash, person_id, organisation_id, created_at, seen_at, expires_at)"
                " values (:id, :digest, :person, :firm, now() - interval '11 min', now(),"
                " now() + interval '1 hour')"
            ),
            {
                "id": who.session_id,
                "digest": who.token.digest,
                "person": who.person_id,
                "firm": who.organisation_id,
            },
        )


class TestPassword:
    @pytest.mark.asvs("V6.2.2")
    async def test_the_new_one_is_the_only_one(self, identity: Client, person: Sitter) -> None:
        answer = await change(identity, person.headers, old_password=PASSWORD)
        assert answer.status_code == 204
        assert code(await log_in(identity, person.email)) == (401, "login_refused")
        assert (await log_in(identity, person.email, NEW)).status_code == 201

    async def test_every_other_session_ends(
        self, identity: Client, person: Sitter, app: Callable[[], Litestar]
    ) -> None:
        other = cookie_of(await log_in(identity, person.email))
        mine = cookie_of(await change(identity, person.headers, old_password=PASSWORD))
        async with client_of(app()) as later:
            told = [
                (await later.get("/v1/me", headers=headers)).status_code
                for headers in (mine, person.headers, other)
            ]
        assert told == [200, 401, 401], "also the token that this session had"

    @pytest.mark.asvs("V6.2.3")
    async def test_an_open_browser_is_not_enough(
        self, identity: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The login is a moment old, and all the same the old password is asked for."""
        for said in ({}, {"old_password": "x"}):
            assert code(await change(identity, person.headers, **said)) == (422, "wrong_password")
        assert (await log_in(identity, person.email)).status_code == 201
        monkeypatch.setattr(changing, "refuse_unproven", _nothing)
        assert (await change(identity, person.headers)).status_code == 204

    async def test_who_has_none_sets_the_first_one_after_a_login(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        """As people do whom an identity provider vouches for."""
        firm = await holder(engine)
        late, prompt = [await sitter(engine, firm.organisation_id) for _ in range(2)]
        await began_long_ago(engine, late)
        assert code(await change(identity, late.headers)) == (403, "recent_login_needed")
        assert (await change(identity, prompt.headers)).status_code == 204
        assert (await log_in(identity, prompt.email, NEW)).status_code == 201

    async def test_a_short_one_is_refused(self, identity: Client, person: Sitter) -> None:
        answer = await change(identity, person.headers, old_password=PASSWORD, password="short")  # noqa: S106
        assert code(answer) == (422, "invalid_content")

    async def test_of_two_at_once_one_wins(self, identity: Client, person: Sitter) -> None:
        told = await asyncio.gather(
            *(change(identity, person.headers, old_password=PASSWORD) for _ in range(2))
        )
        assert sorted(answer.status_code for answer in told) == [204, 401]


async def _nothing(*_: object) -> None:
    return None


class Factor(NamedTuple):
    """A second factor as its owner has it."""

    secret: bytes
    recovery: list[str]

    def code(self, steps: int = 0) -> str:
        return factors.code_at(self.secret, int(time.time() // factors.STEP) + steps)


class TestFactor:
    @pytest_asyncio.fixture(loop_scope="session")
    async def factor(self, identity: Client, person: Sitter) -> Factor:
        made = Factor(factors.new_secret(), [])
        body = {"secret": factors.written(made.secret), "code": made.code()}
        put = await identity.put("/v1/me/second-factor", json=body, headers=person.headers)
        assert put.status_code == 200, put.text
        return made._replace(recovery=put.json()["codes"])

    async def remove(self, api: Client, who: Sitter, said: str) -> httpx.Response:
        path = "/v1/me/second-factor/removal"
        return await api.post(path, json={"code": said}, headers=who.headers)

    async def test_whoever_has_it_takes_it_away(
        self, identity: Client, person: Sitter, factor: Factor
    ) -> None:
        assert (await self.remove(identity, person, factor.code(1))).status_code == 204
        assert (await log_in(identity, person.email)).status_code == 201
        assert code(await self.remove(identity, person, factor.code(1))) == (409, "not_protected")

    @pytest.mark.asvs("V6.5.2")
    async def test_a_recovery_code_will_do(
        self, identity: Client, person: Sitter, factor: Factor
    ) -> None:
        assert {len(each) * 5 for each in factor.recovery} == {120}, "bits of each"
        assert len(set(factor.recovery)) == factors.RECOVERY_CODES
        assert (await self.remove(identity, person, factor.recovery[3])).status_code == 204

    async def test_a_session_alone_does_not(
        self, identity: Client, person: Sitter, factor: Factor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        used = factor.code()
        for wrong in ("000000", used, "a" * 24):
            assert code(await self.remove(identity, person, wrong)) == (422, "wrong_code")
        assert code(await log_in(identity, person.email)) == (401, "second_factor_needed")
        monkeypatch.setattr(changing, "refuse_without_factor", _nothing)
        assert (await self.remove(identity, person, "000000")).status_code == 204


class TestTries:
    async def tries(self, api: Client, email: str, count: int) -> list[int]:
        """How each is answered, each from an address of its own."""
        told = []
        for _ in range(count):
            network = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
            answer = await log_in(api, email, "wrong", **{"X-Forwarded-For": f"{network}::1"})
            told.append(answer.status_code)
        return told

    async def test_an_account_is_tried_so_often_from_wherever(
        self, counting: Client, person: Sitter
    ) -> None:
        assert await self.tries(counting, person.email, 5) == [401, 401, 401, 429, 429]
        # It is this account alone; and one that nobody has is answered alike.
        assert await self.tries(counting, "x" + person.email, 4) == [401, 401, 401, 429]

    async def test_control_by_address_alone_nobody_would_notice(
        self, counting: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "refuse_guessing", _nothing)
        assert await self.tries(counting, person.email, 5) == [401] * 5

    async def test_other_ways_to_try_a_password_count_too(
        self, counting: Client, person: Sitter
    ) -> None:
        assert await self.tries(counting, person.email, 3) == [401] * 3
        answer = await change(counting, person.headers, old_password="x")  # noqa: S106
        assert code(answer) == (429, "too_many_requests")
        assert answer.json()["purpose"] == "account"


class TestSuspended:
    async def test_its_cookie_keeps_nobody_from_logging_in(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        async with engine.begin() as connection:
            await connection.execute(
                text("update mm.organisation set state = 'suspended' where id = :id"),
                {"id": person.organisation_id},
            )
        me = await identity.get("/v1/me", headers=person.headers)
        assert code(me) == (403, "account_inactive")
        answer = await log_in(identity, person.email, Cookie=person.headers["Cookie"])
        assert answer.status_code == 201

    async def test_whoever_names_none_acts_for_one_that_can(
        self, identity: Client, engine: AsyncEngine, person: Sitter
    ) -> None:
        other = await holder(engine)
        async with engine.begin() as connection:
            await connection.execute(
                text("update mm.organisation set state = 'suspended' where id = :id"),
                {"id": person.organisation_id},
            )
            await connection.execute(
                text(
                    "insert into mm.member (id, organisation_id, name, email, role, revision)"
                    " values (gen_random_uuid(), :firm, 'Lin', :email, :role, 1)"
                ),
                {
                    "firm": other.organisation_id,
                    "email": person.email,
                    "role": MemberRole.EDITOR.value,
                },
            )
        answer = await log_in(identity, person.email)
        assert answer.json()["organisation_id"] == str(other.organisation_id)
