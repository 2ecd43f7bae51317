"""Typical scenarios and classes of standards: named, found by, counted, and read by no match."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contract.owned import OFFERING, World, published, sent
from tests.factories import SEEDS
from tests.identities import holder

from matchmaker.catalog.declaration import OfferingDocument
from matchmaker.catalog.facts import declared_facts
from matchmaker.catalog.models import Kind, Visibility
from matchmaker.identity.models import OrganisationRole

DEMO = [
    json.loads(line)
    for path in sorted(SEEDS.glob("demo/offerings-*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
]
TOLD: dict[str, Any] = {
    "scenarios": ["im25", "im26"],
    "standards": [{"class": "B", "sub": "smart_factory"}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(api: httpx.AsyncClient, engine: AsyncEngine) -> World:
    return World(api, engine, await holder(engine, *OrganisationRole))


async def asked(api: httpx.AsyncClient, path: str) -> Any:  # noqa: ANN401
    answer = await api.get(f"/v1{path}", headers={"Accept-Language": "en"})
    assert answer.is_success, answer.text
    return answer.json()


async def counts(api: httpx.AsyncClient, by: str) -> dict[str, int]:
    told = await asked(api, f"/offerings/coverage?by={by}")
    return {"": told["offerings"], **{each["code"]: each["offerings"] for each in told["items"]}}


class TestDemo:
    @pytest.mark.parametrize("code", ["im24", "im28", "im40"])
    async def test_the_count_is_what_the_list_finds(
        self, demo: httpx.AsyncClient, code: str
    ) -> None:
        found = await asked(demo, f"/offerings?scenario={code}&limit=100")
        public = [each for each in DEMO if each.get("visibility", "public") == "public"]
        stated = [each for each in public if code in each.get("scenarios", ())]
        assert len(found["items"]) == len(stated)
        assert (await counts(demo, "scenarios"))[code] == len(stated)

    async def test_every_scenario_is_told_with_its_scene_and_its_name(
        self, demo: httpx.AsyncClient
    ) -> None:
        told = await asked(demo, "/offerings/coverage?by=scenarios")
        assert len(told["items"]) == 40
        assert told["edition"] == "im_2025"
        (one,) = [each for each in told["items"] if each["code"] == "im25"]
        assert (one["name"], one["scene"]) == ("Precise quality tracing", "quality")
        named = [each for each in DEMO if each.get("scenarios")]
        assert told["offerings"] - told["unnamed"] <= len(named)
        assert any(not each["offerings"] for each in told["items"]), "what nobody covers has 0"

    async def test_an_offering_counts_once_for_its_class_and_once_for_its_sub_class(
        self, demo: httpx.AsyncClient
    ) -> None:
        found = await counts(demo, "standards")
        classes = {"A", "B", "C"}
        assert classes <= found.keys()
        for code in classes:
            listed = await asked(demo, f"/offerings?standard={code}&limit=100")
            assert min(len(listed["items"]), 100) == min(found[code], 100)


class TestOfferings:
    async def test_what_is_published_is_counted_and_found(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = [await counts(world.api, by) for by in TOLD]
        monkeypatch.setitem(OFFERING, "scenarios", TOLD["scenarios"])
        monkeypatch.setitem(OFFERING, "standards", TOLD["standards"])
        id_ = await published(world)
        after = [await counts(world.api, by) for by in TOLD]
        more = [
            {code: now[code] - was[code] for code in now if now[code] != was[code]}
            for was, now in zip(before, after, strict=True)
        ]
        assert more == [{"": 1, "im25": 1, "im26": 1}, {"": 1, "B": 1, "smart_factory": 1}]
        told = await asked(world.api, f"/offerings/{id_}")
        assert told["scenarios"] == TOLD["scenarios"]
        assert [each["sub"] for each in told["standards"]] == ["smart_factory"]
        for query, is_found in (
            ("scenario=im25", True),
            ("scenario=im24", False),
            ("standard=B", True),
            ("standard=smart_factory", True),
            ("standard=A", False),
            ("scenario=im26&standard=smart_factory", True),
        ):
            listed = await asked(world.api, f"/offerings?{query}&limit=100")
            assert (id_ in {each["id"] for each in listed["items"]}) is is_found, query

    async def test_what_no_scheme_has_is_refused(self, world: World) -> None:
        body = {**OFFERING, "scenarios": ["im25", "im99"]}
        answer = await world.api.post("/v1/offerings", json=body, headers=world.owner.headers)
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("#/scenarios/1", "unknown_code")

    def test_no_rule_and_no_index_reads_them(self) -> None:
        stated = OfferingDocument(
            kind=Kind.SOLUTION, visibility=Visibility.PUBLIC, scenarios=("im25",), languages=("zh",)
        )
        facts = declared_facts(stated, kind="solution", visibility="public")
        assert facts.keys() == {"kind", "visibility", "languages"}, "languages are the control"


class TestNeeds:
    async def test_a_need_is_found_by_what_it_names(self, world: World) -> None:
        said = {"kind": "solution", "text": "MES", "scenarios": ["im25"], "scenes": ["quality"]}
        made = await sent(world, "POST", "/needs", {**said, "standards": ["smart_factory"]})
        plain = await sent(world, "POST", "/needs", {"kind": "solution"})
        assert made["standards"] == ["smart_factory"]
        for query, is_found in (
            ("scenario=im25", True),
            ("scenario=im24", False),
            ("standard=smart_factory", True),
            ("standard=B", True),
            ("standard=A", False),
            ("standard=testing", False),
        ):
            listed = await sent(world, "GET", f"/needs?{query}&limit=100", None)
            ids = {each["id"] for each in listed["items"]}
            assert (made["id"] in ids) is is_found, query
            assert plain["id"] not in ids

    async def test_everyone_finds_public_ones_so(self, world: World) -> None:
        said = {"kind": "solution", "text": "MES", "scenarios": ["im07"], "title": {"en": "M"}}
        open_ = {**said, "scenes": ["process_design"], "visibility": "public"}
        made = await sent(world, "POST", "/needs", {**open_, "standards": ["A", "testing"]})
        path = f"/needs/{made['id']}/transitions"
        await sent(world, "POST", path, {"transition": "open"})
        for query in ("scenario=im07", "standard=testing", "standard=A"):
            listed = await asked(world.api, f"/needs/public?{query}")
            assert made["id"] in {each["id"] for each in listed["items"]}
        listed = await asked(world.api, "/needs/public?standard=B")
        assert made["id"] not in {each["id"] for each in listed["items"]}

    async def test_what_no_scheme_has_is_refused(self, world: World) -> None:
        body = {"kind": "solution", "standards": ["B", "other"]}
        answer = await world.api.post("/v1/needs", json=body, headers=world.owner.headers)
        assert answer.status_code == 422
