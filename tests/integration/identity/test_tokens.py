"""Machines that fetch short tokens with a key: how they prove themselves, and what they get."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import secrets
import time
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import httpx
import pytest
import pytest_asyncio
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.factories import SEEDS, taxonomy
from tests.identities import Holder, bearer, holder

from matchmaker.app import create_app
from matchmaker.core import jose, limits, provided
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.limits.addresses import Addresses
from matchmaker.core.settings import Settings
from matchmaker.identity import authentication
from matchmaker.identity.access import Scope
from matchmaker.identity.controllers import CONTROLLERS
from matchmaker.identity.models import ApiKeyId, OrganisationRole, OrganisationState
from matchmaker.identity.oauth import assertions, clients, jobs, queries, service
from matchmaker.identity.oauth.models import ClientAssertion
from matchmaker.identity.oauth.schemas import TYPE

with warnings.catch_warnings(action="ignore"):
    # It says that it will be for another httpx.
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ISSUER = "https://matchmaker.example"
PATH = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}
RACERS = 8

Client = httpx.AsyncClient


@pytest.fixture(scope="module")
def app(engine: AsyncEngine) -> Callable[[], Litestar]:
    """Makes identity alone, under a name of its own, which remembers no credential yet."""
    settings = Settings(secret="s" * 32, public_url=ISSUER)
    return lambda: create_app(
        settings,
        engine,
        controllers=CONTROLLERS,
        dependencies={"taxonomy": Provide(taxonomy, sync_to_thread=False)},
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(app: Callable[[], Litestar]) -> AsyncIterator[Client]:
    async with client_of(app()) as made:
        yield made


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def basic_of(who: Holder) -> dict[str, str]:
    return basic(who.token.public_id, who.token.text)


async def ask(api: Client, headers: dict[str, str], **form: str) -> httpx.Response:
    return await api.post(PATH, data={**GRANT, **form}, headers=headers)


async def token_of(api: Client, who: Holder, **form: str) -> dict[str, str]:
    """The header that a client sends from now on."""
    answer = await ask(api, basic_of(who), **form)
    assert answer.status_code == 200, answer.text
    return bearer(answer.json()["access_token"])


class Signing(NamedTuple):
    """A client that proves itself with a key pair."""

    id: str
    key_id: ApiKeyId
    key: ECKey | OKPKey

    @property
    def algorithm(self) -> str:
        return "ES256" if isinstance(self.key, ECKey) else "EdDSA"

    def assertion(self, *, by: Any = None, algorithm: str | None = None, **changed: object) -> str:  # noqa: ANN401
        now = int(time.time())
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
            **changed,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        used = algorithm or self.algorithm
        registry = jose._Allowed(algorithms=[used])
        header = {"alg": used, "kid": "k1"}
        return jwt.encode(header, said, by or self.key, algorithms=[used], registry=registry)

    def form(self, assertion: str | None = None) -> dict[str, str]:
        text_ = assertion or self.assertion()
        return {"client_assertion_type": TYPE, "client_assertion": text_}


def public(key: ECKey | OKPKey, kid: str = "k1") -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid}


async def signing(api: Client, owner: Holder, key: ECKey | OKPKey, **fields: object) -> Signing:
    body = {"name": "machine", "jwks": {"keys": [public(key)]}, **fields}
    path = f"/v1/organisations/{owner.organisation_id}/keys"
    made = await api.post(path, json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    assert made.json()["key"] is None, "nothing secret leaves the client, and nothing comes to it"
    assert made.json()["jwks"]["keys"][0]["kid"] == "k1"
    return Signing(made.json()["public_id"], ApiKeyId(made.json()["id"]), key)


@pytest.fixture(params=["ES256", "EdDSA"])
def pair(request: pytest.FixtureRequest) -> ECKey | OKPKey:
    if request.param == "ES256":
        return ECKey.generate_key("P-256")
    return OKPKey.generate_key("Ed25519")


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status, and why in the word of RFC 6749; it is a problem of ours too."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:matchmaker:problem:{body['code']}"
    assert body["error_description"].isascii()
    return answer.status_code, body["error"]


async def me(api: Client, headers: dict[str, str]) -> httpx.Response:
    return await api.get("/v1/me", headers=headers)


class TestSecret:
    async def test_a_token_acts_as_its_key(self, api: Client, engine: AsyncEngine) -> None:
        who = await holder(engine)
        answer = await ask(api, basic_of(who))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        given = answer.json()
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 600)
        by_token = (await me(api, bearer(given["access_token"]))).json()
        by_key = (await me(api, who.headers)).json()
        assert by_token["key"]["id"] == str(who.key_id) == by_key["key"]["id"]
        assert by_token["scopes"] == by_key["scopes"] == sorted(given["scope"].split())

    async def test_what_is_made_with_a_token_is_made_with_its_key(
        self, api: Client, engine: AsyncEngine
    ) -> None:
        who = await holder(engine)
        narrow = await token_of(api, who, scope="keys:manage needs:read")
        path = f"/v1/organisations/{who.organisation_id}/keys"
        made = (await api.post(path, json={"name": "a"}, headers=narrow)).json()
        assert made["created_by"] == str(who.key_id)
        assert made["scopes"] == ["keys:manage", "needs:read"]

    async def test_a_library_of_others_gets_one(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        who = await holder(engine)
        async with client_of(app()) as api:
            transport = api._transport
            async with AsyncOAuth2Client(
                who.token.public_id, who.token.text, transport=transport
            ) as theirs:
                found = await theirs.fetch_token(ISSUER + PATH, grant_type="client_credentials")
                assert found["expires_in"] == 600
                answer = await theirs.get(f"{ISSUER}/v1/me")
                assert answer.status_code == 200

    @pytest.mark.parametrize(
        "given",
        [
            lambda who, _: basic(who.token.public_id, "x"),
            lambda who, other: basic(who.token.public_id, other.token.text),
            lambda _, other: basic("00000000", other.token.text),
            lambda who, _: {"Authorization": "Basic " + who.token.public_id},
            lambda who, _: bearer(who.token.text),
            lambda _, __: {},
        ],
        ids=["wrong", "another's", "another's name", "not Basic", "Bearer", "nothing"],
    )
    async def test_whoever_proves_nothing_gets_none(
        self, api: Client, engine: AsyncEngine, given: Callable[[Holder, Holder], dict[str, str]]
    ) -> None:
        headers = given(await holder(engine), await holder(engine))
        answer = await ask(api, headers)
        assert refused(answer) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")

    async def test_the_secret_is_of_the_key_that_is_named(
        self, api: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: without the guard any sound text would do."""
        who = await holder(engine)
        wrong = basic(who.token.public_id, (await holder(engine)).token.text)
        assert refused(await ask(api, wrong)) == (401, "invalid_client")
        monkeypatch.setattr(clients, "is_secret_of", lambda *_: True)
        assert (await ask(api, wrong)).status_code == 200


