"""The catalog over HTTP, as a newcomer without an account sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.factories import (
    jsonl,
    offering_line,
    package_line,
    provider_line,
    taxonomy,
    tokenizer,
)

from matchmaker.app import create_app
from matchmaker.catalog.controllers import OfferingController, ProviderController
from matchmaker.catalog.importing import import_file
from matchmaker.core import openapi
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.settings import Settings

CONTROLLERS = (OfferingController, ProviderController)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(engine: AsyncEngine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(settings, engine, controllers=CONTROLLERS)) as made:
        yield made


@pytest.fixture
def owner() -> str:
    return f"p-{uuid4().hex[:12]}"


async def publish(engine: AsyncEngine, owner: str, *offerings: dict[str, Any]) -> None:
    lines = [offering_line(provider=owner, **fields) for fields in offerings]
    async with AsyncSession(engine) as made, made.begin():
        session = Session(ReadSession(made))
        stream = jsonl(provider_line(external_id=owner), *lines)
        report = await import_file(session, stream, taxonomy(), tokenizer())
        assert report.is_written, report.faults


async def ids(engine: AsyncEngine, owner: str) -> dict[str, UUID]:
    """Ids of a provider's offerings by external id."""
    async with AsyncSession(engine) as session:
        rows = await session.execute(
            text(
                "select o.external_id, o.id from mm.offering o join mm.organisation p"
                " on p.id = o.organisation_id where p.external_id = :o"
            ),
            {"o": owner},
        )
        return {row[0]: row[1] for row in rows}


