"""Limits by purpose and caller, in the headers of every answer, with the database and without."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Controller, get, post
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.factories import SEEDS
from tests.identities import holder, sitter

from matchmaker.app import create_app
from matchmaker.core import access, db, limits, once, provided
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.limits import Ledger, Limits, Policy, policies, settling
from matchmaker.core.limits.addresses import Addresses, networks
from matchmaker.core.limits.queries import prune, settle
from matchmaker.core.settings import Settings, SettingsInvalid

RELEASED = limits.load(SEEDS)
SAID = "anonymous=3/300,reads=4/300,writes=2/300,anonymous_match=1/300,match=2/300,keys=1/300,"
SAID += "login=2/300"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class Things(Controller):
    path = "/things"
    opt = access.public()

    @get(operation_id="readThing")
    async def read(self) -> dict[str, str]:
        return {}

    @post(operation_id="makeThing", opt=once.creates())
    async def make(self) -> dict[str, str]:
        return {"id": "1"}

    @post("/match", operation_id="matchThing", status_code=200, opt=limits.under("match"))
    async def match(self) -> dict[str, str]:
        return {}

    @post(
        "/entry",
        operation_id="enterThing",
        status_code=200,
        opt={**access.entry(), **limits.under("login")},
    )
    async def enter(self) -> dict[str, str]:
        return {}

    @post("/keys", operation_id="keyThing", status_code=200, opt=limits.under("keys"))
    async def key(self) -> dict[str, str]:
        return {}


def counted(engine: AsyncEngine, trusted: str = "") -> Limits:
    wanted = policies(SAID, RELEASED)
    assert wanted is not None
    return Limits(wanted, Ledger(provided.state(engine).write), Addresses(networks(trusted)))


@pytest_asyncio.fixture(loop_scope="session")
async def api(engine: AsyncEngine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API, counted anew, whose client's address is what ``X-Forwarded-For`` says."""
    async with AsyncSession(engine) as made, made.begin():
        await made.execute(text("delete from mm.rate_limit"))
    app = create_app(
        settings, engine, controllers=[Things], counted=counted(engine, trusted="127.0.0.1")
    )
    async with client_of(app) as made_client:
        yield made_client


def by(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def statuses(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], times: int
) -> list[int]:
    asked = [await api.request(method, f"/v1/things{path}", headers=headers) for _ in range(times)]
    return [answer.status_code for answer in asked]


