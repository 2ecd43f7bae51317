"""What an agency reads: the firms of its jurisdiction that allow it, and counts of the others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.databases import unwalled
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.core import db, provided
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.enterprise.reach import service
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.released import Released

R = OrganisationRole
NINGBO: dict[str, Any] = {"regions": ["330200"], "clusters": ["moulds"], "programmes": []}
FIRMS = "/v1/jurisdiction/firms"
AGGREGATES = "/v1/jurisdiction/aggregates"


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


async def patch(
    api: httpx.AsyncClient, by: Holder, of: Holder, body: dict[str, Any]
) -> httpx.Response:
    path = f"/v1/organisations/{of.organisation_id}"
    etag = (await api.get(path, headers=by.headers)).headers["ETag"]
    headers = {**by.headers, "If-Match": etag, "Content-Type": MEDIA_TYPE}
    return await api.patch(path, json=body, headers=headers)


async def agency(
    api: httpx.AsyncClient, engine: AsyncEngine, jurisdiction: dict[str, Any]
) -> Holder:
    made, operator = await holder(engine, R.AGENCY), await holder(engine, R.OPERATOR)
    assert (await patch(api, operator, made, {"jurisdiction": jurisdiction})).status_code == 200
    return made


async def firm(
    api: httpx.AsyncClient, engine: AsyncEngine, *consents: str, **facts: object
) -> Holder:
    made = await holder(engine)
    stated = {"region": "330282", "industries": ["C3311"], **facts}
    answer = await api.put(
        f"/v1/profiles/{made.organisation_id}", json=stated, headers=made.headers
    )
    assert answer.status_code == 201, answer.text
    for purpose in consents:
        await allow(api, made, purpose)
    return made


async def allow(api: httpx.AsyncClient, firm: Holder, purpose: str) -> str:
    path = f"/v1/organisations/{firm.organisation_id}/consents"
    answer = await api.post(path, json={"purpose": purpose}, headers=firm.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def named(api: httpx.AsyncClient, by: Holder) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        answer = await api.get(f"{FIRMS}?limit=2{cursor}", headers=by.headers)
        assert answer.status_code == 200, answer.text
        found |= {each["organisation_id"]: each for each in answer.json()["items"]}
        if answer.json()["page"]["next"] is None:
            return found
        cursor = f"&cursor={answer.json()['page']['next']}"


async def profile(api: httpx.AsyncClient, of: Holder, by: Holder, more: str = "") -> int:
    path = f"/v1/profiles/{of.organisation_id}{more}"
    return (await api.get(path, headers=by.headers)).status_code


async def test_a_code_of_zeros_holds_no_firm(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    """No operator sets one: it is no place. Where one stands all the same it is not everywhere."""
    reader, operator = await agency(api, engine, NINGBO), await holder(engine, R.OPERATOR)
    here = await firm(api, engine, "share_with_agency", region="440300")
    refused = await patch(api, operator, reader, {"jurisdiction": {"regions": ["000000"]}})
    assert refused.status_code == 422, refused.text
    for region, reads in (("000000", False), ("440000", True)):
        async with engine.begin() as connection:
            said = "update mm.organisation set jurisdiction = cast(:said as jsonb)"
            await connection.execute(
                text(f"{said} where id = :id"),
                {"said": json.dumps({"regions": [region]}), "id": reader.organisation_id},
            )
        assert await profile(api, here, reader) == (200 if reads else 404)
        assert (str(here.organisation_id) in await named(api, reader)) is reads
        async with db.begun(async_sessionmaker(engine), reader.organisation_id) as session:
            asked = text("select mm.reaches(:id)")
            assert await session.scalar(asked, {"id": here.organisation_id}) is reads


async def test_an_agency_names_the_firms_that_allow_it(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    reader = await agency(api, engine, NINGBO)
    here = await firm(api, engine, "share_with_agency", "contact")
    member = await firm(api, engine, "share_with_agency", region="440300", clusters=["moulds"])
    silent = await firm(api, engine, "contact")
    elsewhere = await firm(api, engine, "share_with_agency", region="330100")
    found = await named(api, reader)
    assert {str(here.organisation_id), str(member.organisation_id)} <= found.keys()
    assert not {str(silent.organisation_id), str(elsewhere.organisation_id)} & found.keys()
    assert found[str(here.organisation_id)]["may_contact"] is True
    assert found[str(member.organisation_id)]["may_contact"] is False
    assert found[str(here.organisation_id)]["basis"] == ["consented"]
    assert [await profile(api, each, reader) for each in (here, member, silent, elsewhere)] == [
        *(200, 200),
        *(404, 404),
    ]
    # What it stated before is not for others.
    assert await profile(api, here, reader, "/versions/1") == 404
    assert await profile(api, here, reader, "/versions") == 404


async def test_it_ends_with_the_consent(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    reader = await agency(api, engine, NINGBO)
    made = await firm(api, engine)
    consent = await allow(api, made, "share_with_agency")
    assert await profile(api, made, reader) == 200
    await api.post(f"/v1/consents/{consent}/withdrawal", headers=made.headers)
    assert await profile(api, made, reader) == 404
    assert str(made.organisation_id) not in await named(api, reader)


@pytest.mark.parametrize("state", [OrganisationState.DRAFT, OrganisationState.SUSPENDED])
async def test_firms_that_nobody_verified_are_not_named(
    api: httpx.AsyncClient, engine: AsyncEngine, state: OrganisationState
) -> None:
    reader = await agency(api, engine, NINGBO)
    made = await firm(api, engine, "share_with_agency")
    async with engine.begin() as connection:
        await connection.execute(
            text("update mm.organisation set state = :state where id = :id"),
            {"state": state.value, "id": made.organisation_id},
        )
    assert await profile(api, made, reader) == 404
    assert str(made.organisation_id) not in await named(api, reader)


async def test_only_an_operator_sets_a_jurisdiction(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    made, operator = await holder(engine, R.AGENCY), await holder(engine, R.OPERATOR)
    refused = await patch(api, made, made, {"jurisdiction": NINGBO})
    assert (refused.status_code, refused.json()["code"]) == (403, "operators_field")
    assert await named(api, made) == {}
    wrong = await patch(api, operator, made, {"jurisdiction": {"regions": ["990000"]}})
    assert wrong.json()["errors"][0]["pointer"] == "#/jurisdiction/regions/0"
    no_agency = await patch(api, operator, await holder(engine), {"jurisdiction": NINGBO})
    assert no_agency.json()["errors"][0]["code"] == "not_an_agency"
    told = (await patch(api, operator, made, {"jurisdiction": NINGBO})).json()
    assert told["jurisdiction"] == NINGBO


@pytest.mark.parametrize("role", [R.SME, R.PROVIDER, R.OPERATOR])
async def test_jurisdictions_are_for_agencies(
    api: httpx.AsyncClient, engine: AsyncEngine, role: OrganisationRole
) -> None:
    caller = await holder(engine, role)
    for path in (FIRMS, f"{AGGREGATES}?by=scale"):
        assert (await api.get(path, headers=caller.headers)).status_code == 403


async def counted(engine: AsyncEngine, released: Released) -> None:
    async with async_sessionmaker(engine).begin() as made:
        session = Session(ReadSession(made))
        await service.count(session, released.taxonomy, released.reach.least)


async def aggregates(api: httpx.AsyncClient, by: Holder, dimension: str) -> dict[str, Any]:
    answer = await api.get(f"{AGGREGATES}?by={dimension}", headers=by.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def place(engine: AsyncEngine) -> str:
    """A county in which the test is alone: every test has the next one of Jilin."""
    async with engine.begin() as connection:
        taken = await connection.scalar(
            text("select count(*) from mm.profile_version where facts ->> 'region' like '2201%'")
        )
    return f"2201{int(taken or 0) + 1:02}"


async def test_the_others_are_counted(
    api: httpx.AsyncClient, engine: AsyncEngine, released: Released, place: str
) -> None:
    reader = await agency(api, engine, {"regions": [place]})
    before = await aggregates(api, reader, "industry")
    assert (before["firms"], before["cells"], before["counted_at"]) == (0, [], None)
    for industry in ["C3311"] * 7 + ["C3411"] * 6 + ["C3511"] * 2:
        await firm(api, engine, region=place, industries=[industry])
    await counted(engine, released)
    told = await aggregates(api, reader, "industry")
    assert (told["firms"], told["least"]) == (15, 5)
    assert told["cells"] == [{"code": "C33", "firms": 5}, {"code": "C34", "firms": 5}]
    assert (await aggregates(api, reader, "region"))["cells"] == [{"code": "220100", "firms": 15}]
    assert (await aggregates(api, reader, "stage"))["cells"] == []
    # One more, and a moment later: nobody can tell of which kind it is.
    await firm(api, engine, region=place, industries=["C3511"])
    await counted(engine, released)
    again = await aggregates(api, reader, "industry")
    assert (again["firms"], again["cells"]) == (told["firms"], told["cells"])


async def test_what_is_counted_is_not_cut_twice(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    reader = await agency(api, engine, NINGBO)
    for query in ("", "?by=scale,region", "?by=scale&by=region", "?by=scale&region=330282"):
        assert (await api.get(f"{AGGREGATES}{query}", headers=reader.headers)).status_code in {
            400,
            422,
        }


class TestServiceLayerGone:
    """The service layer believes that the agency asks; the database knows who does."""

    async def test_the_database_names_no_firm_to_others(
        self,
        server: Server,
        settings: Settings,
        released: Released,
        engine: AsyncEngine,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        walled = db.create_engine(server.url("mm_app"), settings)
        async with client_of(installed(settings, walled, released)) as api:
            reader = await agency(api, engine, NINGBO)
            made = await firm(api, engine, "share_with_agency")
            assert str(made.organisation_id) in await named(api, reader), "the control"
            stranger = await holder(engine, R.AGENCY)
            monkeypatch.setattr(provided, "_acting", lambda _: stranger.organisation_id)
            assert await named(api, reader) == {}
            assert await profile(api, made, reader) == 404
        await walled.dispose()

    async def test_nor_does_it_to_an_agency_whose_service_layer_lets_everybody_pass(
        self,
        server: Server,
        settings: Settings,
        released: Released,
        engine: AsyncEngine,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        walled = db.create_engine(server.url("mm_app"), settings)
        async with client_of(installed(settings, walled, released)) as api:
            reader = await agency(api, engine, NINGBO)
            silent = await firm(api, engine)
            agreed = await firm(api, engine, "share_with_agency")

            async def anybody(*_: object, **__: object) -> list[object]:
                return [SimpleNamespace(programmes=[])]

            monkeypatch.setattr(service, "firms", anybody)
            assert await profile(api, silent, reader) == 404
            assert await profile(api, agreed, reader) == 200, "the control"
        await walled.dispose()

    async def test_counts_are_read_by_their_agency_and_written_by_nobody(
        self, server: Server, settings: Settings, engine: AsyncEngine
    ) -> None:
        reader = await holder(engine, R.AGENCY)
        stranger = await holder(engine, R.AGENCY)
        insert = text("insert into mm.firm_count values (:id, '', '', 5)")
        async with engine.begin() as connection:
            await connection.execute(insert, {"id": reader.organisation_id})
        seen = {}
        for each in (reader, stranger):
            acting = db.create_engine(server.url("mm_app"), settings, acting=each.organisation_id)
            async with acting.connect() as connection:
                said = text("select count(*) from mm.firm_count where organisation_id = :id")
                seen[each] = await connection.scalar(said, {"id": reader.organisation_id})
                assert await connection.scalar(text("select count(*) from mm.counted_firm")) == 0
                with pytest.raises(Exception, match="row-level security"):
                    await connection.execute(insert, {"id": stranger.organisation_id})
            await acting.dispose()
        assert seen == {reader: 1, stranger: 0}