class TestAssertion:
    async def test_a_key_pair_proves_a_client(
        self, api: Client, engine: AsyncEngine, pair: ECKey | OKPKey
    ) -> None:
        owner = await holder(engine)
        client = await signing(api, owner, pair, scopes=["needs:read"])
        for audience in (ISSUER + PATH, [ISSUER]):
            answer = await ask(api, {}, **client.form(client.assertion(aud=audience)))
            assert answer.status_code == 200, answer.text
        answer = await ask(api, {}, **client.form())
        found = (await me(api, bearer(answer.json()["access_token"]))).json()
        assert (found["key"]["id"], found["scopes"]) == (str(client.key_id), ["needs:read"])

    async def test_a_library_of_others_signs_one(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        key = ECKey.generate_key("P-256", {"kid": "k1"})
        async with client_of(app()) as api:
            client = await signing(api, await holder(engine), key)
            async with AsyncOAuth2Client(
                client.id,
                key,
                token_endpoint_auth_method=PrivateKeyJWT(ISSUER + PATH, alg="ES256"),
                transport=api._transport,
            ) as theirs:
                found = await theirs.fetch_token(ISSUER + PATH, grant_type="client_credentials")
        assert found["expires_in"] == 600

    async def test_a_key_that_signs_has_no_secret(
        self, api: Client, engine: AsyncEngine, pair: ECKey | OKPKey
    ) -> None:
        owner = await holder(engine)
        client = await signing(api, owner, pair)
        assert refused(await ask(api, basic(client.id, owner.token.text)))[0] == 401

    async def test_a_key_with_a_secret_does_not_sign(
        self, api: Client, engine: AsyncEngine, pair: ECKey | OKPKey
    ) -> None:
        owner = await holder(engine)
        client = Signing(owner.token.public_id, owner.key_id, pair)
        assert refused(await ask(api, {}, **client.form())) == (401, "invalid_client")

    @pytest.mark.parametrize(
        ("guard", "changed"),
        [
            ("is_by", {"iss": "somebody"}),
            ("is_for_us", {"aud": "https://other.example"}),
            ("is_for_us", {"aud": [ISSUER, "https://other.example"]}),
            ("is_for_us", {"aud": None}),
            ("is_short_lived", {"exp": None}),
            ("is_short_lived", {"exp": 1}),
            ("is_short_lived", {"exp": 4_000_000_000}),
            ("is_short_lived", {"exp": "soon"}),
            ("is_short_lived", {"nbf": 4_000_000_000}),
            ("is_short_lived", {"iat": 4_000_000_000}),
        ],
        ids=str,
    )
    async def test_an_assertion_that_says_something_else_is_refused(
        self,
        api: Client,
        engine: AsyncEngine,
        monkeypatch: pytest.MonkeyPatch,
        guard: str,
        changed: dict[str, Any],
    ) -> None:
        client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
        form = client.form(client.assertion(**changed))
        assert refused(await ask(api, {}, **form)) == (401, "invalid_client")
        # The control: it is this guard that refuses it.
        monkeypatch.setattr(assertions, guard, lambda *_: True)
        monkeypatch.setattr(assertions, "is_fresh", _always)
        assert (await ask(api, {}, **form)).status_code == 200

    @pytest.mark.parametrize(
        "changed", [{"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 257}]
    )
    async def test_one_without_a_name_of_its_own_is_refused(
        self, api: Client, engine: AsyncEngine, changed: dict[str, Any]
    ) -> None:
        client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
        form = client.form(client.assertion(**changed))
        assert refused(await ask(api, {}, **form)) == (401, "invalid_client")

    async def test_no_other_key_or_algorithm_signs(
        self, api: Client, engine: AsyncEngine, pair: ECKey | OKPKey
    ) -> None:
        client = await signing(api, await holder(engine), pair)
        is_curve = isinstance(pair, ECKey)
        other = ECKey.generate_key("P-256") if is_curve else OKPKey.generate_key("Ed25519")
        shared = OctKey.import_key(str(pair.as_dict(private=False)["x"]))
        for text_ in (
            client.assertion(by=other),
            client.assertion(by=shared, algorithm="HS256"),
            client.assertion(by=shared, algorithm="none"),
            "a.b.c",
        ):
            assert refused(await ask(api, {}, **client.form(text_))) == (401, "invalid_client")

    async def test_keys_are_of_the_two_curves_and_public(
        self, api: Client, engine: AsyncEngine
    ) -> None:
        owner = await holder(engine)
        path = f"/v1/organisations/{owner.organisation_id}/keys"
        good = public(ECKey.generate_key("P-256"))
        for bad in (
            {**good, "y": good["x"]},
            {**good, "kty": "OKP", "crv": "Ed25519"},
            {**public(OKPKey.generate_key("Ed25519")), "crv": "P-256"},
            ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=True),
            public(ECKey.generate_key("P-384")),
        ):
            body = {"name": "a", "jwks": {"keys": [good | {"kid": "k0"}, bad]}}
            answer = await api.post(path, json=body, headers=owner.headers)
            assert answer.status_code == 422, bad
            assert answer.json()["errors"][0]["pointer"].startswith("#/jwks/keys/1")
        twice = {"name": "a", "jwks": {"keys": [good, good]}}
        assert (await api.post(path, json=twice, headers=owner.headers)).status_code == 422

    async def test_a_rotation_brings_the_next_keys(self, api: Client, engine: AsyncEngine) -> None:
        owner, next_ = await holder(engine), OKPKey.generate_key("Ed25519")
        client = await signing(api, owner, ECKey.generate_key("P-256"))
        path = f"/v1/keys/{client.key_id}/rotation"
        body = {"jwks": {"keys": [public(next_)]}}
        made = (await api.post(path, json=body, headers=owner.headers)).json()
        assert made["key"] is None
        after = Signing(made["public_id"], ApiKeyId(made["id"]), next_)
        for each in (client, after):
            assert (await ask(api, {}, **each.form())).status_code == 200


async def _always(*_: object) -> bool:
    return True


async def _look_then_insert(
    session: Session, key_id: ApiKeyId, jti_hash: bytes, expires_at: dt.datetime
) -> bool:
    """The naive form: between the look and the insert there is time for others."""
    named = (ClientAssertion.api_key_id == key_id, ClientAssertion.jti_hash == jti_hash)
    if await session.scalar(select(ClientAssertion.jti_hash).where(*named)) is not None:
        return False
    # Whoever comes second would meet the primary key; without one nobody would.
    await asyncio.sleep(0.05)
    await queries_use(session, key_id, jti_hash, expires_at)
    return True


queries_use = queries.use_assertion


class TestReplay:
    async def test_an_assertion_is_taken_once(self, api: Client, engine: AsyncEngine) -> None:
        client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
        form = client.form()
        assert (await ask(api, {}, **form)).status_code == 200
        assert refused(await ask(api, {}, **form)) == (401, "invalid_client")
        assert (await ask(api, {}, **client.form())).status_code == 200

    async def test_another_client_may_use_the_name(self, api: Client, engine: AsyncEngine) -> None:
        for _ in range(2):
            client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
            form = client.form(client.assertion(jti="one"))
            assert (await ask(api, {}, **form)).status_code == 200

    async def raced(self, api: Client, engine: AsyncEngine) -> int:
        """How many of several who send one assertion at once get a token."""
        client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
        form = client.form()
        answers = await asyncio.gather(*(ask(api, {}, **form) for _ in range(RACERS)))
        assert {answer.status_code for answer in answers} <= {200, 401}
        return sum(answer.status_code == 200 for answer in answers)

    async def test_of_racers_one_gets_a_token(self, api: Client, engine: AsyncEngine) -> None:
        for _ in range(5):
            assert await self.raced(api, engine) == 1

    async def test_control_looking_first_would_give_several(
        self, api: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "use_assertion", _look_then_insert)
        assert await self.raced(api, engine) > 1

    async def test_it_is_known_until_it_is_too_old(self, api: Client, engine: AsyncEngine) -> None:
        client = await signing(api, await holder(engine), ECKey.generate_key("P-256"))
        await ask(api, {}, **client.form())
        async with AsyncSession(engine) as opened, opened.begin():
            session = Session(ReadSession(opened))
            await queries.prune(session)
            kept = select(ClientAssertion.expires_at).where(
                ClientAssertion.api_key_id == client.key_id
            )
            over = await session.scalar(kept)
            assert over is not None
            assert over.timestamp() > time.time() + 60 + jose.LEEWAY - 5
            named = {"id": client.key_id}
            late = (
                "insert into mm.client_assertion values (:id, sha256('x'), now() - interval '1s')"
            )
            await session.execute(text(late), named)
            assert await queries.prune(session) >= 1
            assert await session.scalar(kept) == over
        assert {cron.kind for cron in jobs.CRONS} == jobs.HANDLERS.keys()


class TestScope:
    async def test_a_token_is_cut_to_what_is_asked_for(
        self, api: Client, engine: AsyncEngine
    ) -> None:
        who = await holder(engine)
        headers = await token_of(api, who, scope="needs:read")
        assert (await me(api, headers)).json()["scopes"] == ["needs:read"]
        path = f"/v1/organisations/{who.organisation_id}/keys"
        answer = await api.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

    async def test_control_without_the_cut_it_would_have_all(
        self, api: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = await token_of(api, await holder(engine), scope="needs:read")
        monkeypatch.setattr(authentication, "within_token", lambda held, _: held)
        assert len((await me(api, headers)).json()["scopes"]) > 1

    @pytest.mark.parametrize("scope", ["offerings:write", "needs:read offerings:write", "x", " "])
    async def test_more_than_the_key_has_is_refused(
        self, api: Client, engine: AsyncEngine, scope: str
    ) -> None:
        who = await holder(engine, scopes=frozenset({Scope.NEEDS_READ}))
        assert refused(await ask(api, basic_of(who), scope=scope)) == (400, "invalid_scope")

    async def test_a_token_loses_what_its_key_loses(
        self, api: Client, engine: AsyncEngine, app: Callable[[], Litestar]
    ) -> None:
        who = await holder(engine, OrganisationRole.AGENCY)
        headers = await token_of(api, who)
        assert "pools:write" in (await me(api, headers)).json()["scopes"]
        await change(engine, who, "organisation", "state = 'submitted'")
        async with client_of(app()) as later:
            assert (await me(later, headers)).json()["scopes"] == []


async def change(engine: AsyncEngine, who: Holder, table: str, what: str) -> None:
    id_ = who.key_id if table == "api_key" else who.organisation_id
    async with engine.begin() as connection:
        await connection.execute(text(f"update mm.{table} set {what} where id = :id"), {"id": id_})  # noqa: S608


class TestEnd:
    @pytest.mark.parametrize(
        ("table", "what", "expected"),
        [
            ("api_key", "revoked_at = now()", (401, "unauthenticated")),
            ("api_key", "expires_at = now()", (401, "unauthenticated")),
            ("organisation", "state = 'suspended'", (403, "account_inactive")),
        ],
    )
    async def test_a_token_ends_with_its_key(
        self,
        api: Client,
        engine: AsyncEngine,
        app: Callable[[], Litestar],
        *,
        table: str,
        what: str,
        expected: tuple[int, str],
    ) -> None:
        who = await holder(engine)
        headers = await token_of(api, who)
        assert (await me(api, headers)).status_code == 200
        await change(engine, who, table, what)
        # Another process, which remembers nothing; how long one does is tested elsewhere.
        async with client_of(app()) as later:
            answer = await me(later, headers)
        assert (answer.status_code, answer.json()["code"]) == expected

    async def test_a_token_is_over_with_its_key(self, api: Client, engine: AsyncEngine) -> None:
        who = await holder(engine)
        await change(engine, who, "api_key", "expires_at = now() + interval '100 s'")
        assert 90 < (await ask(api, basic_of(who))).json()["expires_in"] <= 100

    async def test_a_token_is_taken_where_its_key_is(
        self, app: Callable[[], Litestar], engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner, made = await holder(engine), app()
        body = {"name": "a", "allowed_from": ["127.0.0.1"]}
        path = f"/v1/organisations/{owner.organisation_id}/keys"
        async with client_of(made) as here:
            key = (await here.post(path, json=body, headers=owner.headers)).json()
            secret = basic(key["public_id"], key["key"])
            headers = bearer((await ask(here, secret)).json()["access_token"])
            assert (await me(here, headers)).status_code == 200
            elsewhere = httpx.ASGITransport(app=made, client=("198.51.100.7", 1))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=elsewhere, base_url="http://test") as there:
                assert (await me(there, headers)).json()["code"] == "address_not_allowed"
                assert refused(await ask(there, secret)) == (400, "unauthorized_client")
                # The control: it is this guard that refuses.
                monkeypatch.setattr(service, "refuse_inactive", lambda *_: None)
                assert (await ask(there, secret)).status_code == 200

    async def test_who_is_suspended_gets_none(self, api: Client, engine: AsyncEngine) -> None:
        who = await holder(engine, state=OrganisationState.SUSPENDED)
        assert refused(await ask(api, basic_of(who))) == (400, "unauthorized_client")

    async def test_a_revoked_key_gets_none(self, api: Client, engine: AsyncEngine) -> None:
        who = await holder(engine)
        await change(engine, who, "api_key", "revoked_at = now()")
        assert refused(await ask(api, basic_of(who))) == (401, "invalid_client")


class TestRequest:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("", (400, "invalid_request")),
            ("grant_type=", (400, "invalid_request")),
            ("grant_type=password", (400, "unsupported_grant_type")),
            ("grant_type=a&grant_type=b", (400, "invalid_request")),
            ("grant_type=client_credentials&scope=a&scope=b", (400, "invalid_request")),
            ("grant_type=%FF", (400, "invalid_request")),
            ("é", (400, "invalid_request")),
            ("&".join(f"a{n}=1" for n in range(300)), (400, "invalid_request")),
            ("grant_type=client_credentials&client_assertion=x", (400, "invalid_request")),
        ],
    )
    async def test_a_form_that_is_not_right(
        self, api: Client, engine: AsyncEngine, body: str, expected: tuple[int, str]
    ) -> None:
        headers = {} if "assertion" in body else basic_of(await holder(engine))
        headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        assert refused(await api.post(PATH, content=body.encode(), headers=headers)) == expected

    async def test_two_proofs_are_one_too_many(self, api: Client, engine: AsyncEngine) -> None:
        client = await signing(api, who := await holder(engine), ECKey.generate_key("P-256"))
        both = await ask(api, basic_of(who), **client.form())
        assert refused(both) == (400, "invalid_request")
        headers = [("Authorization", value) for value in basic_of(who).values()] * 2
        twice = await api.post(PATH, data=GRANT, headers=headers)
        assert refused(twice) == (400, "invalid_request")

    async def test_a_name_that_is_not_the_clients_is_refused(
        self, api: Client, engine: AsyncEngine
    ) -> None:
        who = await holder(engine)
        named = await ask(api, basic_of(who), client_id=who.token.public_id)
        assert named.status_code == 200
        assert refused(await ask(api, basic_of(who), client_id="00000000"))[0] == 401

    async def test_parameters_of_other_servers_are_passed_over(
        self, api: Client, engine: AsyncEngine
    ) -> None:
        answer = await ask(api, basic_of(await holder(engine)), audience="x", resource="y")
        assert answer.status_code == 200

    async def test_json_is_not_read(self, api: Client) -> None:
        assert (await api.post(PATH, json=GRANT)).status_code == 415

    async def test_it_has_a_limit_of_its_own(self, engine: AsyncEngine) -> None:
        settings = Settings(secret="s" * 32, limits="token=2/600")
        wanted = limits.policies(settings.limits, limits.load(SEEDS))
        assert wanted is not None
        ledger = limits.Ledger(provided.state(engine).write)
        counted = limits.Limits(wanted, ledger, Addresses(()))
        who = await holder(engine)
        app = create_app(
            settings,
            engine,
            controllers=CONTROLLERS,
            dependencies={"taxonomy": Provide(taxonomy, sync_to_thread=False)},
            counted=counted,
        )
        async with client_of(app) as api:
            told = [(await ask(api, basic_of(who))).status_code for _ in range(3)]
        assert told == [200, 200, 429]


class TestPublished:
    async def test_the_keys_check_a_token(self, api: Client, engine: AsyncEngine) -> None:
        answer = await ask(api, basic_of(await holder(engine)))
        published = await api.get("/v1/oauth/jwks")
        keys = KeySet.import_key_set(published.json())
        found = jwt.decode(answer.json()["access_token"], keys, algorithms=["Ed25519"])
        assert (found.claims["iss"], found.header["typ"]) == (ISSUER, "at+jwt")

    async def test_a_client_finds_its_way(self, api: Client) -> None:
        """The document of RFC 8414 leads to what answers."""
        told = (await api.get("/.well-known/oauth-authorization-server")).json()
        assert told["issuer"] == ISSUER
        assert told["token_endpoint"] == ISSUER + PATH
        assert (await api.get(told["jwks_uri"].removeprefix(ISSUER))).status_code == 200
        assert set(told["token_endpoint_auth_methods_supported"]) == {
            "client_secret_basic",
            "private_key_jwt",
        }
