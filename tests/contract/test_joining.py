"""Firms in programmes: known by name to whose programme it is while they take part, and no longer.

Each promise is tried with both walls, with row-level security gone, and with the service layer
letting everybody pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.contract.test_delegations import give
from tests.contract.test_delegations import named as in_the_name_of
from tests.contract.test_reach import (
    agency,
    aggregates,
    counted,
    firm,
    named,
    patch,
    profile,
)
from tests.contract.test_sightings import sightings
from tests.databases import unwalled
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.core import db, events, transient
from matchmaker.core.db import ReadSession
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.enterprise.reach import service
from matchmaker.identity.models import OrganisationRole
from matchmaker.policy.programmes import queries
from matchmaker.released import Released

R = OrganisationRole
FUSHUN = {"regions": ["210400"]}
AWAY = "440300"
"""Where none of these agencies has anything to say."""


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["two walls", "one wall"])
async def api(
    request: pytest.FixtureRequest, server: Server, settings: Settings, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    """The API as it is, and with row-level security gone."""
    made = (
        unwalled(server, settings)
        if request.param == "one wall"
        else db.create_engine(server.url("mm_app"), settings)
    )
    async with client_of(installed(settings, made, released)) as client:
        yield client
    await made.dispose()


async def programme(api: httpx.AsyncClient, by: Holder, **more: object) -> str:
    """A published one for the agency's place."""
    whose = {"issuers": [{"zh": "某局"}], "source": {"zh": "某网站"}, "level": "prefecture"}
    body = {"name": {"zh": "补助", "en": "Grant"}, "regions": ["210400"], **whose, **more}
    made = await api.post("/v1/programmes", json=body, headers=by.headers)
    assert made.status_code == 201, made.text
    await move(api, by, f"/v1/programmes/{made.json()['id']}", "publish")
    return str(made.json()["id"])


async def move(api: httpx.AsyncClient, by: Holder, path: str, step: str) -> None:
    moved = await api.post(f"{path}/transitions", json={"transition": step}, headers=by.headers)
    assert moved.status_code == 200, moved.text


async def asked(api: httpx.AsyncClient, by: Holder | dict[str, str], id_: str) -> httpx.Response:
    headers = by if isinstance(by, dict) else by.headers
    return await api.post(f"/v1/programmes/{id_}/participations", headers=headers)


async def join(api: httpx.AsyncClient, by: Holder, id_: str) -> str:
    joined = await asked(api, by, id_)
    assert joined.status_code == 201, joined.text
    return f"/v1/participations/{joined.json()['id']}"


async def joined_of(api: httpx.AsyncClient, by: Holder) -> int:
    """How many firms the agency sees by name because they joined."""
    return sum("joined" in each["basis"] for each in (await named(api, by)).values())


async def sees(api: httpx.AsyncClient, by: Holder, of: Holder) -> list[str] | None:
    """On what ground the agency sees the firm by name; None: it does not, in any way."""
    listed = (await named(api, by)).get(str(of.organisation_id))
    assert await profile(api, of, by) == (404 if listed is None else 200)
    return None if listed is None else list(listed["basis"])


