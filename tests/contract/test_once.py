"""A creating request that carries an Idempotency-Key has one effect, however often it is sent."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Controller, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.contract.calling import NOWHERE, OPERATIONS, Operation, call, code, parameters
from tests.contract.conftest import stocked
from tests.contract.match_calls import NEED, PROFILE
from tests.contract.owned import World, filled, things
from tests.identities import Holder, another_key, holder, sitter

from matchmaker.app import create_app, installed
from matchmaker.cli.session import Database
from matchmaker.core import access, db, once
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.events import CLI
from matchmaker.core.once.declaring import OnceNotDeclared
from matchmaker.core.once.queries import prune
from matchmaker.core.settings import Settings
from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching import erasing
from matchmaker.released import Released

SECRET = {"createKey", "createWebhook", "rotateKey"}
PERSISTING = {"need": {"kind": "solution"}, "persist": True}
COUNTS = """
    select string_agg(format('select %L as name, count(*) from mm.%I', tablename, tablename),
        ' union all ')
    from pg_tables where schemaname = 'mm' and tablename <> 'alembic_version'
"""


CREATING = [each for each in OPERATIONS if each.is_once]
OTHERS = [each for each in OPERATIONS if each not in CREATING]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_database(released: Released) -> AsyncIterator[Database]:
    async with stocked(released) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(own_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(own_database.url, own_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    own_database: Database, engine: AsyncEngine, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(installed(own_database.settings, engine, released)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def hurried(own_database: Database, released: Released) -> AsyncIterator[httpx.AsyncClient]:
    """An API in which nobody who waits for a claim waits long."""
    settings = msgspec.structs.replace(own_database.settings, lock_timeout=0.5)
    made = db.create_engine(own_database.url, settings, acting=db.INSTALLATION)
    async with client_of(installed(settings, made, released)) as client:
        yield client
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firm(engine: AsyncEngine) -> Holder:
    return await holder(engine, *OrganisationRole)


async def counts(engine: AsyncEngine) -> dict[str, int]:
    """How many rows each table has, but that of kept replies."""
    async with engine.connect() as connection:
        counting = (await connection.execute(text(COUNTS))).scalar_one()
        rows = (await connection.execute(text(counting))).all()
    return {name: number for name, number in rows if name != "kept_reply"}


def keyed(owner: Holder, key: str | None = None, **more: str) -> dict[str, str]:
    return {**owner.headers, "Idempotency-Key": key or uuid4().hex, **more}


def lasting(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """What an answer and its repetition have in common: all but the id of the request."""
    passing = {"x-request-id", "idempotency-replayed"}
    headers = {name: value for name, value in answer.headers.items() if name not in passing}
    return answer.status_code, answer.content, headers


async def need(
    api: httpx.AsyncClient, headers: Mapping[str, str], **said: object
) -> httpx.Response:
    return await api.post("/v1/needs", json={**NEED, **said}, headers=dict(headers))


def test_there_is_something_to_test() -> None:
    assert len(CREATING) >= 17
    assert {each.id for each in CREATING} >= {"match", "createKey", "createImport", "matchNeed"}


@pytest.mark.parametrize("operation", CREATING, ids=str)
async def test_what_is_sent_twice_is_done_once(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    world = World(api, engine, await holder(engine, *OrganisationRole))
    ids = await things(world, operation.id, parameters(operation))
    _, more = await filled(world, operation.id)
    if operation.id == "match":
        more["persist"] = True
    headers = keyed(world.owner)
    before = await counts(engine)
    first = await call(api, operation, headers, ids, **more)
    assert first.is_success, first.text
    done = await counts(engine)
    assert done != before
    second = await call(api, operation, headers, ids, **more)
    assert await counts(engine) == done
    if operation.id in SECRET:
        assert code(second) == (409, "reply_not_kept")
        assert second.json()["made"] == first.json()["id"]
    else:
        assert lasting(second) == lasting(first)
        assert second.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
    for name in ids:
        other = await call(api, operation, headers, {**ids, name: uuid4()}, **more)
        assert code(other) == (422, "idempotency_key_reused")
    assert await counts(engine) == done


async def test_another_body_with_the_same_key_is_refused(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    headers = keyed(firm)
    assert (await need(api, headers)).status_code == 201
    done = await counts(engine)
    for name, value in (("text", "other"), ("scenes", [])):
        assert code(await need(api, headers, **{name: value})) == (422, "idempotency_key_reused")
    query = await api.post("/v1/needs?x=1", json=NEED, headers=headers)
    assert code(query) == (400, "unexpected_parameter")
    assert await counts(engine) == done


async def test_the_same_content_in_other_octets_is_the_same_request(
    api: httpx.AsyncClient, firm: Holder
) -> None:
    headers = {**keyed(firm), "Content-Type": "application/json"}
    backwards = dict(reversed(NEED.items()))
    first = await api.post("/v1/needs", content=msgspec.json.encode(NEED), headers=headers)
    spaced = msgspec.json.format(msgspec.json.encode(backwards), indent=3)
    assert lasting(await api.post("/v1/needs", content=spaced, headers=headers)) == lasting(first)


async def test_a_file_of_other_octets_is_another_request(
    api: httpx.AsyncClient, firm: Holder
) -> None:
    headers = {**keyed(firm), "Content-Type": "application/x-ndjson"}
    path, line = "/v1/imports?kind=needs", b'{"external_id": "n", "kind": "solution"}'
    first = await api.post(path, content=line, headers=headers)
    assert first.status_code == 202
    assert lasting(await api.post(path, content=line, headers=headers)) == lasting(first)
    for asked, content in ((path, line + b"\n"), (f"{path}&dry_run=true", line)):
        found = await api.post(asked, content=content, headers=headers)
        assert code(found) == (422, "idempotency_key_reused")


async def test_an_answer_keeps_its_language(api: httpx.AsyncClient, firm: Holder) -> None:
    headers = keyed(firm)
    first = await api.post("/v1/match", json=PERSISTING, headers={**headers, **_in("zh")})
    second = await api.post("/v1/match", json=PERSISTING, headers={**headers, **_in("en")})
    assert first.json()["run_id"] is not None
    assert lasting(second) == lasting(first)
    assert second.headers["content-language"] == "zh"


def _in(language: str) -> dict[str, str]:
    return {"Accept-Language": language}


async def test_a_key_is_an_organisations_and_good_for_all_its_credentials(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    key, other = uuid4().hex, await holder(engine)
    spare = await another_key(engine, firm, frozenset({Scope.NEEDS_WRITE}))
    first = await need(api, keyed(firm, key))
    assert lasting(await need(api, keyed(spare, key))) == lasting(first)
    theirs = await need(api, keyed(other, key))
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
    pool = {"code": f"p-{key}", "name": {"en": "Pool"}, "rule": {"all": []}}
    assert (await api.post("/v1/pools", json=pool, headers=keyed(firm, key))).status_code == 201


async def test_a_credential_that_may_no_longer_gets_nothing_that_was_kept(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    key = uuid4().hex
    assert (await need(api, keyed(firm, key))).status_code == 201
    reader = await another_key(engine, firm, frozenset({Scope.NEEDS_READ}))
    assert code(await need(api, keyed(reader, key))) == (403, "scope_missing")


async def test_what_was_refused_is_judged_again(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    key, name = uuid4().hex, uuid4().hex
    before = await counts(engine)
    assert code(await need(api, keyed(firm, key), kind="none")) == (422, "invalid_content")
    assert await counts(engine) == before
    taken = await need(api, firm.headers, external_id=name)
    assert code(await need(api, keyed(firm, key), external_id=name)) == (
        409,
        "need_external_id_taken",
    )
    step = {"transition": "withdraw"}
    path = f"/v1/needs/{taken.json()['id']}/transitions"
    await api.post(path, json=step, headers=firm.headers)
    assert (await need(api, keyed(firm, key))).status_code == 201


async def test_what_comes_at_the_same_time_is_done_once(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    headers, before = keyed(firm), await counts(engine)
    answers = await asyncio.gather(*(need(api, headers) for _ in range(5)))
    assert (await counts(engine))["need"] == before["need"] + 1
    assert len({lasting(answer)[:2] for answer in answers}) == 1
    assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [
        False,
        *[True] * 4,
    ]


async def test_control_without_a_key_it_is_done_each_time(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    before = await counts(engine)
    await asyncio.gather(*(need(api, firm.headers) for _ in range(5)))
    assert (await counts(engine))["need"] == before["need"] + 5


@pytest.mark.parametrize("is_committed", [True, False])
async def test_who_waits_too_long_is_told_to_come_again(
    hurried: httpx.AsyncClient, engine: AsyncEngine, firm: Holder, *, is_committed: bool
) -> None:
    headers = keyed(firm)
    claim = """
        insert into mm.kept_reply (organisation_id, method, route, key, fingerprint, status,
            headers, body)
        values (:firm, 'POST', '/v1/needs', :key, '', 201, '[]', '{}')
    """
    async with engine.connect() as other:
        values = {"firm": firm.organisation_id, "key": headers["Idempotency-Key"]}
        await other.execute(text(claim), values)
        answer = await need(hurried, headers)
        assert code(answer) == (409, "request_underway")
        assert answer.headers["retry-after"] == "1"
        await (other.commit() if is_committed else other.rollback())
    after = await need(hurried, headers)
    assert after.status_code == (422 if is_committed else 201)


@pytest.mark.parametrize("operation", OTHERS, ids=str)
async def test_where_nothing_is_created_no_key_is_taken(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    world = World(api, engine, await holder(engine, *OrganisationRole))
    asking, _ = await filled(world, operation.id)
    before = await counts(engine)
    headers = keyed(world.owner)
    if operation.wanted.by_person:
        person = await sitter(engine, world.owner.organisation_id)
        headers = {**person.headers, "Idempotency-Key": uuid4().hex}
        before = await counts(engine)
    answer = await call(api, operation, headers, asking=asking)
    assert code(answer) == (400, "idempotency_key_not_taken")
    assert await counts(engine) == before


async def test_a_match_that_is_not_stored_takes_none(api: httpx.AsyncClient, firm: Holder) -> None:
    body = {"need": PERSISTING["need"]}
    nobody = {"Idempotency-Key": uuid4().hex}
    for asked, headers in (
        (body, nobody),
        (PERSISTING, nobody),
        (body, keyed(firm)),
        ({**body, "persist": False}, keyed(firm)),
    ):
        answer = await api.post("/v1/match", json=asked, headers=headers)
        assert code(answer) == (400, "idempotency_key_not_taken")


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "\x7f", "钥匙".encode()])
async def test_a_key_that_is_none_is_refused(
    api: httpx.AsyncClient, firm: Holder, key: str | bytes
) -> None:
    given = key if isinstance(key, bytes) else key.encode()
    pairs = [*((k.encode(), v.encode()) for k, v in firm.headers.items())]
    for values in ([given], [b"a", b"a"]):
        headers = [*pairs, *((b"Idempotency-Key", value) for value in values)]
        answer = await api.post("/v1/needs", json=NEED, headers=headers)
        assert code(answer) == (400, "idempotency_key_invalid")


async def test_the_longest_key_and_a_body_that_is_unreadable(
    api: httpx.AsyncClient, firm: Holder
) -> None:
    headers = keyed(firm, "~" * 255)
    junk = {**headers, "Content-Type": "application/json"}
    for content in (b"{", b"\xff", b"[" * 60_000, b'{"kind": 1e999}'):
        answer = await api.post("/v1/needs", content=content, headers=junk)
        assert answer.status_code in {400, 422}
    large = await api.post("/v1/needs", content=b" " * 70_000, headers=junk)
    assert code(large) == (413, "body_too_large")
    assert (await need(api, headers)).status_code == 201


async def test_no_secret_is_kept(api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder) -> None:
    headers = keyed(firm)
    assert (await need(api, headers, text="CANARY")).is_success
    path = f"/v1/organisations/{firm.organisation_id}/keys"
    made = await api.post(path, json={"name": "canary"}, headers=headers)
    rotation = f"/v1/keys/{made.json()['id']}/rotation"
    rotated = await api.post(rotation, json={}, headers=headers)
    secrets = [answer.json()["key"].split("_", 3)[3][:43] for answer in (made, rotated)]
    async with engine.connect() as connection:
        rows = (await connection.execute(text("select r::text from mm.kept_reply r"))).scalars()
        kept = "\n".join(rows)
        bodies = "select body from mm.kept_reply where body is not null"
        octets = b"".join((await connection.execute(text(bodies))).scalars())
    assert made.json()["id"] in kept
    assert b"CANARY" in octets, "the control: what is kept can be found"
    for secret in secrets:
        assert re.fullmatch(r"[\w-]{43}", secret)
        assert secret not in kept
        assert secret.encode().hex() not in kept
        assert secret.encode() not in octets


async def test_who_is_erased_stands_in_no_kept_reply(
    api: httpx.AsyncClient, engine: AsyncEngine, released: Released
) -> None:
    firm = await holder(engine)
    path = f"/v1/profiles/{firm.organisation_id}"
    assert (await api.put(path, json=PROFILE, headers=firm.headers)).is_success
    body = {"profile_id": str(firm.organisation_id), **PERSISTING}
    headers = keyed(firm)
    run = await api.post("/v1/match", json=body, headers=headers)
    assert run.is_success, run.text
    async with AsyncSession(engine) as made, made.begin():
        session = Session(ReadSession(made))
        await erasing.erase_profile(session, released.checker, firm.organisation_id, CLI)
    async with engine.connect() as connection:
        kept = "select count(*) from mm.kept_reply where body is not null"
        assert (await connection.execute(text(kept))).scalar_one() == 0
    before = await counts(engine)
    again = await api.post("/v1/match", json=body, headers=headers)
    assert code(again) == (409, "reply_not_kept")
    assert again.json()["made"] == run.json()["run_id"]
    assert await counts(engine) == before


async def test_after_a_week_a_key_is_free_again(
    api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
) -> None:
    old, new = keyed(firm), keyed(firm)
    for headers in (old, new):
        assert (await need(api, headers)).status_code == 201
    aged = "update mm.kept_reply set claimed_at = now() - interval '169 h' where key = :key"
    async with AsyncSession(engine) as made, made.begin():
        await made.execute(text(aged), {"key": old["Idempotency-Key"]})
        assert await prune(Session(ReadSession(made)), dt.timedelta(days=7)) == 1
    assert "idempotency-replayed" not in (await need(api, old)).headers
    assert "idempotency-replayed" in (await need(api, new)).headers


class _Cut(Controller):
    """Makes something, and its connection is lost when it has answered."""

    path = "/things"

    @post(operation_id="makeThing", opt={**access.needs(None), **once.creates()})
    async def make(self, session: NamedDependency[Session], state: State) -> dict[str, str]:
        pid = await session.scalar(text("select pg_backend_pid()"))
        async with state.engine.connect() as other:
            await other.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        return {"id": "1"}


async def test_what_cannot_be_committed_is_told_and_nothing_is_kept(
    engine: AsyncEngine, firm: Holder, settings: Settings
) -> None:
    app = create_app(settings, engine, controllers=[_Cut])
    headers = keyed(firm)
    async with client_of(app) as api:
        answers = [await api.post("/v1/things", headers=headers) for _ in range(2)]
    assert [code(answer) for answer in answers] == [(503, "unavailable")] * 2
    assert all(answer.headers["retry-after"] == "1" for answer in answers)
    assert all("x-request-id" in answer.headers for answer in answers)


class _Silent(Controller):
    path = "/things"
    opt = access.public()

    @post(operation_id="makeThing")
    async def make(self) -> dict[str, str]:
        return {}


class _Loud(Controller):
    path = "/things"
    opt = {**access.public(), **once.creates()}  # noqa: RUF012  (Litestar copies it)

    @get(operation_id="readThing")
    async def read(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("controller", [_Silent, _Loud])
def test_an_operation_that_does_not_say_what_it_is_does_not_start(
    controller: type[Controller], settings: Settings
) -> None:
    engine = db.create_engine(NOWHERE, settings)
    with pytest.raises(OnceNotDeclared, match="/v1/things"):
        create_app(settings, engine, controllers=[controller])
