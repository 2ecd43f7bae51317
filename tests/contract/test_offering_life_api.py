"""The life of an offering over HTTP: its owner, an operator, a stranger, and the public."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.factories import offering_line, package_line
from tests.identities import Holder, holder

from matchmaker.core.clock import utc_now
from matchmaker.identity.models import OrganisationRole, OrganisationState

PATCH = {"Content-Type": "application/merge-patch+json"}
TODAY = utc_now().date()
CHINESE = {"Accept-Language": "zh"}


@pytest_asyncio.fixture(loop_scope="session")
async def owner(engine: AsyncEngine) -> Holder:
    return await holder(engine, OrganisationRole.PROVIDER)


@pytest_asyncio.fixture(loop_scope="session")
async def operator(engine: AsyncEngine) -> Holder:
    return await holder(engine, OrganisationRole.OPERATOR)


def stated(**fields: object) -> dict[str, Any]:
    """The body of a new offering: what a line of an import states, its register apart."""
    line = offering_line(
        external_id=f"o-{uuid4().hex[:12]}", attributes={"kind": "solution", "offline": True}
    )
    for name in ("type", "provider", "cases", "record"):
        del line[name]
    return {**line, **fields}


async def drafted(api: httpx.AsyncClient, owner: Holder, **fields: object) -> httpx.Response:
    made = await api.post("/v1/offerings", json=stated(**fields), headers=owner.headers)
    assert made.status_code == 201, made.text
    return made


async def move(
    api: httpx.AsyncClient, who: Holder, path: str, name: str, *, note: str = "", **headers: str
) -> httpx.Response:
    return await api.post(
        f"/v1/offerings/{path}/transitions",
        json={"transition": name, "note": note or None},
        headers={**who.headers, **headers},
    )


async def published(
    api: httpx.AsyncClient, owner: Holder, operator: Holder, **fields: object
) -> str:
    id_: str = (await drafted(api, owner, **fields)).json()["id"]
    assert (await move(api, owner, id_, "submit")).status_code == 200
    assert (await move(api, operator, id_, "publish")).status_code == 200
    return id_


async def edit(
    api: httpx.AsyncClient, who: Holder, id_: str, patch: dict[str, Any], **headers: str
) -> httpx.Response:
    """The answer to ``patch``, on what is there now unless ``headers`` say otherwise."""
    if "If-Match" not in headers:
        now = await api.get(f"/v1/offerings/{id_}/draft", headers=who.headers)
        headers["If-Match"] = now.headers.get("etag", '"1"')
    return await api.patch(
        f"/v1/offerings/{id_}/draft", json=patch, headers={**who.headers, **PATCH, **headers}
    )


class TestDraft:
    async def test_a_draft_is_made_and_read_back(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        body = stated()
        made = await api.post("/v1/offerings", json=body, headers=owner.headers)
        assert made.status_code == 201
        found = made.json()
        assert made.headers["location"] == f"/v1/offerings/{found['id']}/draft"
        assert {name: found[name] for name in ("state", "change", "version")} == {
            "state": "draft",
            "change": None,
            "version": 1,
        }
        assert found["published_version"] is None
        assert found["title"] == body["title"]
        assert found["must"] == body["must"]
        assert found["attributes"]["offline"] is True
        assert [package["code"] for package in found["packages"]] == ["light"]
        read = await api.get(made.headers["location"], headers=owner.headers)
        assert read.json() == found
        assert read.headers["etag"] == made.headers["etag"] == '"1"'

    async def test_nobody_else_sees_it(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: Holder, operator: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        other = await holder(engine, OrganisationRole.PROVIDER)
        agency = await holder(engine, OrganisationRole.AGENCY)
        missing = uuid4()
        for path in ("draft", "transitions", "change/transitions", "versions", "versions/1"):
            for who in (other, agency):
                seen = await api.get(f"/v1/offerings/{id_}/{path}", headers=who.headers)
                none = await api.get(f"/v1/offerings/{missing}/{path}", headers=who.headers)
                told = {k: v for k, v in seen.json().items() if k != "instance"}
                assert told == {k: v for k, v in none.json().items() if k != "instance"}
                assert seen.status_code == none.status_code == 404
        assert (await api.get(f"/v1/offerings/{id_}")).status_code == 404
        assert (await api.get(f"/v1/offerings/{id_}", headers=owner.headers)).status_code == 404
        assert (await edit(api, other, id_, {}, **{"If-Match": '"1"'})).status_code == 404
        assert (await move(api, other, id_, "submit")).status_code == 404
        reviewed = await api.get(f"/v1/offerings/{id_}/draft", headers=operator.headers)
        assert reviewed.status_code == 200

    async def test_it_needs_a_provider_with_the_scope(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        assert (await api.post("/v1/offerings", json=stated())).status_code == 401
        agency = await holder(engine, OrganisationRole.AGENCY)
        refused = await api.post("/v1/offerings", json=stated(), headers=agency.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        operator = await holder(engine, OrganisationRole.OPERATOR)
        refused = await api.post("/v1/offerings", json=stated(), headers=operator.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")

    async def test_every_fault_is_pointed_at(self, api: httpx.AsyncClient, owner: Holder) -> None:
        body = stated(
            categories=["alchemy"],
            regions=["1"],
            attested=(TODAY + dt.timedelta(days=1)).isoformat(),
            attributes={"kind": "talent", "seats": 3},
            must={"field": "profile.moon", "op": "gte", "value": 1},
            packages=[package_line(weeks=[4, 2])],
        )
        refused = await api.post("/v1/offerings", json=body, headers=owner.headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_declaration")
        assert {fault["pointer"]: fault["code"] for fault in refused.json()["errors"]} == {
            "#/categories/0": "unknown_code",
            "#/regions/0": "unknown_code",
            "#/attested": "in_the_future",
            "#/attributes/kind": "other_kind",
            "#/must/field": "invalid_rule",
            "#/packages/0/weeks": "from_after_to",
        }

    @pytest.mark.parametrize(
        "field",
        [
            {"state": "published"},
            {"cases": [{"industry": "C3311", "scenes": ["quality"], "state": "verified"}]},
            {"record": {"accepted": 9, "projects": 9}},
            {"organisation_id": str(uuid4())},
            {"published_version": 1},
            {"version": 7},
            {"revision": 7},
        ],
        ids=lambda field: next(iter(field)),
    )
    async def test_what_is_not_the_owners_to_say_is_refused(
        self, api: httpx.AsyncClient, owner: Holder, field: dict[str, Any]
    ) -> None:
        refused = await api.post("/v1/offerings", json=stated(**field), headers=owner.headers)
        assert refused.status_code == 422
        id_ = (await drafted(api, owner)).json()["id"]
        refused = await edit(api, owner, id_, field)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content")
        assert refused.json()["errors"][0]["code"] == "unknown_field"

    async def test_an_external_id_is_unique_for_its_provider(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: Holder
    ) -> None:
        await drafted(api, owner, external_id="one")
        again = await api.post(
            "/v1/offerings", json=stated(external_id="one"), headers=owner.headers
        )
        assert (again.status_code, again.json()["code"]) == (409, "already_exists")
        await drafted(api, await holder(engine, OrganisationRole.PROVIDER), external_id="one")
        given = await drafted(api, owner, external_id=None)
        assert given.json()["external_id"] == given.json()["id"]


class TestEdit:
    async def test_absent_stays_null_goes_and_packages_are_replaced_whole(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        patch = {
            "title": {"en": None, "zh": "新名"},
            "industries": None,
            "attributes": {"offline": None, "data_export": True},
            "packages": [package_line(code="full"), package_line(code="light", weeks=[1, 1])],
        }
        changed = await edit(api, owner, id_, patch)
        assert changed.status_code == 200, changed.text
        found = changed.json()
        assert (found["version"], changed.headers["etag"]) == (2, '"2"')
        assert found["title"] == {"zh": "新名"}
        assert found["industries"] is None
        assert found["attributes"] == {"kind": "solution", "data_export": True}
        assert found["categories"] == ["qms", "traceability"]
        assert [package["code"] for package in found["packages"]] == ["full", "light"]

    async def test_the_same_again_makes_no_version(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        same = await edit(api, owner, id_, {"categories": ["qms", "traceability"]})
        assert (same.status_code, same.json()["version"], same.headers["etag"]) == (200, 1, '"1"')

    async def test_it_starts_from_what_was_read(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        path = f"/v1/offerings/{id_}/draft"
        blind = await api.patch(path, json={"must": None}, headers={**owner.headers, **PATCH})
        assert (blind.status_code, blind.json()["code"]) == (428, "version_required")
        first = await edit(api, owner, id_, {"must": None}, **{"If-Match": '"1"'})
        assert first.status_code == 200
        late = await edit(api, owner, id_, {"summary": None}, **{"If-Match": '"1"'})
        assert (late.status_code, late.json()["code"]) == (412, "stale_version")
        read = await api.get(path, headers={**owner.headers, "If-None-Match": '"2"'})
        assert read.status_code == 304

    async def test_an_operator_reads_and_does_not_write(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        refused = await edit(api, operator, id_, {"must": None})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")

    async def test_what_is_under_review_keeps_still(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        await move(api, owner, id_, "submit")
        refused = await edit(api, owner, id_, {"must": None})
        assert (refused.status_code, refused.json()["code"]) == (409, "offering_not_editable")
        assert refused.json()["state"] == "in_review"


class TestReview:
    async def test_from_draft_to_the_public_list(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = await published(api, owner, operator)
        seen = await api.get(f"/v1/offerings/{id_}")
        assert (seen.status_code, seen.json()["version"]) == (200, 1)
        assert not seen.json().keys() & {"state", "change", "external_id", "revision"}

    async def test_the_owner_cannot_publish_and_says_who_can(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        await move(api, owner, id_, "submit")
        refused = await move(api, owner, id_, "publish")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_transition")
        assert refused.json()["by"] == ["operator"]

    async def test_four_eyes_an_operator_never_publishes_its_own(
        self, api: httpx.AsyncClient, engine: AsyncEngine, operator: Holder
    ) -> None:
        both = await holder(engine, OrganisationRole.PROVIDER, OrganisationRole.OPERATOR)
        id_ = (await drafted(api, both)).json()["id"]
        assert (await move(api, both, id_, "submit")).status_code == 200
        assert (await move(api, both, id_, "publish")).status_code == 403
        assert (await move(api, operator, id_, "publish")).status_code == 200

    async def test_what_is_missing_is_said_in_both_languages(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        young = await holder(engine, OrganisationRole.PROVIDER, state=OrganisationState.SUBMITTED)
        past = (TODAY - dt.timedelta(days=1)).isoformat()
        made = await drafted(api, young, packages=[], valid_to=past)
        id_ = made.json()["id"]
        path = f"/v1/offerings/{id_}/transitions"
        told = (await api.get(path, headers=young.headers)).json()
        submit = next(each for each in told["transitions"] if each["name"] == "submit")
        assert not submit["possible"]
        reasons = {each["code"]: each["message"] for each in submit["why_not"]}
        assert reasons.keys() == {"provider_not_verified", "missing_package", "validity_past"}
        assert past in reasons["validity_past"]
        chinese = (await api.get(path, headers={**young.headers, **CHINESE})).json()
        submit = next(each for each in chinese["transitions"] if each["name"] == "submit")
        assert "服务商尚未通过核实" in [each["message"] for each in submit["why_not"]]
        refused = await move(api, young, id_, "submit")
        assert (refused.status_code, refused.json()["code"]) == (409, "transition_hindered")
        assert {e["pointer"] for e in refused.json()["errors"]} == {
            "#/provider",
            "#/packages",
            "#/valid_to",
        }

    async def test_a_step_out_of_another_state_says_where_it_stands(
        self, api: httpx.AsyncClient, owner: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        refused = await move(api, owner, id_, "pause")
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
        assert refused.json()["state"] == "draft"
        unknown = await move(api, owner, id_, "fly")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_transition")

    async def test_an_operator_may_insist_on_what_was_read(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = (await drafted(api, owner)).json()["id"]
        await move(api, owner, id_, "submit")
        seen = await api.get(f"/v1/offerings/{id_}/draft", headers=operator.headers)
        await move(api, owner, id_, "withdraw")
        await edit(api, owner, id_, {"title": {"en": "Something else"}})
        await move(api, owner, id_, "submit")
        tag = {"If-Match": seen.headers["etag"]}
        refused = await move(api, operator, id_, "publish", **tag)
        assert (refused.status_code, refused.json()["code"]) == (412, "stale_version")
        assert (await move(api, operator, id_, "publish")).status_code == 200


class TestChange:
    async def test_what_is_published_stays_until_the_change_is_accepted(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = await published(api, owner, operator)
        changed = (await edit(api, owner, id_, {"title": {"en": "Better"}})).json()
        assert [changed[name] for name in ("state", "change", "version", "published_version")] == [
            "published",
            "draft",
            2,
            1,
        ]

        async def public() -> str:
            found: str = (await api.get(f"/v1/offerings/{id_}")).json()["title"]["en"]
            return found

        before = await public()
        assert (await move(api, owner, f"{id_}/change", "submit")).status_code == 200
        assert (await edit(api, owner, id_, {"must": None})).status_code == 409
        assert (await move(api, owner, f"{id_}/change", "accept")).status_code == 403
        why = "Which machines does it read?"
        asked = await move(api, operator, f"{id_}/change", "request_changes", note=why)
        assert asked.json()["state"] == "changes_requested"
        read = await api.get(f"/v1/offerings/{id_}/draft", headers=owner.headers)
        assert read.json()["note"] == why
        assert (await edit(api, owner, id_, {"title": {"en": "Best"}})).status_code == 200
        assert (await move(api, owner, f"{id_}/change", "submit")).status_code == 200
        assert await public() == before
        accepted = await move(api, operator, f"{id_}/change", "accept")
        assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
        assert await public() == "Best"
        now = (await api.get(f"/v1/offerings/{id_}/draft", headers=owner.headers)).json()
        assert (now["version"], now["published_version"], now["change"]) == (3, 3, "accepted")

    async def test_a_change_can_be_dropped(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = await published(api, owner, operator)
        none = await move(api, owner, f"{id_}/change", "submit")
        assert (none.status_code, none.json()["code"]) == (404, "change_not_found")
        await edit(api, owner, id_, {"visibility": "pool"})
        assert (await api.get(f"/v1/offerings/{id_}")).status_code == 200
        assert (await move(api, owner, f"{id_}/change", "discard")).status_code == 200
        now = (await api.get(f"/v1/offerings/{id_}/draft", headers=owner.headers)).json()
        assert (now["version"], now["visibility"]) == (1, "public")
        nothing = await api.get(f"/v1/offerings/{id_}/change/transitions", headers=owner.headers)
        assert not [each for each in nothing.json()["transitions"] if each["possible"]]


class TestVersions:
    async def test_they_are_listed_read_and_compared(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        id_ = await published(api, owner, operator)
        light = package_line(weeks=[1, 1])
        patch = {"title": {"en": "Next"}, "packages": [package_line(code="full"), light]}
        await edit(api, owner, id_, patch)
        base = f"/v1/offerings/{id_}/versions"
        first = (await api.get(base, params={"limit": 1}, headers=owner.headers)).json()
        cursor = {"cursor": first["page"]["next"], "limit": 1}
        second = (await api.get(base, params=cursor, headers=owner.headers)).json()
        listed = [*first["items"], *second["items"]]
        assert [(v["number"], v["is_published"], v["is_draft"]) for v in listed] == [
            (1, True, False),
            (2, False, True),
        ]
        one = (await api.get(f"{base}/1", headers=owner.headers)).json()
        assert one["title"]["en"] != "Next"
        compared = await api.get(f"{base}/2/diff", params={"from": 1}, headers=owner.headers)
        changes = {c["pointer"]: (c["before"], c["after"]) for c in compared.json()["changes"]}
        assert changes["#/title/en"] == (one["title"]["en"], "Next")
        assert changes["#/packages/light/weeks"] == ([2, 4], [1, 1])
        assert changes["#/packages/full"][0] is None
        assert len(changes) == 3
        missing = await api.get(f"{base}/3", headers=owner.headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "offering_version_not_found")

    async def test_the_own_list_holds_every_state(
        self, api: httpx.AsyncClient, engine: AsyncEngine, owner: Holder, operator: Holder
    ) -> None:
        live = await published(api, owner, operator)
        draft = (await drafted(api, owner)).json()["id"]
        path = f"/v1/providers/{owner.organisation_id}/offerings"
        for who in (owner, operator):
            found = (await api.get(path, headers=who.headers)).json()
            assert [each["id"] for each in found["items"]] == [live, draft]
        some = (await api.get(path, params={"state": "draft"}, headers=owner.headers)).json()
        assert [each["id"] for each in some["items"]] == [draft]
        other = await holder(engine, OrganisationRole.PROVIDER)
        refused = await api.get(path, headers=other.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "provider_not_found")


class TestSupplyCard:
    async def test_it_is_stated_read_and_changed(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        young = await holder(engine, OrganisationRole.PROVIDER, state=OrganisationState.DRAFT)
        path = f"/v1/providers/{young.organisation_id}"
        card = {"summary": {"en": "We trace"}, "website": "https://example.org"}
        first = await api.put(path, json=card, headers=young.headers)
        assert (first.status_code, first.headers["etag"]) == (201, '"1"')
        assert (await api.put(path, json=card, headers=young.headers)).status_code == 428
        tag = {"If-Match": '"1"'}
        changed = await api.patch(
            path, json={"website": None}, headers={**young.headers, **PATCH, **tag}
        )
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
        assert changed.json()["website"] is None
        assert changed.json()["summary"] == {"en": "We trace"}
        assert (await api.put(path, json=card, headers={**young.headers, **tag})).status_code == 412
        assert (await api.get(path)).status_code == 404
        assert (await api.get(path, headers=young.headers)).json() == changed.json()

    async def test_nobody_writes_anothers(
        self, api: httpx.AsyncClient, owner: Holder, operator: Holder
    ) -> None:
        path = f"/v1/providers/{uuid4()}"
        refused = await api.put(path, json={}, headers=owner.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "provider_not_found")
        refused = await api.put(path, json={}, headers=operator.headers)
        assert refused.json()["code"] == "role_missing"
        odd = {"website": "ftp://example.org"}
        refused = await api.put(
            f"/v1/providers/{owner.organisation_id}", json=odd, headers=owner.headers
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_declaration")
