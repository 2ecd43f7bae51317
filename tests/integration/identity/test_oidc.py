"""Logging in with an identity provider: a real one, which says what it should and what not."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from litestar.di import Provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.factories import taxonomy
from tests.identities import Holder, Sitter, holder, sitter
from tests.issuers import CLIENT_ID, CLIENT_SECRET, Issuer, issuing

from matchmaker.app import create_app
from matchmaker.core.settings import Settings, SettingsInvalid
from matchmaker.identity.controllers import CONTROLLERS
from matchmaker.identity.models import Member, MemberRole
from matchmaker.identity.oidc import issuers, judging, providers, service
from matchmaker.identity.oidc.controllers import COOKIE

HERE = "https://matchmaker.example"
CALLBACK = "/v1/sessions/oidc/callback"
Client = httpx.AsyncClient


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing(HERE + CALLBACK) as made:
        yield made


def settings_of(issuer: Issuer, *, is_open: bool = True, **changed: str) -> Settings:
    told = {
        "name": "city",
        "issuer": issuer.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **changed,
    }
    return Settings(
        secret="s" * 32, public_url=HERE, webhooks_open=is_open, oidc=json.dumps([told])
    )


def app_of(engine: AsyncEngine, settings: Settings) -> Any:  # noqa: ANN401
    released = {"taxonomy": Provide(taxonomy, sync_to_thread=False)}
    return create_app(settings, engine, controllers=CONTROLLERS, dependencies=released)


@pytest_asyncio.fixture(loop_scope="session")
async def api(engine: AsyncEngine, issuer: Issuer) -> AsyncIterator[Client]:
    async with client_of(app_of(engine, settings_of(issuer))) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def person(engine: AsyncEngine, issuer: Issuer) -> Sitter:
    """Somebody who can log in here, and is logged in there."""
    found = await sitter(engine, (await holder(engine)).organisation_id)
    issuer.user = user(found.email)
    return found


def user(email: str, **changed: object) -> dict[str, Any]:
    told = {"sub": uuid4().hex, "email": email, "email_verified": True, "name": "Lin"}
    return {**told, **changed}


@dataclasses.dataclass
class Way:
    """A browser on its way: what it keeps, and with what it comes back."""

    cookies: dict[str, str]
    place: str
    back: str = ""


def kept(answer: httpx.Response, name: str) -> str:
    """The cookie of this name that an answer sets."""
    (found,) = [
        value for value in answer.headers.get_list("set-cookie") if value.startswith(f"{name}=")
    ]
    assert {"HttpOnly", "Secure", "Path=/"} <= set(found.split("; "))
    assert "SameSite=lax" in found
    return found.partition(";")[0].partition("=")[2]


async def sent_off(api: Client) -> Way:
    answer = await api.get("/v1/sessions/oidc", params={"issuer": "city"})
    assert answer.status_code == 302, answer.text
    return Way({COOKIE: kept(answer, COOKIE)}, answer.headers["location"])


async def logged_in_there(way: Way) -> Way:
    async with httpx.AsyncClient(timeout=10) as browser:
        answer = await browser.get(way.place)
    assert answer.status_code == 302, answer.text
    way.back = answer.headers["location"]
    assert way.back.startswith(HERE + CALLBACK)
    return way


async def come_back(api: Client, way: Way, **changed: str | None) -> httpx.Response:
    query: dict[str, str | None] = {
        name: values[0] for name, values in parse_qs(urlsplit(way.back).query).items()
    }
    found = {name: value for name, value in (query | changed).items() if value is not None}
    cookie = "; ".join(f"{name}={value}" for name, value in way.cookies.items())
    return await api.get(CALLBACK, params=found, headers={"Cookie": cookie} if cookie else {})


async def log_in(api: Client, **changed: str | None) -> httpx.Response:
    return await come_back(api, await logged_in_there(await sent_off(api)), **changed)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


REFUSED = (401, "login_refused")


@pytest.mark.usefixtures("person")
class TestWay:
    async def test_a_person_logs_in(self, api: Client, person: Sitter) -> None:
        answer = await log_in(api)
        assert answer.status_code == 200, answer.text
        assert answer.json()["person"]["email"] == person.email
        assert answer.headers["cache-control"] == "no-store"
        session = kept(answer, "__Host-mm_session")
        me = await api.get("/v1/me", headers={"Cookie": f"__Host-mm_session={session}"})
        assert me.json()["person"]["id"] == str(person.person_id)

    async def test_what_is_asked_of_the_provider(self, api: Client) -> None:
        way, again = await sent_off(api), await sent_off(api)
        query = {n: v[0] for n, v in parse_qs(urlsplit(way.place).query).items()}
        other = {n: v[0] for n, v in parse_qs(urlsplit(again.place).query).items()}
        assert query["response_type"] == "code"
        assert query["redirect_uri"] == HERE + CALLBACK
        assert query["code_challenge_method"] == "S256"
        secrets = ("state", "nonce", "code_challenge")
        assert all(len(query[name]) == 43 and query[name] != other[name] for name in secrets)
        assert CLIENT_SECRET not in way.place
        # The browser keeps what it cannot read.
        assert query["state"] not in way.cookies[COOKIE]

    async def test_parameters_of_providers_are_passed_over(self, api: Client) -> None:
        assert (await log_in(api, session_state="x", prompt="none")).status_code == 200

    async def test_a_session_is_always_a_new_one(
        self, api: Client, person: Sitter, engine: AsyncEngine
    ) -> None:
        """Whatever session a browser was given before, it is not the one that is logged in."""
        before = (await sitter(engine, person.organisation_id)).token.text
        way = await logged_in_there(await sent_off(api))
        way.cookies["__Host-mm_session"] = before
        answer = await come_back(api, way)
        assert kept(answer, "__Host-mm_session") != before

    async def test_the_login_that_was_under_way_is_over(self, api: Client) -> None:
        way = await logged_in_there(await sent_off(api))
        answer = await come_back(api, way)
        assert kept(answer, COOKIE) in {"", '""'}
        assert code(await come_back(api, way)) == REFUSED, "a code is good once"

    async def test_an_issuer_that_nobody_named(self, api: Client) -> None:
        answer = await api.get("/v1/sessions/oidc", params={"issuer": "x"})
        assert code(answer) == (404, "issuer_not_found")

    async def test_there_is_none_by_default(self) -> None:
        assert issuers.named(Settings(secret="s" * 32).oidc) == {}
        for wrong in ("x", "{}", '[{"name": "a"}]'):
            with pytest.raises(SettingsInvalid, match="MATCHMAKER_OIDC"):
                issuers.named(wrong)


@pytest.mark.usefixtures("person")
class TestBrowser:
    async def test_only_the_browser_that_was_sent_off_comes_back(
        self, api: Client, person: Sitter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody else's login, planted in a browser by a link, is not taken."""
        theirs = await logged_in_there(await sent_off(api))
        for cookies in ({}, {COOKIE: "x"}, (await sent_off(api)).cookies):
            assert code(await come_back(api, Way(cookies, "", theirs.back))) == REFUSED
        # The control: without the comparison only the provider would notice, or nobody.
        monkeypatch.setattr(judging, "is_same", lambda *_: True)
        monkeypatch.setattr(providers.Provider, "claims", _claims_of(person))
        mine = Way((await sent_off(api)).cookies, "", theirs.back)
        assert (await come_back(api, mine)).status_code == 200

    async def test_one_that_took_too_long_is_refused(
        self, api: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "LASTS", -1)
        assert code(await log_in(api)) == REFUSED

    async def test_a_provider_that_refuses_is_no_login(self, api: Client) -> None:
        way = await logged_in_there(await sent_off(api))
        answer = await come_back(api, way, code=None, error="access_denied")
        assert code(answer) == REFUSED


