"""Advisers in a firm's name: within what it gave, told with both names, ended at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.match_calls import NEED, PROFILE
from tests.identities import Holder, another_key, holder, sitter

from matchmaker.app import installed
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.access import DELEGABLE, Scope
from matchmaker.identity.models import MemberRole, OrganisationRole, OrganisationState
from matchmaker.released import Released

R = OrganisationRole
LATER = "2199-01-01T00:00:00Z"
ALL = sorted(scope.value for scope in DELEGABLE)
PROMISED = 5.0
"""Seconds within which an end has acted everywhere."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workers(
    server: Server, settings: Settings, released: Released
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two processes' worth of the API: neither knows what the other remembers."""
    made = db.create_engine(server.url("mm_app"), settings)
    async with (
        client_of(installed(settings, made, released)) as one,
        client_of(installed(settings, made, released)) as other,
    ):
        yield [one, other]
    await made.dispose()


@pytest.fixture
def api(workers: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return workers[0]


def named(adviser: dict[str, str], firm: Holder) -> dict[str, str]:
    return {**adviser, "Matchmaker-For": str(firm.organisation_id)}


async def give(
    api: httpx.AsyncClient, firm: Holder, adviser: Holder, *scopes: str
) -> httpx.Response:
    return await api.post(
        f"/v1/organisations/{firm.organisation_id}/delegations",
        json={
            "adviser_id": str(adviser.organisation_id),
            "scopes": list(scopes or ALL),
            "ends_at": LATER,
        },
        headers=firm.headers,
    )


async def pair(
    api: httpx.AsyncClient, engine: AsyncEngine, *scopes: str
) -> tuple[Holder, Holder, str]:
    firm, adviser = await holder(engine), await holder(engine, R.PROVIDER)
    given = await give(api, firm, adviser, *scopes)
    assert given.status_code == 201, given.text
    return firm, adviser, given.json()["id"]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


REFUSED = (403, "delegation_missing")


async def test_an_adviser_acts_in_the_firms_name(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, adviser, _ = await pair(api, engine)
    person = await sitter(engine, adviser.organisation_id, MemberRole.EDITOR)
    for caller in (adviser.headers, person.headers):
        made = await api.post("/v1/needs", json=NEED, headers=named(caller, firm))
        assert made.status_code == 201, made.text
        own = await api.get(f"/v1/needs/{made.json()['id']}", headers=firm.headers)
        assert own.status_code == 200
        me = (await api.get("/v1/me", headers=named(caller, firm))).json()
        assert me["organisation"]["id"] == str(firm.organisation_id)
        assert me["adviser_id"] == str(adviser.organisation_id)
    profile = f"/v1/profiles/{firm.organisation_id}"
    put = await api.put(profile, json=PROFILE, headers=named(adviser.headers, firm))
    assert put.status_code == 201, put.text
    # Without the header it is itself again.
    assert (await api.get(profile, headers=adviser.headers)).status_code == 403


async def test_what_it_does_is_told_with_both_names(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, adviser, _ = await pair(api, engine)
    need = (await api.post("/v1/needs", json=NEED, headers=named(adviser.headers, firm))).json()[
        "id"
    ]
    found = await api.get(f"/v1/audit?subject_id={need}", headers=firm.headers)
    (record,) = found.json()["items"]
    assert record["event"]["organisation_id"] == str(firm.organisation_id)
    assert record["event"]["actor"] == {
        "type": "api_key",
        "id": str(adviser.key_id),
        "organisation_id": str(adviser.organisation_id),
    }
    # And each of its looks is one that the firm is told of.
    await api.get(f"/v1/needs/{need}", headers=named(adviser.headers, firm))
    seen = await api.get(
        f"/v1/organisations/{firm.organisation_id}/sightings", headers=firm.headers
    )
    assert {each["seen_as"] for each in seen.json()["items"]} == {"adviser"}
    assert {each["by"]["organisation_id"] for each in seen.json()["items"]} == {
        str(adviser.organisation_id)
    }


async def test_it_may_do_what_was_named_and_no_more(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, adviser, _ = await pair(api, engine, "needs:read")
    caller = named(adviser.headers, firm)
    assert (await api.get("/v1/needs", headers=caller)).status_code == 200
    written = await api.post("/v1/needs", json=NEED, headers=caller)
    assert code(written) == (403, "scope_missing")
    me = (await api.get("/v1/me", headers=caller)).json()
    assert me["scopes"] == ["needs:read"]


@pytest.mark.parametrize("scope", sorted(set(Scope) - DELEGABLE))
async def test_rights_are_never_lent(
    api: httpx.AsyncClient, engine: AsyncEngine, scope: Scope
) -> None:
    firm, adviser = await holder(engine, *R), await holder(engine, R.PROVIDER)
    assert (await give(api, firm, adviser, scope.value)).status_code == 422
    assert (await give(api, firm, adviser)).status_code == 201
    me = (await api.get("/v1/me", headers=named(adviser.headers, firm))).json()
    assert scope.value not in me["scopes"]
    assert me["roles"] == ["provider", "sme"], "nor what the firm may do with what is others'"


async def test_the_persons_role_at_the_advisers_counts_too(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, adviser, _ = await pair(api, engine)
    viewer = await sitter(engine, adviser.organisation_id, MemberRole.VIEWER)
    refused = await api.get("/v1/needs", headers=named(viewer.headers, firm))
    assert code(refused) == REFUSED
    scopes = frozenset(Scope) - {Scope.DELEGATIONS_ACT}
    other = await another_key(engine, adviser, scopes)
    assert code(await api.get("/v1/needs", headers=named(other.headers, firm))) == REFUSED


async def test_nobody_else_acts_in_its_name(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm, adviser, _ = await pair(api, engine)
    stranger = await holder(engine, R.PROVIDER)
    for caller in (stranger, await holder(engine, R.AGENCY), firm):
        assert code(await api.get("/v1/needs", headers=named(caller.headers, firm))) == REFUSED
    for header in ("", "x", str(uuid4()), f"{firm.organisation_id},{firm.organisation_id}"):
        headers = {**adviser.headers, "Matchmaker-For": header}
        assert code(await api.get("/v1/needs", headers=headers)) == REFUSED


async def test_the_firm_ends_it_at_once_in_every_worker(
    workers: list[httpx.AsyncClient], engine: AsyncEngine
) -> None:
    firm, adviser, id_ = await pair(workers[0], engine)
    caller = named(adviser.headers, firm)
    for worker in workers:
        assert (await worker.get("/v1/needs", headers=caller)).status_code == 200
    ended = await workers[0].post(f"/v1/delegations/{id_}/end", headers=firm.headers)
    assert ended.json()["ended_at"] is not None
    start = time.monotonic()
    for worker in workers:
        while (await worker.get("/v1/needs", headers=caller)).status_code == 200:
            assert time.monotonic() - start < PROMISED
            await asyncio.sleep(0.1)
        assert code(await worker.get("/v1/needs", headers=caller)) == REFUSED
    again = await workers[1].post(f"/v1/delegations/{id_}/end", headers=firm.headers)
    assert code(again) == (409, "delegation_ended")
    assert (await give(workers[0], firm, adviser)).status_code == 201, "a new one"


async def test_the_adviser_hands_it_back(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm, adviser, id_ = await pair(api, engine)
    held = await api.get("/v1/delegations", headers=adviser.headers)
    assert [each["id"] for each in held.json()["items"]] == [id_]
    stranger = await holder(engine)
    refused = await api.post(f"/v1/delegations/{id_}/end", headers=stranger.headers)
    assert code(refused) == (404, "delegation_not_found")
    ended = await api.post(f"/v1/delegations/{id_}/end", headers=adviser.headers)
    assert ended.status_code == 200, ended.text
    given = await api.get(
        f"/v1/organisations/{firm.organisation_id}/delegations", headers=firm.headers
    )
    assert given.json()["items"][0]["ended_at"] is not None


async def stored(engine: AsyncEngine, firm: Holder, adviser: Holder, seconds: int) -> None:
    """A delegation whose time ends so many seconds from now."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "insert into mm.delegation (id, organisation_id, adviser_id, scopes, ends_at)"
                " values (gen_random_uuid(), :firm, :adviser, '{needs:read}',"
                " now() + make_interval(secs => :seconds))"
            ),
            {
                "firm": firm.organisation_id,
                "adviser": adviser.organisation_id,
                "seconds": seconds,
            },
        )


async def test_it_ends_by_itself_and_makes_room_for_the_next(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, adviser, other = [await holder(engine, role) for role in (R.SME, R.PROVIDER, R.AGENCY)]
    await stored(engine, firm, adviser, -1)
    await stored(engine, firm, other, 3600)
    assert code(await api.get("/v1/needs", headers=named(adviser.headers, firm))) == REFUSED
    there = await api.get("/v1/needs", headers=named(other.headers, firm))
    assert there.status_code == 200, "the control"
    assert (await give(api, firm, adviser)).status_code == 201
    assert code(await give(api, firm, adviser)) == (409, "already_exists")


@pytest.mark.parametrize("who", ["firm", "adviser"])
async def test_a_suspension_of_either_ends_it_meanwhile(
    api: httpx.AsyncClient, engine: AsyncEngine, who: str
) -> None:
    firm, adviser, _ = await pair(api, engine)
    of = firm if who == "firm" else adviser
    async with engine.begin() as connection:
        await connection.execute(
            text("update mm.organisation set state = :state where id = :id"),
            {"state": OrganisationState.SUSPENDED.value, "id": of.organisation_id},
        )
    refused = await api.get("/v1/needs", headers=named(adviser.headers, firm))
    assert code(refused) == (REFUSED if who == "firm" else (403, "account_inactive"))


async def test_only_who_owns_the_firm_gives_it(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm, adviser = await holder(engine), await holder(engine, R.PROVIDER)
    path = f"/v1/organisations/{firm.organisation_id}/delegations"
    body: dict[str, Any] = {
        "adviser_id": str(adviser.organisation_id),
        "scopes": ["needs:read"],
        "ends_at": LATER,
    }
    admin = await sitter(engine, firm.organisation_id, MemberRole.ADMIN)
    assert code(await api.post(path, json=body, headers=admin.headers)) == (403, "scope_missing")
    operator = await holder(engine, R.OPERATOR)
    refused = await api.post(path, json=body, headers=operator.headers)
    assert code(refused) == (404, "organisation_not_found")
    past = await api.post(
        path, json={**body, "ends_at": "2020-01-01T00:00:00Z"}, headers=firm.headers
    )
    assert past.json()["errors"][0]["code"] == "past"
    for nobody in (uuid4(), firm.organisation_id):
        said = await api.post(path, json={**body, "adviser_id": str(nobody)}, headers=firm.headers)
        assert code(said) == (404, "organisation_not_found")


async def test_the_second_wall_keeps_them_too(
    api: httpx.AsyncClient, engine: AsyncEngine, server: Server, settings: Settings
) -> None:
    """An adviser reads what it holds and cannot give itself more; others see nothing."""
    firm, adviser, id_ = await pair(api, engine, "needs:read")
    stranger = await holder(engine, R.AGENCY)
    seen = {}
    for each in (firm, adviser, stranger):
        acting = db.create_engine(server.url("mm_app"), settings, acting=each.organisation_id)
        async with acting.connect() as connection:
            said = text("select count(*) from mm.delegation where id = :id")
            seen[each] = await connection.scalar(said, {"id": id_})
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text("update mm.delegation set ends_at = now()"))
        await acting.dispose()
    assert seen == {firm: 1, adviser: 1, stranger: 0}
    acting = db.create_engine(server.url("mm_app"), settings, acting=stranger.organisation_id)
    with pytest.raises(DBAPIError, match="row-level security"):
        await stored(acting, firm, stranger, 3600)
    await acting.dispose()