async def test_who_joins_is_seen_by_whose_programme_it_is_until_it_leaves(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    keeper, stranger = await agency(api, engine, FUSHUN), await agency(api, engine, FUSHUN)
    made, silent = await firm(api, engine, region=AWAY), await firm(api, engine, region=AWAY)
    id_ = await programme(api, keeper)
    assert await sees(api, keeper, made) is None
    joined = await join(api, made, id_)
    assert await sees(api, keeper, made) == ["joined"]
    told = (await named(api, keeper))[str(made.organisation_id)]
    assert (told["programmes"], told["may_contact"]) == ([id_], False)
    assert await profile(api, made, keeper, "/versions") == 404, "what it stated before is its own"
    for other in (stranger, silent):
        assert str(made.organisation_id) not in (
            await named(api, other) if other is stranger else {}
        )
        assert await profile(api, made, other) == 404
    assert await sees(api, keeper, silent) is None
    assert (await api.get(joined, headers=keeper.headers)).status_code == 404
    seen = (await sightings(api, made))[0]
    assert (seen["seen_as"], seen["subject_type"], seen["programmes"]) == (
        "agency",
        "profile",
        [id_],
    )
    await move(api, made, joined, "leave")
    assert await sees(api, keeper, made) is None
    again = await join(api, made, id_)
    assert again != joined
    assert await sees(api, keeper, made) == ["joined"]
    await move(api, keeper, f"/v1/programmes/{id_}", "archive")
    assert await sees(api, keeper, made) is None
    assert (await api.get(again, headers=made.headers)).json()["state"] == "ended"
    async with async_sessionmaker(engine)() as session:
        history = [
            each.event.kind
            for path in (joined, again)
            for each in await events.after(
                ReadSession(session),
                0,
                subject_id=path.rpartition("/")[2],  # type: ignore[arg-type]
            )
        ]
    kinds = ["joined", "left", "joined", "ended"]
    assert history == [f"participation.{kind}" for kind in kinds]


async def test_who_allows_it_too_stays_when_the_programme_is_left(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    keeper = await agency(api, engine, FUSHUN)
    made = await firm(api, engine, "share_with_agency", region="210400")
    assert (await sees(api, keeper, made), (await sightings(api, made))[0]["programmes"]) == (
        ["consented"],
        [],
    )
    joined = await join(api, made, await programme(api, keeper))
    assert await sees(api, keeper, made) == ["consented", "joined"]
    await move(api, made, joined, "leave")
    assert await sees(api, keeper, made) == ["consented"]


async def test_an_operator_puts_a_programme_into_anothers_jurisdiction(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    keeper, bureau = await agency(api, engine, FUSHUN), await agency(api, engine, FUSHUN)
    operator, made = await holder(engine, R.OPERATOR), await firm(api, engine, region=AWAY)
    id_ = await programme(api, keeper)
    await join(api, made, id_)
    assert await sees(api, bureau, made) is None
    within = {"jurisdiction": {**FUSHUN, "programmes": [id_]}}
    assert (await patch(api, bureau, bureau, within)).status_code == 403
    assert (await patch(api, operator, bureau, within)).status_code == 200
    assert await sees(api, bureau, made) == ["joined"]
    await patch(api, operator, bureau, {"jurisdiction": FUSHUN})
    assert await sees(api, bureau, made) is None


async def test_only_what_is_open_and_for_firms_is_joined_and_once(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    keeper, made = await agency(api, engine, FUSHUN), await firm(api, engine)
    for more in (
        {"opens_on": "2199-01-01"},
        {"closes_on": "2026-01-01"},
        {"beneficiary": "provider"},
    ):
        refused = await asked(api, made, await programme(api, keeper, **more))
        assert (refused.status_code, refused.json()["code"]) == (409, "programme_not_open"), more
    id_ = await programme(api, keeper, opens_on="2026-01-01", closes_on="2199-01-01")
    answers = await asyncio.gather(*(asked(api, made, id_) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    await move(api, keeper, f"/v1/programmes/{id_}", "archive")
    refused = await asked(api, await firm(api, engine), id_)
    assert (refused.status_code, refused.json()["code"]) == (409, "programme_not_open")
    assert (await asked(api, keeper, id_)).status_code == 403, "an agency is no firm"


async def test_an_adviser_joins_where_the_delegation_says_so(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    keeper, made = await agency(api, engine, FUSHUN), await firm(api, engine)
    clerk, adviser = await holder(engine, R.PROVIDER), await holder(engine, R.PROVIDER)
    id_ = await programme(api, keeper)
    for each, scope in ((clerk, "profiles:write"), (adviser, "programmes:join")):
        assert (await give(api, made, each, scope)).status_code == 201
    refused = await asked(api, in_the_name_of(clerk.headers, made), id_)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    joined = await asked(api, in_the_name_of(adviser.headers, made), id_)
    assert joined.status_code == 201, joined.text
    assert joined.json()["organisation_id"] == str(made.organisation_id)
    assert await sees(api, keeper, made) == ["joined"]
    left = f"/v1/participations/{joined.json()['id']}"
    await move(api, made, left, "leave")
    assert await sees(api, keeper, made) is None


async def test_who_joined_is_counted_with_the_others(
    api: httpx.AsyncClient, engine: AsyncEngine, released: Released
) -> None:
    """Four have names and no number, five have both; who leaves stays counted until five do."""
    keeper = await agency(api, engine, FUSHUN)
    id_ = await programme(api, keeper)
    joined = [await join(api, await firm(api, engine, region=AWAY), id_) for _ in range(4)]
    await counted(engine, released)
    assert (await aggregates(api, keeper, "region"))["firms"] == 0
    assert await joined_of(api, keeper) == 4
    last = await firm(api, engine, region=AWAY)
    joined.append(await join(api, last, id_))
    await counted(engine, released)
    told = await aggregates(api, keeper, "region")
    assert (told["firms"], told["cells"]) == (5, [{"code": AWAY, "firms": 5}])
    await move(api, last, joined[-1], "leave")
    await counted(engine, released)
    assert (await aggregates(api, keeper, "region"))["firms"] == 5, "four or five: nobody can tell"
    assert await joined_of(api, keeper) == 4


class TestWalls:
    """One of the two decides alone."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def walled(
        self, server: Server, settings: Settings, released: Released
    ) -> AsyncIterator[httpx.AsyncClient]:
        made = db.create_engine(server.url("mm_app"), settings)
        async with client_of(installed(settings, made, released)) as client:
            yield client
        await made.dispose()

    async def test_the_database_shows_the_profile_of_who_takes_part_and_of_nobody_else(
        self,
        walled: httpx.AsyncClient,
        engine: AsyncEngine,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        keeper = await agency(walled, engine, FUSHUN)
        inside, left, never = [await firm(walled, engine, region=AWAY) for _ in range(3)]
        id_ = await programme(walled, keeper)
        await join(walled, inside, id_)
        await move(walled, left, await join(walled, left, id_), "leave")

        async def anybody(*_: object, **__: object) -> list[object]:
            return [SimpleNamespace(programmes=[])]

        monkeypatch.setattr(service, "firms", anybody)
        found = [await profile(walled, each, keeper) for each in (inside, left, never)]
        assert found == [200, 404, 404]
        stranger = await agency(walled, engine, FUSHUN)
        assert await profile(walled, inside, stranger) == 404

    async def test_the_database_lets_a_firm_into_what_is_published_and_nobody_for_it(
        self, walled: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keeper, made = await agency(walled, engine, FUSHUN), await firm(walled, engine)
        operator, other = await holder(engine, R.OPERATOR), await firm(walled, engine)
        id_, over = await programme(walled, keeper), await programme(walled, keeper)
        await move(walled, keeper, f"/v1/programmes/{over}", "archive")

        async def yes(*_: object) -> bool:
            return True

        monkeypatch.setattr(queries, "hold_joinable", yes)
        assert (await asked(walled, made, over)).status_code == 403, "the wall alone"
        says = text(
            "insert into mm.participation"
            " (id, organisation_id, programme_id, agency_id, state, revision)"
            " values (gen_random_uuid(), :firm, :programme, :keeper, 'joined', 1) returning id"
        )
        for who, programme_id, of, lets in (
            (made, id_, keeper, True),
            (other, id_, keeper, False),
            (made, over, keeper, False),
            (made, id_, operator, False),
        ):
            values = {"firm": made.organisation_id, "programme": programme_id}
            said = {**values, "keeper": of.organisation_id}
            allowed = await self.let(engine, who, says, said, keeps=False)
            assert allowed is lets, (who is made, programme_id == id_, of is keeper)

    async def test_the_database_lets_nobody_back_in_and_nobody_out_but_itself(
        self, walled: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        keeper, made = await agency(walled, engine, FUSHUN), await firm(walled, engine)
        id_ = await programme(walled, keeper)
        joined = await join(walled, made, id_)
        values: dict[str, object] = {"id": joined.rpartition("/")[2]}
        turn = "update mm.participation set state = '{}' where id = :id returning id"
        out, back = text(turn.format("left")), text(turn.format("joined"))
        assert not await self.let(engine, keeper, out, values)
        assert not await self.let(
            engine, keeper, text("select * from mm.end_participations(:id)"), {"id": id_}
        ), "it is not archived"
        assert await self.let(engine, made, out, values)
        assert not await self.let(engine, made, back, values)

    async def let(
        self,
        engine: AsyncEngine,
        who: Holder,
        statement: TextClause,
        values: dict[str, object],
        *,
        keeps: bool = True,
    ) -> bool:
        """Whether the wall lets the statement, which returns what it did, do anything."""
        try:
            async with db.begun(async_sessionmaker(engine), who.organisation_id) as session:
                found = (await session.execute(statement, values)).all()
                if not keeps:
                    await session.rollback()
        except DBAPIError as refusal:
            if transient.sql_state(refusal) != "42501":
                raise
            return False
        return bool(found)
