"""The taxonomy over HTTP, served through the real composition root without a database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy.ext.asyncio import create_async_engine
from tests.conftest import client_of

from matchmaker.app import create_app
from matchmaker.core.settings import Settings
from matchmaker.taxonomy.controllers import CONTROLLERS
from matchmaker.taxonomy.registry import Taxonomy, load

SEEDS = Path(__file__).parents[2] / "seeds" / "taxonomy"
NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
ENGLISH, CHINESE = {"accept-language": "en"}, {"accept-language": "zh-CN,zh;q=0.9"}


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load(SEEDS)


@pytest.fixture(scope="module")
def app(taxonomy: Taxonomy, settings: Settings) -> Litestar:
    def provide_taxonomy() -> Taxonomy:
        return taxonomy

    # The engine is never asked: these operations need no database.
    return create_app(
        settings,
        create_async_engine(NOWHERE),
        controllers=CONTROLLERS,
        dependencies={"taxonomy": Provide(provide_taxonomy, sync_to_thread=False)},
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made


async def read(api: httpx.AsyncClient, path: str, **parameters: str | int) -> dict[str, Any]:
    response = await api.get(f"/v1{path}", params=parameters, headers=ENGLISH)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_the_overview_names_every_table_and_its_version(
    api: httpx.AsyncClient, taxonomy: Taxonomy
) -> None:
    found = await read(api, "/taxonomy")
    assert found["version"] == taxonomy.version
    assert found["digest"] == f"sha256:{taxonomy.digest}"
    assert [scheme["code"] for scheme in found["schemes"]] == list(taxonomy.schemes)
    assert {rule["code"] for rule in found["scale_schemes"]} == set(taxonomy.scales)
    assert found["questionnaires"][0]["code"] == "cn_miit_sme_2024"
    one = next(scheme for scheme in found["schemes"] if scheme["code"] == "gbt_4754_2017")
    assert one["size"] == 1971
    assert one["edition"] == "2017"
    assert one["valid_from"] is None


async def test_every_table_can_be_read(api: httpx.AsyncClient, taxonomy: Taxonomy) -> None:
    for code, scheme in taxonomy.schemes.items():
        found = await read(api, f"/taxonomy/{code}")
        assert [entry["code"] for entry in found["entries"]] == list(scheme.entries)
        assert all(entry["label"] for entry in found["entries"])


async def test_the_codes_right_below_one_can_be_asked_for(api: httpx.AsyncClient) -> None:
    found = await read(api, "/taxonomy/gbt_4754_2017", parent="C33")
    assert {entry["parent"] for entry in found["entries"]} == {"C33"}
    families = await read(api, "/taxonomy/solution_category", parent="quality")
    assert families["parents"] == "solution_family"
    assert "qms" in {entry["code"] for entry in families["entries"]}


@pytest.mark.parametrize("spelling", ["C3311", "3311", "c3311"])
async def test_an_industry_is_shown_with_its_surroundings(
    api: httpx.AsyncClient, spelling: str
) -> None:
    found = await read(api, f"/taxonomy/gbt_4754_2017/{spelling}")
    assert found["entry"]["code"] == "C3311"
    assert found["entry"]["labels"] == {"zh": "金属结构制造", "en": None}
    assert found["entry"]["label"] == "Structural metal products (C3311)"
    assert [above["code"] for above in found["ancestors"]] == ["C331", "C33", "C"]
    assert [(link["scheme"], link["code"], link["of"]) for link in found["links"]] == [
        ("isic_rev4", "2511", "C331")
    ]


async def test_a_family_shows_its_categories_and_a_category_its_family(
    api: httpx.AsyncClient,
) -> None:
    family = await read(api, "/taxonomy/solution_family/quality")
    assert ("solution_category", "qms") in {
        (below["scheme"], below["code"]) for below in family["children"]
    }
    category = await read(api, "/taxonomy/solution_category/qms")
    assert [above["scheme"] for above in category["ancestors"]] == ["solution_family"]


async def test_a_scene_shows_its_levels_and_categories(api: httpx.AsyncClient) -> None:
    found = await read(api, "/taxonomy/sme_scene/quality")
    assert found["entry"]["extra"]["binding"] is True
    assert len(found["entry"]["extra"]["levels"]) == 4
    assert {link["code"] for link in found["links"]} >= {"qms", "spc", "traceability"}


async def test_a_region_may_be_given_by_its_first_digits(api: httpx.AsyncClient) -> None:
    found = await read(api, "/taxonomy/gbt_2260/2102")
    assert found["entry"]["label"] == "Dalian"


async def test_suggestions_are_found_in_both_languages_and_shown_in_the_asked_one(
    api: httpx.AsyncClient,
) -> None:
    english = await read(api, "/taxonomy/suggest", q="排产", limit=1)
    assert english["items"][0]["code"] == "planning_scheduling"
    assert english["items"][0]["label"] == "Planning and scheduling"
    assert english["items"][0]["within"] == "Production execution"
    chinese = await api.get("/v1/taxonomy/suggest", params={"q": "Dalian"}, headers=CHINESE)
    assert chinese.json()["items"][0]["label"] == "大连市"
    assert chinese.headers["content-language"] == "zh"


async def test_suggestions_can_be_kept_to_one_scheme(api: httpx.AsyncClient) -> None:
    found = await read(api, "/taxonomy/suggest", q="3311", scheme="isic_rev4")
    assert [item["scheme"] for item in found["items"]] == ["isic_rev4"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/taxonomy/colour", 404, "scheme_not_found"),
        ("/taxonomy/scale/huge", 404, "code_not_found"),
        ("/taxonomy/gbt_4754_2017/9999", 404, "code_not_found"),
        ("/taxonomy/suggest?q=x&scheme=colour", 404, "scheme_not_found"),
        ("/taxonomy/suggest?q=x&limit=51", 422, "invalid_content"),
        ("/taxonomy/suggest?q=", 422, "invalid_content"),
        ("/taxonomy/suggest", 422, "invalid_content"),
        ("/questionnaires/horoscope", 404, "questionnaire_not_found"),
    ],
)
async def test_what_is_not_there_is_a_named_problem(
    api: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    for headers in (ENGLISH, CHINESE):
        response = await api.get(f"/v1{path}", headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)


async def test_the_size_comes_with_its_reasons(api: httpx.AsyncClient) -> None:
    body = {
        "employees": 86,
        "revenue": {"amount": 3_200_000_000, "currency": "CNY"},
        "industry": "3311",
    }
    response = await api.post("/v1/scale", json=body, headers=CHINESE)
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["scale"], found["label"], found["basis"]) == ("small", "小型", "computed")
    assert found["missing"] == []
    assert found["sector"]["code"] == "industry"
    assert [indicator["scale"] for indicator in found["indicators"]] == ["small", "medium"]
    assert found["explanation"][-1] == "综合判定：小型。"


async def test_a_missing_figure_is_said_and_not_guessed(api: httpx.AsyncClient) -> None:
    response = await api.post("/v1/scale", json={"employees": 150, "industry": "C3670"})
    found = response.json()
    assert (found["scale"], found["basis"], found["bound"]) == ("small", "estimated", "at_most")
    assert found["missing"] == ["revenue"]
    empty = (await api.post("/v1/scale", json={})).json()
    assert (empty["scale"], empty["basis"], empty["missing"]) == (None, "unknown", ["industry"])


async def test_the_european_rule_can_be_asked_for(api: httpx.AsyncClient) -> None:
    body = {
        "employees": 49,
        "revenue": {"amount": 1_000_000_000, "currency": "EUR"},
        "scheme": "eu_2003_361",
    }
    found = (await api.post("/v1/scale", json=body)).json()
    assert (found["scale"], found["basis"], found["missing"]) == ("small", "computed", ["assets"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"industry": "9999"}, "#/industry"),
        ({"scheme": "martian"}, "#/scheme"),
        ({"employees": -1}, "#/employees"),
        ({"employees": True}, "#/employees"),
        ({"revenue": {"amount": 1.5, "currency": "CNY"}}, "#/revenue/amount"),
        ({"workers": 3}, "#/workers"),
    ],
)
async def test_impossible_figures_are_refused_at_their_place(
    api: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    response = await api.post("/v1/scale", json=body, headers=ENGLISH)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_the_questionnaire_is_complete(api: httpx.AsyncClient) -> None:
    assert [one["code"] for one in (await read(api, "/questionnaires"))["items"]] == [
        "cn_miit_sme_2024"
    ]
    found = await read(api, "/questionnaires/cn_miit_sme_2024")
    assert [len(part["questions"]) for part in found["parts"]] == [7, 4, 4]
    assert sum(float(part["points"]) for part in found["parts"]) == 100
    assert len(found["scenes"]) == 16
    assert sum(scene["is_binding"] for scene in found["scenes"]) == 10
    assert all(len(scene["levels"]) == 4 for scene in found["scenes"])
    assert [rule["level"] for rule in found["levels"]] == [4, 3, 2, 1]
    bands = found["parts"][0]["questions"][1]["bands"]
    assert bands[1] == {"upper": "20", "points": "1.5"}


async def test_no_answer_mixes_the_languages(api: httpx.AsyncClient) -> None:
    english = await read(api, "/questionnaires/cn_miit_sme_2024")
    for part in english["parts"]:
        for question in part["questions"]:
            labels = [question["label"], *(option["label"] for option in question["options"])]
            assert all(label.isascii() for label in labels)


def test_every_operation_is_described(app: Litestar) -> None:
    paths = app.openapi_schema.to_schema()["paths"]
    operations = {
        operation["operationId"]: operation
        for path, methods in paths.items()
        if path.startswith(("/v1/taxonomy", "/v1/scale", "/v1/questionnaires"))
        for operation in methods.values()
    }
    assert set(operations) == {
        "getTaxonomy",
        "suggestCodes",
        "getScheme",
        "getCode",
        "computeScale",
        "listQuestionnaires",
        "getQuestionnaire",
    }
    assert all(operation["description"] for operation in operations.values())
    assert "404" in operations["getCode"]["responses"]
    assert "422" in operations["computeScale"]["responses"]