def _claims_of(person: Sitter) -> Any:  # noqa: ANN401
    async def claims(self: providers.Provider, *_: str) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.issuer.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60}
        return {**user(person.email), **said, "nonce": "whatever"}

    return claims


@pytest.mark.usefixtures("person")
class TestWord:
    @pytest.mark.parametrize(
        ("guard", "changed"),
        [
            ("is_from", {"iss": "https://other.example"}),
            ("is_for", {"aud": "somebody"}),
            ("is_for", {"aud": [CLIENT_ID, "somebody"]}),
            ("is_for", {"aud": [CLIENT_ID, "somebody"], "azp": "somebody"}),
            ("is_for", {"azp": "somebody"}),
            ("is_timely", {"exp": 1}),
            ("is_timely", {"exp": None}),
            ("is_timely", {"iat": 1}),
            ("is_timely", {"iat": 4_000_000_000}),
            ("is_asked_for", {"nonce": "another"}),
            ("is_asked_for", {"nonce": None}),
        ],
        ids=str,
    )
    async def test_what_is_not_said_to_us_now_is_refused(
        self,
        api: Client,
        issuer: Issuer,
        monkeypatch: pytest.MonkeyPatch,
        guard: str,
        changed: dict[str, Any],
    ) -> None:
        issuer.change = lambda claims: {
            name: value for name, value in {**claims, **changed}.items() if value is not None
        }
        assert code(await log_in(api)) == REFUSED
        monkeypatch.setattr(judging, guard, lambda *_: True)
        assert (await log_in(api)).status_code == 200, "the control: it is this guard that refuses"

    async def test_who_answers_is_who_was_asked(
        self, api: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for iss in ("https://other.example", None):
            assert code(await log_in(api, iss=iss)) == REFUSED
        monkeypatch.setattr(judging, "is_answered_by", lambda *_, **__: True)
        assert (await log_in(api, iss="https://other.example")).status_code == 200

    async def test_a_provider_that_never_says_who_it_is(self, api: Client, issuer: Issuer) -> None:
        issuer.says_who = False
        assert (await log_in(api)).status_code == 200
        assert code(await log_in(api, iss="https://other.example")) == REFUSED

    @pytest.mark.parametrize(
        ("key", "algorithm"),
        [
            (RSAKey.generate_key(2048, {"kid": "r"}), "PS256"),
            (ECKey.generate_key("P-256", {"kid": "e"}), "ES256"),
            (OKPKey.generate_key("Ed25519", {"kid": "o"}), "EdDSA"),
        ],
        ids=["PS256", "ES256", "EdDSA"],
    )
    async def test_what_providers_sign_with(
        self,
        api: Client,
        issuer: Issuer,
        key: Any,  # noqa: ANN401
        algorithm: str,
    ) -> None:
        issuer.key, issuer.algorithm = key, algorithm
        assert (await log_in(api)).status_code == 200

    @pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512"])
    async def test_other_algorithms_are_not_taken(
        self, api: Client, issuer: Issuer, algorithm: str
    ) -> None:
        """Above all none, and an HMAC under what everybody knows or the client secret."""
        issuer.algorithm = algorithm
        for key in (CLIENT_SECRET, json.dumps(issuer.jwks())):
            issuer.signs_with = issuer.key if algorithm == "RS512" else OctKey.import_key(key)
            assert code(await log_in(api)) == REFUSED

    async def test_another_key_of_the_same_name_is_not_taken(
        self, api: Client, issuer: Issuer
    ) -> None:
        issuer.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
        assert code(await log_in(api)) == REFUSED


@pytest.mark.usefixtures("person")
class TestKeys:
    async def test_keys_are_looked_at_once(self, api: Client, issuer: Issuer) -> None:
        for _ in range(3):
            assert (await log_in(api)).status_code == 200
        assert issuer.asked["/jwks"] == issuer.asked["/.well-known/openid-configuration"] == 1

    async def test_a_new_key_is_found(
        self, api: Client, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert (await log_in(api)).status_code == 200
        issuer.key = RSAKey.generate_key(2048, {"kid": "two"})
        assert code(await log_in(api)) == REFUSED, "a minute has not passed"
        monkeypatch.setattr(providers, "REFETCHED", 0.0)
        assert (await log_in(api)).status_code == 200
        assert issuer.asked["/jwks"] == 2

    async def test_unknown_keys_are_no_way_to_make_us_ask(
        self, api: Client, issuer: Issuer
    ) -> None:
        assert (await log_in(api)).status_code == 200
        issuer.signs_with = issuer.key
        for name in ("a", "b", "c"):
            issuer.key = RSAKey.import_key({**issuer.key.as_dict(private=True), "kid": name})
            assert code(await log_in(api)) == REFUSED
        assert issuer.asked["/jwks"] == 1

    def test_control_without_the_cap_each_would(self) -> None:
        known = KeySet([RSAKey.generate_key(2048, {"kid": "a"})]), 0.0
        assert not providers.may_look_again(known, "b", providers.REFETCHED - 1)
        assert providers.may_look_again(known, "b", providers.REFETCHED + 1)
        assert not providers.may_look_again(known, "a", providers.KEPT - 1)


@pytest.mark.usefixtures("person")
class TestReach:
    async def test_nothing_inside_is_asked(self, engine: AsyncEngine, issuer: Issuer) -> None:
        """A provider on loopback is for tests: as shipped, none is reached there."""
        async with client_of(app_of(engine, settings_of(issuer, is_open=False))) as shut:
            answer = await shut.get("/v1/sessions/oidc", params={"issuer": "city"})
        assert code(answer) == (503, "issuer_unavailable")
        assert not issuer.asked

    async def test_one_that_calls_itself_otherwise_is_not_believed(
        self, engine: AsyncEngine, issuer: Issuer
    ) -> None:
        elsewhere = dataclasses.replace(issuer, url=issuer.url.replace("127.0.0.1", "localhost"))
        settings = settings_of(elsewhere)
        async with client_of(app_of(engine, settings)) as other:
            answer = await other.get("/v1/sessions/oidc", params={"issuer": "city"})
        assert code(answer) == (503, "issuer_unavailable")
        assert issuer.asked.total() == 1

    async def test_a_wrong_secret_is_no_login(self, engine: AsyncEngine, issuer: Issuer) -> None:
        settings = settings_of(issuer, client_secret="x")  # noqa: S106  (nobody's)
        async with client_of(app_of(engine, settings)) as other:
            assert code(await log_in(other)) == REFUSED


async def recorded(engine: AsyncEngine, email: str) -> Holder:
    """A firm that has recorded somebody with this address, who cannot log in yet."""
    firm = await holder(engine)
    member = Member(
        organisation_id=firm.organisation_id, name="Wu", email=email, role=MemberRole.EDITOR
    )
    async with AsyncSession(engine) as session, session.begin():
        session.add(member)
    return firm


async def people(engine: AsyncEngine, email: str) -> int:
    async with engine.begin() as connection:
        found = text("select count(*) from mm.person where email = :email")
        return int(await connection.scalar(found, {"email": email}) or 0)


class TestPerson:
    async def test_somebody_who_was_invited_logs_in(
        self, api: Client, engine: AsyncEngine, issuer: Issuer
    ) -> None:
        email = f"{uuid4().hex}@example.org"
        firm = await recorded(engine, email)
        issuer.user = user(email.upper(), name="Wu")
        answer = (await log_in(api)).json()
        assert answer["organisation_id"] == str(firm.organisation_id)
        assert (answer["person"]["name"], answer["person"]["email"]) == ("Wu", email)
        assert (await log_in(api)).json()["person"]["id"] == answer["person"]["id"]

    async def test_nobody_that_no_organisation_has_recorded(
        self, api: Client, engine: AsyncEngine, issuer: Issuer
    ) -> None:
        email = f"{uuid4().hex}@example.org"
        issuer.user = user(email)
        assert code(await log_in(api)) == (403, "not_a_member")
        assert not await people(engine, email)

    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    async def test_an_address_that_is_merely_stated_proves_nothing(
        self,
        api: Client,
        engine: AsyncEngine,
        issuer: Issuer,
        monkeypatch: pytest.MonkeyPatch,
        verified: object,
    ) -> None:
        email = f"{uuid4().hex}@example.org"
        await recorded(engine, email)
        issuer.user = user(email, email_verified=verified)
        assert code(await log_in(api)) == REFUSED
        assert not await people(engine, email)
        monkeypatch.setattr(judging, "is_vouched", lambda _: True)
        assert (await log_in(api)).status_code == 200

    async def test_whoever_is_known_is_known_by_the_subject(
        self, api: Client, person: Sitter, issuer: Issuer, engine: AsyncEngine
    ) -> None:
        """The address may change there, and be no longer verified; it stays the same person."""
        assert (await log_in(api)).status_code == 200
        issuer.user |= {"email": (await recorded_name(engine)), "email_verified": False}
        assert (await log_in(api)).json()["person"]["id"] == str(person.person_id)

    async def test_an_address_that_was_given_away_is_not_the_person(
        self, api: Client, person: Sitter, issuer: Issuer
    ) -> None:
        """Another subject with the same address, later, is somebody else."""
        assert (await log_in(api)).status_code == 200
        issuer.user = user(person.email)
        assert code(await log_in(api)) == REFUSED

    async def test_many_at_once_are_one_person(
        self, api: Client, engine: AsyncEngine, issuer: Issuer
    ) -> None:
        email = f"{uuid4().hex}@example.org"
        await recorded(engine, email)
        issuer.user = user(email)
        answers = await asyncio.gather(*(log_in(api) for _ in range(4)))
        assert {answer.status_code for answer in answers} <= {200, 401, 409}
        assert 200 in {answer.status_code for answer in answers}
        assert await people(engine, email) == 1


async def recorded_name(engine: AsyncEngine) -> str:
    email = f"{uuid4().hex}@example.org"
    await recorded(engine, email)
    return email