@pytest.mark.asvs("V2.4.1")
async def test_an_answer_says_what_is_left_and_a_refusal_when_to_come_again(
    api: httpx.AsyncClient,
) -> None:
    answers = [await api.get("/v1/things", headers=by("192.0.2.1")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"anonymous";q=3;w=300'}
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"anonymous";r=2;t=100',
        '"anonymous";r=1;t=200',
        '"anonymous";r=0;t=300',
        '"anonymous";r=0;t=300',
    ]
    refused = answers[-1]
    assert 98 <= int(refused.headers["retry-after"]) <= 100
    assert (refused.json()["code"], refused.json()["purpose"]) == ("too_many_requests", "anonymous")
    assert refused.headers["content-type"] == "application/problem+json"
    assert "retry-after" not in answers[0].headers


@pytest.mark.asvs("V6.3.1")
async def test_who_logs_in_is_counted_by_address_whoever_they_are(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    """Each login begins a session: counted by those, a guesser would have no limit at all."""
    firm = await holder(engine)
    for headers in (firm.headers, (await sitter(engine, firm.organisation_id)).headers):
        assert await statuses(api, "GET", "", {**headers, **by("192.0.2.9")}, 1) == [200]
    one, other = [(await sitter(engine, firm.organisation_id)).headers for _ in range(2)]
    here = by("192.0.2.9")
    assert await statuses(api, "POST", "/entry", {**one, **here}, 1) == [200]
    assert await statuses(api, "POST", "/entry", {**other, **here}, 1) == [200]
    assert await statuses(api, "POST", "/entry", {**firm.headers, **here}, 1) == [429]
    assert await statuses(api, "POST", "/entry", here, 1) == [429]
    # The control: what is no entry counts each session by itself.
    assert await statuses(api, "POST", "/keys", {**one, **here}, 2) == [200, 429]
    assert await statuses(api, "POST", "/keys", {**other, **here}, 2) == [200, 429]


async def test_reads_writes_and_matches_are_counted_apart(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    known = (await holder(engine)).headers
    assert await statuses(api, "GET", "", known, 5) == [200] * 4 + [429]
    assert await statuses(api, "POST", "", known, 3) == [201] * 2 + [429]
    assert await statuses(api, "POST", "/match", known, 3) == [200] * 2 + [429]
    assert await statuses(api, "POST", "/keys", known, 2) == [200, 429]
    someone = by("192.0.2.2")
    assert await statuses(api, "POST", "/match", someone, 2) == [200, 429]
    assert await statuses(api, "GET", "", someone, 1) == [200]
    assert await statuses(api, "POST", "", someone, 3) == [201, 201, 429]


async def test_each_credential_has_limits_of_its_own_wherever_it_comes_from(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    one, other = await holder(engine), await holder(engine)
    assert await statuses(api, "GET", "", {**one.headers, **by("192.0.2.3")}, 4) == [200] * 4
    assert await statuses(api, "GET", "", {**one.headers, **by("192.0.2.4")}, 1) == [429]
    assert await statuses(api, "GET", "", {**other.headers, **by("192.0.2.3")}, 1) == [200]


async def test_a_household_has_one_limit(api: httpx.AsyncClient) -> None:
    house = [f"2001:db8:1:2:{n}::{n}" for n in range(1, 4)]
    assert [await statuses(api, "GET", "", by(each), 1) for each in house] == [[200]] * 3
    assert await statuses(api, "GET", "", by("2001:db8:1:2:ffff::"), 1) == [429]
    assert await statuses(api, "GET", "", by("2001:db8:1:3::1"), 1) == [200]


async def test_what_a_worker_lets_through_is_known_to_the_next(
    api: httpx.AsyncClient, engine: AsyncEngine, settings: Settings
) -> None:
    """The limit of who has used it up outlives the worker, as soon as that has settled."""
    assert await statuses(api, "GET", "", by("192.0.2.5"), 4) == [200] * 3 + [429]
    await asyncio.sleep(0.6)
    app = create_app(settings, engine, controllers=[Things], counted=counted(engine, "127.0.0.1"))
    async with client_of(app) as another:
        # Strict purposes ask first; of the others it hears behind the first request.
        assert await statuses(another, "GET", "", by("192.0.2.5"), 3) == [200, 429, 429]
    assert await statuses(api, "POST", "/keys", by("192.0.2.5"), 1) == [200]
    await asyncio.sleep(0.6)
    app = create_app(settings, engine, controllers=[Things], counted=counted(engine, "127.0.0.1"))
    async with client_of(app) as another:
        assert await statuses(another, "POST", "/keys", by("192.0.2.5"), 1) == [429]


async def test_without_the_database_a_worker_counts_by_itself(settings: Settings) -> None:
    engine = db.create_engine(NOWHERE, settings)
    app = create_app(settings, engine, controllers=[Things], counted=counted(engine))
    async with client_of(app) as api:
        assert await statuses(api, "GET", "", {}, 5) == [200] * 3 + [429] * 2
        assert await statuses(api, "POST", "/match", {}, 2) == [200, 429]
    await engine.dispose()


async def test_health_and_contract_are_not_counted(engine: AsyncEngine, settings: Settings) -> None:
    app = create_app(settings, engine, controllers=[Things], counted=counted(engine))
    async with client_of(app) as api:
        answers = [await api.get("/livez") for _ in range(9)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers


async def test_what_is_used_up_comes_back(engine: AsyncEngine) -> None:
    ledger = Ledger(provided.state(engine).write)
    policy = Policy(2, 1)
    passed = [(await ledger.charge("reads", policy, "back")).is_within for _ in range(3)]
    assert passed == [True, True, False]
    await asyncio.sleep(0.6)
    assert (await ledger.charge("reads", policy, "back")).is_within
    await ledger.drain()


async def test_the_table_adds_up_and_forgets_what_is_over(session: Session) -> None:
    debts = [("reads", "a", 5.0), ("reads", "b", 0.0)]
    shown = text("show synchronous_commit")
    await session.execute(text("set local synchronous_commit = on"))
    assert await settle(session, debts) == {("reads", "a"): 5.0, ("reads", "b"): 0.0}
    assert (await session.execute(shown)).scalar_one() == "off"
    assert (await settle(session, debts))["reads", "a"] == 10.0
    aged = "update mm.rate_limit set full_at = now() - interval '1 s' where subject = 'b'"
    await session.execute(text(aged))
    assert (await settle(session, [("reads", "b", 2.0)]))["reads", "b"] == 2.0
    await session.execute(text(aged))
    assert await prune(session) >= 1
    left = (await session.execute(text("select subject from mm.rate_limit"))).scalars().all()
    assert "a" in left
    assert "b" not in left


async def test_the_table_is_one_that_outlives_a_crash(session: ReadSession) -> None:
    kind = "select relpersistence from pg_class where oid = 'mm.rate_limit'::regclass"
    assert (await session.execute(text(kind))).scalar_one() in {"p", b"p"}


@pytest.mark.asvs("V4.1.3", "V15.3.4")
@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ("", "192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.0/8", "192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "unknown, x", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::1", "::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("", "::ffff:192.0.2.1", "", "192.0.2.1"),
        ("", "testclient", "", ""),
    ],
)
def test_the_address_is_the_nearest_that_is_not_trusted(
    trusted: str, peer: str, forwarded: str, found: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"client": (peer, 1), "headers": headers}
    assert Addresses(networks(trusted)).of(scope) == found  # type: ignore[arg-type]


def test_limits_are_read_strictly() -> None:
    assert policies("off", RELEASED) is None
    found = policies("match=5/10, keys=1/60", RELEASED)
    assert found is not None
    assert found["match"] == Policy(5, 10)
    assert found["keys"] == Policy(1, 60, is_strict=True)
    assert found["reads"] == RELEASED["reads"]
    for said in ("match", "match=0/1", "match=1/0", "lunch=1/1", "on"):
        with pytest.raises(SettingsInvalid, match="MATCHMAKER_LIMITS"):
            policies(said, RELEASED)
    with pytest.raises(SettingsInvalid, match="MATCHMAKER_TRUSTED_PROXIES"):
        networks("10.0.0.1/8")
    with pytest.raises(ValueError, match="lunch"):
        limits.under("lunch")


def test_limits_are_released_for_every_purpose(tmp_path: Path) -> None:
    assert RELEASED["login"] == Policy(10, 300, is_strict=True)
    (tmp_path / "core").mkdir()
    said = (SEEDS / "core" / "limits.yaml").read_text()
    for broken, refusal in (
        (said.replace("  token: {requests: 60, seconds: 60, is_strict: true}\n", ""), "token"),
        (said + "  lunch: {requests: 1, seconds: 1}\n", "lunch"),
        (said.replace("requests: 600", "requests: 0"), ">= 1"),
    ):
        assert broken != said
        (tmp_path / "core" / "limits.yaml").write_text(broken)
        with pytest.raises((limits.PurposeMissing, msgspec.ValidationError), match=refusal):
            limits.load(tmp_path)


def test_a_policy_gives_one_back_after_a_step() -> None:
    assert dt.timedelta(seconds=Policy(120, 60).step) == dt.timedelta(milliseconds=500)


class Naive(Ledger):
    """One whose waiting requests all pass by the settlement they waited for."""

    async def _share(self, key: tuple[str, str], used: settling.Used) -> None:
        await self._settled(key, used, settling.PATIENCE)


@pytest.mark.parametrize(("kind", "most"), [(Ledger, 6), (Naive, 10)], ids=["sound", "naive"])
async def test_of_many_that_wait_for_one_settlement_one_passes_by_it(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, kind: type[Ledger], most: int
) -> None:
    # However slow the database is, nobody's own count decides.
    monkeypatch.setattr(settling, "PATIENCE", 60.0)
    policy = Policy(quota=5, window=3_000, is_strict=True)
    workers, subject = [kind(provided.state(engine).write) for _ in range(2)], uuid4().hex
    standings = await asyncio.gather(
        *(each.charge("keys", policy, subject) for _ in range(20) for each in workers)
    )
    passed = sum(each.is_within for each in standings)
    await asyncio.gather(*(each.drain() for each in workers))
    # One of each worker may be on its way when the last one is let through.
    assert 5 <= passed <= most
    assert (passed > 6) is (kind is Naive), "the control sees what is held against"
