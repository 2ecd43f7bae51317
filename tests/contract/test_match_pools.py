"""Pools in a match: who sees what is in one, and what asking for one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import migrated_server, reachable_directory
from tests.conftest import client_of
from tests.identities import Holder, another_key, holder
from tests.supply import publish

from matchmaker.app import installed
from matchmaker.catalog.models import OfferingId
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.settings import Settings
from matchmaker.identity.access import Scope, scopes_of
from matchmaker.identity.models import OrganisationRole
from matchmaker.released import Released

R = OrganisationRole
NEED = {"kind": "solution", "scenes": ["quality"]}
RULE = {"field": "provider.region", "op": "prefix_in", "value": ["21"]}


@pytest.fixture(scope="module")
def running() -> Iterator[Database]:
    """A database with nothing in it."""
    with reachable_directory() as place, migrated_server(place) as server:
        yield Database(server.url("mm_app"), Settings(data=str(place / "data")))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made_engine(running: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@dataclass
class World:
    """An agency with a pool, and three offerings: in it, in it for its holders only, outside."""

    client: httpx.AsyncClient
    running: Database
    released: Released
    engine: AsyncEngine
    agency: Holder
    provider: Holder
    code: str
    pool_id: str
    open: OfferingId
    hidden: OfferingId
    outside: OfferingId

    async def call(
        self, path: str, body: object, by: Holder | None = None, *, expect: int = 200
    ) -> dict[str, Any]:
        answer = await self.client.post(
            f"/v1{path}", json=body, headers={} if by is None else by.headers
        )
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def admit(self, offering_id: OfferingId) -> str:
        """The path of the admission of the offering, now admitted."""
        body = {"offering_id": str(offering_id)}
        path = f"/pools/{self.pool_id}/admissions"
        found = await self.call(path, body, self.provider, expect=201)
        admission = f"/admissions/{found['id']}/transitions"
        await self.call(admission, {"transition": "admit"}, self.agency)
        return admission

    async def matched(self, by: Holder | None = None, **asked: object) -> set[OfferingId]:
        """Which of its offerings a match considers; all of them survive and are shown."""
        await pool.ensure_index(self.running, self.released)
        found = await self.call("/match", {"need": NEED, "limit": 50, **asked}, by)
        assert found["funnel"]["considered"] == len(found["items"])
        shown = {item["offering_id"] for item in found["items"]}
        return {one for one in (self.open, self.hidden, self.outside) if str(one) in shown}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    running: Database, made_engine: AsyncEngine, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(installed(running.settings, made_engine, released)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    api: httpx.AsyncClient, running: Database, made_engine: AsyncEngine, released: Released
) -> World:
    agency = await holder(made_engine, R.AGENCY)
    provider = await holder(made_engine, R.PROVIDER)
    code = f"p-{uuid4().hex[:12]}"
    published = [
        await publish(made_engine, provider, must=None, visibility=visibility)
        for visibility in ("public", "pool", "public")
    ]
    body = {"code": code, "name": {"en": "Pool"}, "rule": RULE, "tiers": []}
    made = await api.post("/v1/pools", json=body, headers=agency.headers)
    assert made.status_code == 201, made.text
    pool_id = made.json()["id"]
    return World(api, running, released, made_engine, agency, provider, code, pool_id, *published)


async def test_what_is_in_no_pool_and_not_public_nobody_sees(world: World) -> None:
    assert await world.matched() == {world.open, world.outside}
    assert await world.matched(world.agency) == {world.open, world.outside}
    assert await world.matched(pools=[world.code]) == set()


async def test_a_pool_shows_what_is_in_it_to_its_agency_alone(world: World) -> None:
    await world.admit(world.hidden)
    other = await holder(world.engine, R.AGENCY)
    of_other = {"code": f"p-{uuid4().hex[:12]}", "name": {"en": "Q"}, "rule": RULE, "tiers": []}
    await world.call("/pools", of_other, other, expect=201)

    everything = {world.open, world.hidden, world.outside}
    assert await world.matched(world.agency) == everything
    for by in (None, world.provider, other, await holder(world.engine)):
        assert await world.matched(by) == everything - {world.hidden}


async def test_asking_for_a_pool_narrows_to_what_is_in_it(world: World) -> None:
    await world.admit(world.open)
    await world.admit(world.hidden)
    assert await world.matched(pools=[world.code]) == {world.open}
    assert await world.matched(world.agency, pools=[world.code]) == {world.open, world.hidden}
    assert await world.matched(pools=["no-such-pool"]) == set()
    assert await world.matched(pools=["no-such-pool", world.code]) == {world.open}


async def test_a_key_that_may_not_read_pools_holds_none(world: World) -> None:
    await world.admit(world.hidden)
    without = scopes_of([R.AGENCY]) - {Scope.POOLS_READ}
    key = await another_key(world.engine, world.agency, without)
    assert world.hidden not in await world.matched(key)
    assert world.hidden in await world.matched(world.agency)


async def test_what_is_not_seen_is_not_explained(world: World) -> None:
    await world.admit(world.hidden)
    assert world.hidden in await world.matched(world.agency)
    asked = {"need": NEED, "offering_id": str(world.hidden)}
    refused = await world.call("/match/explain", asked, expect=404)
    assert refused["code"] == "offering_not_considered"
    told = await world.call("/match/explain", asked, world.agency)
    assert told["standing"] in {"shown", "below_cut"}
    outside = {**asked, "offering_id": str(world.outside), "pools": [world.code]}
    await world.call("/match/explain", outside, expect=404)


async def test_the_receipt_names_the_pools_that_were_held(world: World) -> None:
    await pool.ensure_index(world.running, world.released)
    found = await world.call("/match", {"need": NEED}, world.agency)
    assert found["receipt"]["caller"] == (
        f"organisation:{world.agency.organisation_id};pools:{world.code}"
    )
    found = await world.call("/match", {"need": NEED})
    assert found["receipt"]["caller"] == "anonymous"


@pytest.mark.parametrize(
    ("steps", "is_in"),
    [
        (["warn"], True),
        (["suspend"], False),
        (["suspend", "reinstate"], True),
        (["remove"], False),
    ],
)
async def test_a_decision_reaches_the_next_index(
    world: World, steps: list[str], *, is_in: bool
) -> None:
    admission = await world.admit(world.open)
    assert await world.matched(pools=[world.code]) == {world.open}
    for step in steps:
        await world.call(admission, {"transition": step, "note": "because"}, world.agency)
    assert await world.matched(pools=[world.code]) == ({world.open} if is_in else set())
    assert world.open in await world.matched()


async def test_a_stored_need_is_matched_in_the_pools_asked_for(world: World) -> None:
    await world.admit(world.open)
    await pool.ensure_index(world.running, world.released)
    firm = await holder(world.engine)
    made = await world.call("/needs", NEED, firm, expect=201)
    path = f"/needs/{made['id']}/matches"
    whole = await world.call(path, {"limit": 50}, firm, expect=201)
    narrowed = await world.call(path, {"pools": [world.code]}, firm, expect=201)
    assert whole["funnel"]["considered"] > 1
    assert [item["offering_id"] for item in narrowed["items"]] == [str(world.open)]
    run = f"/v1/match-runs/{narrowed['run_id']}/explain/{world.outside}"
    answer = await world.client.get(run, headers=firm.headers)
    assert answer.status_code == 404


async def test_a_run_is_explained_with_the_pools_its_caller_held(world: World) -> None:
    for offering in (world.open, world.hidden):
        await world.admit(offering)
    await pool.ensure_index(world.running, world.released)
    body = {"need": NEED, "pools": [world.code], "limit": 1, "persist": True}
    run = await world.call("/match", body, world.agency)
    (shown,) = (item["offering_id"] for item in run["items"])
    (below,) = {str(world.open), str(world.hidden)} - {shown}
    path = f"/v1/match-runs/{run['run_id']}/explain/{below}"
    told = await world.client.get(path, headers=world.agency.headers)
    assert (told.status_code, told.json()["standing"]) == (200, "below_cut")