async def everything(api: httpx.AsyncClient, path: str, **query: str | int) -> list[dict[str, Any]]:
    """The items of all pages."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = (
            await api.get(path, params={**query, **({"cursor": cursor} if cursor else {})})
        ).json()
        items += page["items"]
        cursor = page["page"]["next"]
        if cursor is None:
            return items


class TestListOfferings:
    async def test_it_shows_what_everyone_may_know(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, {})
        id_ = (await ids(engine, owner))["ph-trace"]
        (item,) = [i for i in await everything(api, "/v1/offerings") if i["id"] == str(id_)]
        assert item.pop("provider")["name"] == {"zh": "松鹭软件", "en": "Pine Heron Software"}
        assert item == {
            "id": str(id_),
            "version": 1,
            "kind": "solution",
            "title": {"zh": "小厂质量追溯", "en": "Quality traceability for small works"},
            "summary": offering_line()["summary"],
            "categories": ["qms", "traceability"],
            "industries": ["C33", "C3670"],
            "regions": ["210200", "220000"],
            "delivery_form": "saas",
            "attested": "2026-10-01",
        }

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ({"kind": "talent"}, {"talent"}),
            ({"category": "mes"}, {"mes"}),
            ({"category": "cad_cae"}, set()),
            ({"industry": "C3311"}, {"talent", "mes", "everywhere"}),
            ({"industry": "C33"}, {"talent", "mes", "everywhere"}),
            ({"industry": "C"}, {"mes", "everywhere"}),
            ({"industry": "A"}, {"everywhere"}),
            ({"region": "210200"}, {"talent", "mes", "everywhere"}),
            ({"region": "210000"}, {"mes", "everywhere"}),
            ({"region": "330000"}, {"everywhere"}),
            ({"region": "210200", "kind": "solution"}, {"mes", "everywhere"}),
        ],
    )
    async def test_it_is_narrowed_by_what_offerings_declare(
        self,
        api: httpx.AsyncClient,
        engine: AsyncEngine,
        owner: str,
        query: dict[str, str],
        shown: set[str],
    ) -> None:
        unknown = {"industries": None, "regions": None, "categories": None}
        await publish(
            engine,
            owner,
            {
                "external_id": "talent",
                "kind": "talent",
                "attributes": None,
                "industries": ["C33"],
                "regions": ["210200"],
            },
            {
                "external_id": "mes",
                "categories": ["mes"],
                "industries": ["C"],
                "regions": ["210000"],
            },
            {"external_id": "everywhere", "industries": ["all"], "regions": ["all"]},
            {"external_id": "silent", **unknown},
        )
        known = {str(id_): name for name, id_ in (await ids(engine, owner)).items()}
        found = await everything(api, "/v1/offerings", limit=100, **query)
        assert {known[item["id"]] for item in found if item["id"] in known} == shown

    async def test_pages_follow_one_another_without_gap_or_repetition(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, *({"external_id": f"o{n}"} for n in range(7)))
        whole = [item["id"] for item in await everything(api, "/v1/offerings", limit=100)]
        by_three = [item["id"] for item in await everything(api, "/v1/offerings", limit=3)]
        assert by_three == whole
        assert len(set(whole)) == len(whole) >= 7

    async def test_a_cursor_of_other_filters_is_a_bad_request(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, *({"external_id": f"o{n}"} for n in range(3)))
        page = (await api.get("/v1/offerings", params={"limit": 1})).json()["page"]
        for query in ({"kind": "talent", "cursor": page["next"]}, {"cursor": "nonsense"}):
            answer = await api.get("/v1/offerings", params=query)
            assert answer.status_code == 400
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert answer.json()["code"] == "cursor_invalid"

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 101},
            {"limit": "many"},
            {"kind": "policy"},
            {"industry": "33"},
            {"region": "liaoning"},
            {"colour": "red"},
        ],
    )
    async def test_a_wrong_parameter_is_a_problem(
        self, api: httpx.AsyncClient, query: dict[str, Any]
    ) -> None:
        answer = await api.get("/v1/offerings", params=query)
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"].startswith("application/problem+json")


class TestGetOffering:
    async def test_it_tells_all_that_is_declared_and_public(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, {"packages": [package_line(), package_line(code="heavy")]})
        id_ = (await ids(engine, owner))["ph-trace"]
        found = (await api.get(f"/v1/offerings/{id_}")).json()
        line = offering_line()
        for name in ("title", "summary", "industries", "must", "record", "cases", "standards"):
            assert found[name] == line[name]
        assert found["attributes"] == {"kind": "solution", **line["attributes"]}
        assert [package["code"] for package in found["packages"]] == ["light", "heavy"]
        assert found["packages"][0]["price"]["parts"][0] == {"part": "yearly", "amount": 1_800_000}
        assert found["packages"][0]["levels"] == {"quality": [0, 2], "equipment": None}
        assert not found.keys() & {"external_id", "organisation_id", "visibility", "tokens"}

    @pytest.mark.parametrize(
        "fields",
        [
            {"visibility": "pool"},
            {"valid_to": "2020-01-01"},
            {"valid_from": "2999-01-01"},
        ],
    )
    async def test_what_is_not_public_or_not_live_is_not_found(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str, fields: dict[str, Any]
    ) -> None:
        await publish(engine, owner, fields)
        id_ = (await ids(engine, owner))["ph-trace"]
        answer = await api.get(f"/v1/offerings/{id_}")
        assert (answer.status_code, answer.json()["code"]) == (404, "offering_not_found")
        assert str(id_) not in {item["id"] for item in await everything(api, "/v1/offerings")}

    async def test_the_day_itself_is_within_its_dates(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        day = dt.datetime.now(dt.UTC).date()
        near = {"valid_from": str(day), "valid_to": str(day + dt.timedelta(days=1))}
        await publish(engine, owner, near)
        id_ = (await ids(engine, owner))["ph-trace"]
        assert (await api.get(f"/v1/offerings/{id_}")).status_code == 200

    @pytest.mark.parametrize("state", ["paused", "suspended", "retired", "draft"])
    async def test_what_is_not_published_is_not_found(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str, state: str
    ) -> None:
        await publish(engine, owner, {})
        id_ = (await ids(engine, owner))["ph-trace"]
        async with engine.begin() as connection:
            await connection.execute(
                text("update mm.offering set state = :s where id = :id"), {"s": state, "id": id_}
            )
        assert (await api.get(f"/v1/offerings/{id_}")).status_code == 404

    async def test_an_unknown_id_is_not_found(self, api: httpx.AsyncClient) -> None:
        answer = await api.get(f"/v1/offerings/{uuid4()}")
        assert answer.json()["code"] == "offering_not_found"


class TestProviders:
    async def test_a_provider_is_listed_and_read(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, {})
        id_ = (await ids(engine, owner))["ph-trace"]
        provider = (await api.get(f"/v1/offerings/{id_}")).json()["provider"]["id"]
        found = (await api.get(f"/v1/providers/{provider}")).json()
        assert found == {
            "id": provider,
            "name": {"zh": "松鹭软件", "en": "Pine Heron Software"},
            "provider_kind": "software_vendor",
            "region": "210200",
            "summary": {"zh": "小厂质量软件", "en": "Quality software for small works"},
            "website": None,
        }
        assert found in await everything(api, "/v1/providers", limit=1)

    async def test_a_suspended_provider_is_gone_with_its_offerings(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, {})
        id_ = (await ids(engine, owner))["ph-trace"]
        provider = (await api.get(f"/v1/offerings/{id_}")).json()["provider"]["id"]
        async with engine.begin() as connection:
            await connection.execute(
                text("update mm.organisation set state = 'suspended' where external_id = :o"),
                {"o": owner},
            )
        assert (await api.get(f"/v1/offerings/{id_}")).status_code == 404
        answer = await api.get(f"/v1/providers/{provider}")
        assert (answer.status_code, answer.json()["code"]) == (404, "provider_not_found")

    async def test_a_cursor_of_another_list_is_a_bad_request(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: str
    ) -> None:
        await publish(engine, owner, *({"external_id": f"o{n}"} for n in range(2)))
        page = (await api.get("/v1/offerings", params={"limit": 1})).json()["page"]
        answer = await api.get("/v1/providers", params={"cursor": page["next"]})
        assert answer.status_code == 400


async def test_the_operations_are_described(engine: AsyncEngine, settings: Settings) -> None:
    described = openapi.document(create_app(settings, engine, controllers=CONTROLLERS))
    paths = described["paths"]
    assert {operation["operationId"] for path in paths.values() for operation in path.values()} >= {
        "listOfferings",
        "getOffering",
        "listProviders",
        "getProvider",
    }
    assert "404" in paths["/v1/offerings/{offering_id}"]["get"]["responses"]
    assert "400" in paths["/v1/offerings"]["get"]["responses"]
