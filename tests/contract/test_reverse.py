"""The match from the other side: what a provider learns of needs, and what it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest_asyncio
from sqlalchemy import QueuePool, event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.demand.declaration import NeedFacts
from matchmaker.identity import queries as directory
from matchmaker.identity.access import at_console
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.query import Caller, Reader
from matchmaker.matching.reversing import service
from matchmaker.matching.schemas import MatchInput
from matchmaker.ranking.query import Query
from matchmaker.released import Released

R = OrganisationRole
REVERSE = "/v1/match/reverse"
SECRET = {"amount": 61_234_567, "currency": "CNY"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def serving(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    serving: AsyncEngine, demo_database: Database, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(installed(demo_database.settings, serving, released)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


async def opened(api: httpx.AsyncClient, by: Holder, **said: object) -> str:
    body = {
        "kind": "solution",
        "title": {"en": "Wanted"},
        "visibility": "public",
        "budget": SECRET,
        **said,
    }
    made = await api.post("/v1/needs", json=body, headers=by.headers)
    assert made.status_code == 201, made.text
    path = f"/v1/needs/{made.json()['id']}/transitions"
    moved = await api.post(path, json={"transition": "open"}, headers=by.headers)
    assert moved.status_code == 200, moved.text
    return str(made.json()["id"])


async def reversed_(
    api: httpx.AsyncClient, by: Holder, offering_id: str, limit: int = 50
) -> dict[str, Any]:
    body = {"offering_id": offering_id, "limit": limit}
    answer = await api.post(REVERSE, json=body, headers=by.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_the_match_of_what_a_need_tells_everyone(
    api: httpx.AsyncClient, engine: AsyncEngine, serving: AsyncEngine
) -> None:
    firm, operator = await holder(engine), await holder(engine, R.OPERATOR)
    stated = {"industries": ["C3311"], "employees": 80, "region": "330200"}
    await api.put(f"/v1/profiles/{firm.organisation_id}", json=stated, headers=firm.headers)
    cloud = {"all": [{"field": "offering.deployment", "op": "in", "value": ["on_premises"]}]}
    needs = [
        await opened(api, firm, text="Defects on moulded parts", scenes=["quality"]),
        await opened(api, firm, text="Plan the shop floor", scenes=["planning_scheduling"]),
        await opened(api, firm, scenes=["quality"], must=cloud),
    ]
    private = await api.post("/v1/needs", json={"kind": "solution"}, headers=firm.headers)
    listed = (await api.get("/v1/offerings?kind=solution&limit=4", headers=firm.headers)).json()
    for offering in listed["items"]:
        statements: list[str] = []

        def count(*said: Any) -> None:  # noqa: ANN401  (SQLAlchemy's arguments)
            statements.append(said[2])  # noqa: B023  (listened to within the round)

        event.listen(serving.sync_engine, "before_cursor_execute", count)
        found = await reversed_(api, operator, offering["id"])
        event.remove(serving.sync_engine, "before_cursor_execute", count)
        assert sum("need_version" in each for each in statements) == 1, "one statement for all"
        funnel = found["funnel"]
        assert funnel["considered"] == funnel["scored"] + sum(funnel["excluded"].values())
        assert funnel["considered"] >= len(needs)
        fits = [item["fit"] for item in found["items"]]
        assert fits == sorted(fits, reverse=True)
        by_id = {item["need"]["id"]: item for item in found["items"]}
        assert private.json()["id"] not in by_id
        for need_id in needs:
            # The control from the other side: a match of just what everybody reads.
            told = (await api.get(f"/v1/needs/{need_id}")).json()
            names = ("kind", "text", "scenes", "categories", "ready_by", "region", "must", "prefer")
            need = {name: told[name] for name in names}
            body = {"need": need, "offering_id": offering["id"]}
            single = (await api.post("/v1/match/explain", json=body)).json()
            if need_id not in by_id:
                assert single["standing"] == "excluded"
                assert single["excluded_by"]["rule"] in funnel["excluded"]
            else:
                here = by_id[need_id]
                assert (here["fit"], here["package"], here["contributions"]) == (
                    single["item"]["fit"],
                    single["item"]["package"],
                    single["item"]["contributions"],
                )


async def test_nothing_is_told_that_is_not_for_everyone(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, operator = await holder(engine), await holder(engine, R.OPERATOR)
    need_id = await opened(api, firm, scenes=["quality"], text="A thing of its own")
    listed = (await api.get("/v1/offerings?kind=solution&limit=1")).json()["items"]
    body = {"offering_id": listed[0]["id"], "limit": 50}
    answer = await api.post(REVERSE, json=body, headers=operator.headers)
    assert need_id in answer.text
    assert str(firm.organisation_id) not in answer.text
    assert str(SECRET["amount"]) not in answer.text
    told = next(each["need"] for each in answer.json()["items"] if each["need"]["id"] == need_id)
    public = (await api.get("/v1/needs/public?limit=100")).json()["items"]
    assert told == next(each for each in public if each["id"] == need_id)


async def test_no_connection_is_held_while_needs_are_met(
    api: httpx.AsyncClient,
    engine: AsyncEngine,
    serving: AsyncEngine,
    demo_database: Database,
    released: Released,
) -> None:
    await opened(api, await holder(engine), scenes=["quality"])
    operator = await holder(engine, R.OPERATOR)
    listed = (await api.get("/v1/offerings?kind=solution&limit=1")).json()["items"]
    held: list[int] = []

    class Watching(Reader):
        def build(self, *asked: Any, **named: Any) -> Query:  # noqa: ANN401  (whatever it takes)
            held.append(cast("QueuePool", serving.pool).checkedout())
            return super().build(*asked, **named)

    reader = Watching(**{each.name: getattr(released.reader, each.name) for each in fields(Reader)})
    matcher = replace(released.matcher(demo_database.settings.index_folder), reader=reader)
    async with db.reading(engine)() as session:
        organisation = await directory.organisation(session, operator.organisation_id)
    assert organisation is not None
    principal = at_console(organisation)
    async with db.reading(serving)() as session:
        found = await service.find(session, matcher, UUID(listed[0]["id"]), principal)
    assert len(held) >= found.considered > 0
    assert not any(held)
    # The control: who asks before a transaction has ended holds its connection.
    async with db.reading(serving)() as session:
        await session.scalar(text("SELECT 1"))
        matcher.query(MatchInput(need=NeedFacts(kind="solution")), Caller())
    assert held[-1] == 1


async def test_only_for_ones_own_offering(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    provider, firm = await holder(engine, R.PROVIDER), await holder(engine)
    listed = (await api.get("/v1/offerings?kind=solution&limit=1")).json()["items"]
    body = {"offering_id": listed[0]["id"]}
    answer = await api.post(REVERSE, json=body, headers=provider.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "offering_not_considered")
    answer = await api.post(REVERSE, json=body, headers=firm.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
