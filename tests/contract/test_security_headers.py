"""What protects readers and their browsers stands on every answer, whatever it is and whoever asks.

The operations are read from the application: a new one is tested without being named.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.calling import OPERATIONS, Operation, call, parameters
from tests.contract.conftest import stocked
from tests.contract.owned import World, things
from tests.identities import holder

from matchmaker.app import installed
from matchmaker.cli.session import Database
from matchmaker.core import db, http
from matchmaker.core.docs import POLICY
from matchmaker.core.limits import Ledger, Limits, policies
from matchmaker.core.limits.addresses import Addresses
from matchmaker.core.provided import state
from matchmaker.identity.models import OrganisationRole
from matchmaker.released import Released

STRICT = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
TELLING = {"server", "x-powered-by", "via"}
BESIDE = ("/livez", "/readyz", "/openapi.json", "/docs", "/v1/nowhere", "/nowhere")


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


def unprotected(answer: httpx.Response, policy: str = NOTHING) -> dict[str, str | None]:
    """The headers of an answer that are not as they must be."""
    wanted = {**STRICT, "content-security-policy": policy}
    found = {name: answer.headers.get(name) for name in wanted}
    wrong = {name: value for name, value in found.items() if value != wanted[name]}
    vary = answer.headers.get("vary", "")
    if not {"accept-language", "authorization"} <= set(re.split(", *", vary.lower())):
        wrong["vary"] = vary
    return wrong | {name: answer.headers[name] for name in TELLING & answer.headers.keys()}


def is_stored_nowhere(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("cache-control") == "no-store")


@pytest.mark.asvs("V3.4.4", "V3.4.5", "V14.3.2")
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_every_operation_protects_its_readers(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    owner = await holder(engine, *OrganisationRole)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    path = re.sub(r":\w+}", "}", operation.path).format_map(
        {name: uuid4() for name in parameters(operation)}
    )
    answers = {
        "known": await call(api, operation, owner.headers, ids),
        "known, missing": await call(api, operation, owner.headers),
        "refused": await call(api, operation, {"Authorization": "Bearer junk"}),
        "nobody": await call(api, operation),
        "another method": await api.request("TRACE", path),
        "what may be asked": await api.options(path),
        "a parameter too many": await api.request(operation.method, f"{path}?colour=red"),
    }
    assert {who: wrong for who, answer in answers.items() if (wrong := unprotected(answer))} == {}
    for who in ("known", "known, missing", "refused"):
        assert is_stored_nowhere(answers[who]), who
    failed = [answer for answer in answers.values() if answer.is_error]
    assert all(is_stored_nowhere(answer) for answer in failed)
    assert len(failed) >= 3


async def test_what_lies_beside_is_protected_too(api: httpx.AsyncClient) -> None:
    for path in BESIDE:
        for method in ("GET", "HEAD"):
            policy = POLICY if path == "/docs" else NOTHING
            assert unprotected(await api.request(method, path), policy) == {}, path


async def test_the_docs_page_may_show_its_own_style_and_nothing_else(
    api: httpx.AsyncClient,
) -> None:
    page = await api.get("/docs")
    allowed = page.headers["content-security-policy"]
    assert "default-src 'none'" in allowed
    assert "frame-ancestors 'none'" in allowed
    assert "unsafe" not in allowed
    assert "<script" not in page.text


async def test_a_caller_that_asks_too_often_is_protected_as_well(
    own_database: Database, engine: AsyncEngine, released: Released
) -> None:
    wanted = policies("anonymous=1/600", released.limits)
    assert wanted is not None
    counted = Limits(wanted, Ledger(state(engine).write), Addresses(()))
    app = installed(own_database.settings, engine, released, counted=counted)
    async with client_of(app) as api:
        answers = [await api.get("/v1/taxonomy") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert [unprotected(answer) for answer in answers] == [{}, {}]
    assert is_stored_nowhere(answers[1])


async def test_control_without_the_edge_they_are_missed(
    own_database: Database,
    engine: AsyncEngine,
    released: Released,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "Edge", lambda app, **_: app)
    async with client_of(installed(own_database.settings, engine, released)) as api:
        assert unprotected(await api.get("/v1/taxonomy")).keys() == {
            *STRICT,
            "content-security-policy",
            "vary",
        }
