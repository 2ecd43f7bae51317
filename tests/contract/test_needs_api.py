"""Stored needs as callers meet them: whose they are, how they change, how they live."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.identities import Holder, holder
from tests.needs import CALL, draft

from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole

PATCH = "application/merge-patch+json"
MISSING = "0192c000-0000-7000-8000-000000000000"


@dataclasses.dataclass
class Caller:
    """Somebody with a key, or nobody."""

    client: httpx.AsyncClient
    holder: Holder | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.holder is None else self.holder.headers

    @property
    def id(self) -> str:
        assert self.holder is not None
        return str(self.holder.organisation_id)

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> httpx.Response:
        at = f"/v1/needs{path}"
        return await self.client.get(at, headers=self.headers, params=params)

    async def post(self, path: str, body: object) -> httpx.Response:
        return await self.client.post(f"/v1/needs{path}", json=body, headers=self.headers)

    async def patch(self, path: str, body: object, etag: str | None) -> httpx.Response:
        headers = {**self.headers, "Content-Type": PATCH}
        if etag is not None:
            headers["If-Match"] = etag
        return await self.client.patch(f"/v1/needs{path}", json=body, headers=headers)

    async def put(self, path: str) -> httpx.Response:
        return await self.client.put(f"/v1/needs{path}", headers=self.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(f"/v1/needs{path}", headers=self.headers)

    async def need(self, **stated: object) -> str:
        answer = await self.post("", draft(**stated))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def opened(self, **stated: object) -> str:
        id_ = await self.need(**stated)
        assert (await self.step(id_, "open")).status_code == 200
        return id_

    async def step(self, id_: str, name: str) -> httpx.Response:
        return await self.post(f"/{id_}/transitions", {"transition": name})


@pytest_asyncio.fixture(loop_scope="session")
async def firm(api: httpx.AsyncClient, engine: AsyncEngine) -> Caller:
    return Caller(api, await holder(engine))


@pytest_asyncio.fixture(loop_scope="session")
async def other(api: httpx.AsyncClient, engine: AsyncEngine) -> Caller:
    return Caller(api, await holder(engine))


@pytest_asyncio.fixture(loop_scope="session")
async def provider(api: httpx.AsyncClient, engine: AsyncEngine) -> Caller:
    return Caller(api, await holder(engine, OrganisationRole.PROVIDER))


@pytest_asyncio.fixture(loop_scope="session")
async def operator(api: httpx.AsyncClient, engine: AsyncEngine) -> Caller:
    return Caller(api, await holder(engine, OrganisationRole.OPERATOR))


@pytest.fixture
def nobody(api: httpx.AsyncClient) -> Caller:
    return Caller(api)


def codes(answer: httpx.Response) -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}


class TestCreate:
    async def test_a_new_need_is_a_draft_of_its_firm(self, firm: Caller) -> None:
        answer = await firm.post("", draft(external_id="weld-1"))
        assert answer.status_code == 201
        assert answer.headers["ETag"] == '"1"'
        need = answer.json()
        assert (need["state"], need["version"], need["visibility"]) == ("draft", 1, "private")
        assert (need["organisation_id"], need["external_id"]) == (firm.id, "weld-1")
        assert need["withheld"] == []
        assert (await firm.get(f"/{need['id']}")).json() == need

    async def test_scenarios_stand_as_stated_and_as_scenes(self, firm: Caller) -> None:
        need = (await firm.get(f"/{await firm.need()}")).json()
        assert need["scenarios"] == ["im24", "im28"]
        assert need["scenes"] == ["quality"]
        assert need["all_scenes"] == ["quality", "equipment"]

    @pytest.mark.parametrize("kind", ["solution", "advisory", "research", "talent", "finance"])
    async def test_the_kind_is_enough(self, firm: Caller, kind: str) -> None:
        assert (await firm.post("", {"kind": kind})).status_code == 201

    @pytest.mark.asvs("V2.2.3")
    @pytest.mark.parametrize(
        ("stated", "at"),
        [
            ({"scenes": ["magic"]}, {"#/scenes/0": "unknown_code"}),
            ({"scenarios": ["im99"]}, {"#/scenarios/0": "unknown_code"}),
            ({"region": "999999"}, {"#/region": "unknown_code"}),
            (
                {"must": {"field": "nothing", "op": "in", "value": ["x"]}},
                {"#/must/field": "invalid_rule"},
            ),
            ({"visibility": "pool"}, {"#/pools": "missing_pools"}),
            ({"pools": ["p"]}, {"#/pools": "pools_without_effect"}),
        ],
    )
    async def test_what_names_nothing_is_refused(
        self, firm: Caller, stated: dict[str, object], at: dict[str, str]
    ) -> None:
        answer = await firm.post("", draft(**stated))
        assert (answer.status_code, answer.json()["code"]) == (422, "unusable_input")
        assert codes(answer) == at

    @pytest.mark.parametrize(
        "more",
        [
            {"id": MISSING},
            {"organisation_id": MISSING},
            {"state": "open"},
            {"revision": 7},
            {"version": 7},
            {"opened_at": "2026-01-01T00:00:00Z"},
        ],
    )
    async def test_what_is_not_the_callers_to_say_is_refused(
        self, firm: Caller, more: dict[str, object]
    ) -> None:
        answer = await firm.post("", {**draft(), **more})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_content")
        id_ = await firm.need()
        answer = await firm.patch(f"/{id_}", more, '"1"')
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_content")

    async def test_an_external_id_names_one_need_of_a_firm(
        self, firm: Caller, other: Caller
    ) -> None:
        name = f"n-{uuid4().hex[:8]}"
        first = await firm.need(external_id=name)
        again = await firm.post("", draft(external_id=name))
        assert (again.status_code, again.json()["code"]) == (409, "need_external_id_taken")
        assert again.json()["need_id"] == first
        assert await other.need(external_id=name) != first

    async def test_it_takes_a_key_with_the_scope(
        self, api: httpx.AsyncClient, engine: AsyncEngine, nobody: Caller, provider: Caller
    ) -> None:
        assert (await nobody.post("", draft())).status_code == 401
        assert (await provider.post("", draft())).json()["code"] == "scope_missing"
        reader = Caller(api, await holder(engine, scopes=frozenset({Scope.NEEDS_READ})))
        assert (await reader.post("", draft())).status_code == 403


class TestRead:
    async def test_a_need_of_somebody_else_is_like_none(
        self, firm: Caller, other: Caller, provider: Caller, nobody: Caller
    ) -> None:
        for stated in ({}, {"visibility": "public"}, {"visibility": "pool", "pools": ["p"]}):
            hidden = await firm.need(**stated)
            for caller in (other, provider, nobody):
                assert alike(await caller.get(f"/{hidden}"), await caller.get(f"/{MISSING}"))

    @pytest.mark.parametrize("path", ["/versions", "/versions/1", "/members", "/transitions"])
    async def test_what_belongs_to_it_is_hidden_with_it(
        self, firm: Caller, other: Caller, path: str
    ) -> None:
        for hidden in (await firm.need(), await firm.opened(visibility="public")):
            answer = await other.get(f"/{hidden}{path}")
            assert answer.status_code == 404
            assert alike(answer, await other.get(f"/{MISSING}{path}"))

    async def test_nobody_else_changes_it_or_learns_of_it(
        self, firm: Caller, other: Caller, operator: Caller
    ) -> None:
        for hidden in (await firm.need(), await firm.opened(visibility="public")):
            for caller in (other, operator):
                answer = await caller.patch(f"/{hidden}", {"text": "x"}, '"1"')
                assert answer.status_code == 404
                assert alike(answer, await caller.patch(f"/{MISSING}", {"text": "x"}, '"1"'))
            assert alike(await other.step(hidden, "open"), await other.step(MISSING, "open"))
            at = f"/members/{other.id}"
            assert alike(await other.put(f"/{hidden}{at}"), await other.put(f"/{MISSING}{at}"))

    @pytest.mark.asvs("V8.2.3", "V15.3.1")
    async def test_an_open_public_need_is_told_without_its_owner(
        self, firm: Caller, provider: Caller, nobody: Caller, operator: Caller
    ) -> None:
        id_ = await firm.opened(visibility="public", external_id=f"n-{uuid4().hex[:8]}")
        for caller in (provider, nobody):
            answer = await caller.get(f"/{id_}")
            assert answer.status_code == 200
            told = answer.json()
            hidden = ["budget", "external_id", "note", "organisation_id", "pools"]
            assert told["withheld"] == hidden
            assert [told[name] for name in hidden] == [None] * 5
            assert told["title"] == draft()["title"]
            assert firm.id not in answer.text
            assert "ETag" not in answer.headers
        for caller in (firm, operator):
            whole = (await caller.get(f"/{id_}")).json()
            assert (whole["organisation_id"], whole["withheld"]) == (firm.id, [])
            assert whole["budget"] == draft()["budget"]

    async def test_a_key_without_the_scope_reads_like_nobody(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        owner = Caller(api, await holder(engine, scopes=frozenset({Scope.NEEDS_WRITE})))
        id_ = await owner.need()
        assert (await owner.get(f"/{id_}")).status_code == 404

    @pytest.mark.parametrize("step", ["engage", "withdraw"])
    async def test_what_is_no_longer_open_is_no_longer_public(
        self, firm: Caller, nobody: Caller, step: str
    ) -> None:
        id_ = await firm.opened(visibility="public")
        assert (await nobody.get(f"/{id_}")).status_code == 200
        await firm.step(id_, step)
        assert (await nobody.get(f"/{id_}")).status_code == 404

    async def test_the_same_again_is_not_modified(self, firm: Caller) -> None:
        id_ = await firm.need()
        headers = {**firm.headers, "If-None-Match": '"1"'}
        answer = await firm.client.get(f"/v1/needs/{id_}", headers=headers)
        assert answer.status_code == 304


class TestLists:
    async def test_own_needs_come_newest_first_and_page(self, firm: Caller) -> None:
        made = [await firm.need(kind=kind, must=None) for kind in ("talent", "finance", "talent")]
        await firm.step(made[0], "open")
        whole = (await firm.get("")).json()["items"]
        assert [need["id"] for need in whole] == made[::-1]
        first = (await firm.get("", params={"limit": 2})).json()
        following = {"limit": 2, "cursor": first["page"]["next"]}
        second = (await firm.get("", params=following)).json()
        assert [need["id"] for need in first["items"] + second["items"]] == made[::-1]
        assert second["page"]["next"] is None
        kind = (await firm.get("", params={"kind": "talent"})).json()["items"]
        assert [need["id"] for need in kind] == [made[2], made[0]]
        state = (await firm.get("", params={"state": "open"})).json()["items"]
        assert [need["id"] for need in state] == [made[0]]

    async def test_a_cursor_is_for_its_list_its_filters_and_its_caller(
        self, firm: Caller, other: Caller, nobody: Caller
    ) -> None:
        for _ in range(2):
            await firm.need()
        cursor = (await firm.get("", params={"limit": 1})).json()["page"]["next"]
        assert (await firm.get("", params={"limit": 1, "cursor": cursor})).status_code == 200
        for caller, path, more in (
            (other, "", {}),
            (firm, "", {"kind": "solution"}),
            (firm, "", {"part": "member"}),
            (nobody, "/public", {}),
        ):
            answer = await caller.get(path, params={"cursor": cursor, **more})
            assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    async def test_nobody_lists_what_is_somebodys(self, nobody: Caller) -> None:
        assert (await nobody.get("")).status_code == 401

    async def test_the_public_demand_says_nothing_of_whose_it_is(
        self, firm: Caller, nobody: Caller
    ) -> None:
        shown = await firm.opened(visibility="public")
        call = await firm.opened(kind="research", visibility="open_call", open_call=CALL)
        await firm.opened()
        await firm.need(visibility="public")
        answer = await nobody.get("/public", params={"limit": 2})
        assert [need["id"] for need in answer.json()["items"]] == [call, shown]
        assert firm.id not in answer.text
        calls = (await nobody.get("/public", params={"open_call": "true", "limit": 1})).json()
        assert [need["id"] for need in calls["items"]] == [call]
        assert calls["items"][0]["open_call"]["acceptance_metric"] == CALL["acceptance_metric"]
        following = {
            "limit": 1,
            "cursor": (await nobody.get("/public", params={"limit": 1})).json()["page"]["next"],
        }
        second = (await nobody.get("/public", params=following)).json()["items"]
        assert [need["id"] for need in second] == [shown]


class TestRevise:
    async def test_it_starts_from_what_the_caller_has_seen(self, firm: Caller) -> None:
        id_ = await firm.need()
        without = await firm.patch(f"/{id_}", {"text": "x"}, None)
        assert (without.status_code, without.json()["code"]) == (428, "version_required")
        for etag in ('"2"', '"x"', 'W/"1"'):
            stale = await firm.patch(f"/{id_}", {"text": "x"}, etag)
            assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
        first = await firm.patch(f"/{id_}", {"text": "x"}, '"1"')
        assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
        again = await firm.patch(f"/{id_}", {"text": "y"}, '"1"')
        assert again.status_code == 412

    async def test_half_a_budget_is_refused(self, firm: Caller) -> None:
        id_ = await firm.need(budget=None)
        for at, half in (
            ("#/budget/currency", {"amount": 1}),
            ("#/budget/amount", {"amount": None, "currency": "CNY"}),
            ("#/budget/currency", {"amount": 1, "currency": None}),
        ):
            refused = await firm.patch(f"/{id_}", {"budget": half}, '"1"')
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content")
            assert [error["pointer"] for error in refused.json()["errors"]] == [at]

    async def test_a_version_is_made_where_what_is_said_changes(self, firm: Caller) -> None:
        id_ = await firm.need()
        said = await firm.patch(f"/{id_}", {"budget": {"amount": 5}, "scenes": None}, '"1"')
        need = said.json()
        assert need["version"] == 2
        assert need["budget"] == {"amount": 5, "currency": "CNY"}
        assert need["scenes"] is None
        shown = await firm.patch(f"/{id_}", {"visibility": "public"}, '"2"')
        assert (shown.json()["version"], shown.headers["ETag"]) == (2, '"3"')
        same = await firm.patch(f"/{id_}", {"budget": {"amount": 5}}, '"3"')
        assert (same.json()["version"], same.headers["ETag"]) == (2, '"3"')
        one = (await firm.get(f"/{id_}/versions/1")).json()
        assert (one["scenes"], one["number"]) == (["quality"], 1)
        listed = (await firm.get(f"/{id_}/versions")).json()["items"]
        assert [version["number"] for version in listed] == [1, 2]
        assert len({version["content_hash"] for version in listed}) == 2
        page = (await firm.get(f"/{id_}/versions", params={"limit": 1})).json()["page"]
        after = {"limit": 1, "cursor": page["next"]}
        second = (await firm.get(f"/{id_}/versions", params=after)).json()["items"]
        assert [version["number"] for version in second] == [2]

    async def test_two_versions_are_compared_place_by_place(self, firm: Caller) -> None:
        id_ = await firm.need()
        await firm.patch(f"/{id_}", {"budget": {"amount": 5}, "text": None}, '"1"')
        found = await firm.get(f"/{id_}/versions/2/diff", params={"from": 1})
        assert found.json() == {
            "from_version": 1,
            "to_version": 2,
            "changes": [
                {"pointer": "#/budget/amount", "before": 20_000_000, "after": 5},
                {"pointer": "#/text", "before": draft()["text"], "after": None},
            ],
        }
        for path, since in (("/versions/3/diff", 1), ("/versions/2/diff", 3)):
            none = await firm.get(f"/{id_}{path}", params={"from": since})
            assert (none.status_code, none.json()["code"]) == (404, "need_version_not_found")

    async def test_the_kind_stays(self, firm: Caller) -> None:
        id_ = await firm.need()
        answer = await firm.patch(f"/{id_}", {"kind": "finance"}, '"1"')
        assert (answer.status_code, codes(answer)) == (422, {"#/kind": "unknown_field"})

    async def test_an_open_need_stays_fit_to_be_open(self, firm: Caller) -> None:
        id_ = await firm.opened()
        widened = await firm.patch(f"/{id_}", {"visibility": "public", "title": None}, '"2"')
        assert (widened.status_code, widened.json()["code"]) == (422, "need_incomplete")
        assert codes(widened) == {"#/title": "missing_title"}
        call = await firm.patch(f"/{id_}", {"visibility": "open_call"}, '"2"')
        assert codes(call) == {
            "#/open_call/unmet": "not_for_a_call",
            "#/open_call/acceptance_metric": "missing_acceptance_metric",
            "#/open_call/deadline": "missing_deadline",
        }
        whole = {"visibility": "open_call", "open_call": {**CALL, "unmet": True}}
        assert (await firm.patch(f"/{id_}", whole, '"2"')).status_code == 200

    @pytest.mark.parametrize("steps", [["engage"], ["engage", "fulfil"], ["withdraw"]])
    async def test_what_is_engaged_or_over_is_not_reworded(
        self, firm: Caller, steps: list[str]
    ) -> None:
        id_ = await firm.opened()
        for step in steps:
            assert (await firm.step(id_, step)).status_code == 200
        etag = (await firm.get(f"/{id_}")).headers["ETag"]
        for change in ({"text": "x"}, {"visibility": "public"}):
            answer = await firm.patch(f"/{id_}", change, etag)
            assert (answer.status_code, answer.json()["code"]) == (409, "need_not_editable")
            assert answer.json()["state"] == (await firm.get(f"/{id_}")).json()["state"]


class TestTransitions:
    async def test_it_says_what_can_be_done_and_why_not_the_rest(self, firm: Caller) -> None:
        id_ = await firm.need(
            title=None,
            text=None,
            scenes=None,
            scenarios=None,
            categories=None,
            visibility="public",
            ready_by="2020-01-01",
        )
        for language, too_little in (("en", "state at least one of"), ("zh", "至少填写其中一项")):
            headers = {**firm.headers, "Accept-Language": language}
            answer = await firm.client.get(f"/v1/needs/{id_}/transitions", headers=headers)
            found = {each["name"]: each for each in answer.json()["transitions"]}
            why = {each["code"]: each["message"] for each in found["open"]["why_not"]}
            assert why.keys() == {"says_too_little", "missing_title", "date_has_passed"}
            assert why["says_too_little"].startswith(too_little)
            assert found["withdraw"]["possible"]
            assert found["withdraw"]["by"] == ["operator", "owner"]
            assert {each["code"] for each in found["expire"]["why_not"]} == {
                "other_state",
                "other_actor",
            }
        refused = await firm.step(id_, "open")
        assert (refused.status_code, refused.json()["code"]) == (409, "transition_hindered")
        assert refused.json()["state"] == "draft"
        assert codes(refused) == {
            "#/text": "says_too_little",
            "#/title": "missing_title",
            "#/ready_by": "date_has_passed",
        }

    async def test_a_whole_life(self, firm: Caller) -> None:
        id_ = await firm.need(visibility="public")
        life = ["open", "engage", "release", "engage", "fulfil"]
        for revision, step in enumerate(life, 2):
            answer = await firm.step(id_, step)
            assert answer.status_code == 200
            assert answer.headers["ETag"].startswith(f'"{revision}.')
        need = (await firm.get(f"/{id_}")).json()
        assert (need["state"], need["version"], need["note"]) == ("fulfilled", 1, None)
        assert need["opened_at"] is not None

    async def test_what_was_said_with_the_last_step_is_for_who_sees_all(
        self, firm: Caller, nobody: Caller
    ) -> None:
        id_ = await firm.need(visibility="public")
        said = {"transition": "open", "note": "agreed with the foundry"}
        assert (await firm.post(f"/{id_}/transitions", said)).status_code == 200
        assert (await firm.get(f"/{id_}")).json()["note"] == said["note"]
        assert (await nobody.get(f"/{id_}")).json()["note"] is None
        await firm.step(id_, "engage")
        assert (await firm.get(f"/{id_}")).json()["note"] is None

    @pytest.mark.asvs("V2.3.1")
    async def test_a_step_from_elsewhere_says_where_it_stands(self, firm: Caller) -> None:
        id_ = await firm.need()
        answer = await firm.step(id_, "fulfil")
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
        assert answer.json()["state"] == "draft"

    async def test_it_is_for_whom_the_machine_says(
        self, firm: Caller, operator: Caller, nobody: Caller
    ) -> None:
        id_ = await firm.need()
        assert (await nobody.step(id_, "open")).status_code == 401
        answer = await operator.step(id_, "open")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_transition")
        assert answer.json()["by"] == ["owner"]
        assert (await firm.step(id_, "expire")).json()["by"] == ["clock"]
        assert (await operator.step(id_, "withdraw")).status_code == 200

    async def test_an_operator_is_only_the_owner_of_its_own(self, operator: Caller) -> None:
        found = (await operator.get(f"/{await operator.need()}/transitions")).json()
        assert {each["name"] for each in found["transitions"] if each["possible"]} == {
            "open",
            "withdraw",
        }

    async def test_no_such_transition(self, firm: Caller) -> None:
        answer = await firm.step(await firm.need(), "fly")
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_transition")

    @pytest.mark.parametrize("kind", ["research", "solution"])
    async def test_an_open_call_needs_what_it_is_judged_by(self, firm: Caller, kind: str) -> None:
        id_ = await firm.need(kind=kind, visibility="open_call", open_call={"sought": "x"})
        missing = {
            "#/open_call/acceptance_metric": "missing_acceptance_metric",
            "#/open_call/deadline": "missing_deadline",
        }
        if kind == "solution":
            missing["#/open_call/unmet"] = "not_for_a_call"
        assert codes(await firm.step(id_, "open")) == missing
        whole = {"open_call": {**CALL, "unmet": kind == "solution"}}
        assert (await firm.patch(f"/{id_}", whole, '"1"')).status_code == 200
        assert (await firm.step(id_, "open")).status_code == 200
        over = {"open_call": {"deadline": "2020-01-01"}}
        assert codes(await firm.patch(f"/{id_}", over, '"3"')) == {
            "#/open_call/deadline": "date_has_passed"
        }


class TestMembers:
    async def test_a_firm_joins_by_its_own_word(self, firm: Caller, other: Caller) -> None:
        id_ = await firm.need()
        place = f"/{id_}/members/{other.id}"
        assert (await firm.put(place)).json()["state"] == "invited"
        assert (await firm.put(place)).json()["state"] == "invited"
        read = await other.get(f"/{id_}")
        assert (read.status_code, read.json()["organisation_id"]) == (200, firm.id)
        listed = (await other.get("", params={"part": "member"})).json()["items"]
        assert [need["id"] for need in listed] == [id_]
        mine = await firm.post(f"{place}/transitions", {"transition": "accept"})
        assert (mine.status_code, mine.json()["code"]) == (403, "not_your_transition")
        told = (await other.get(f"{place}/transitions")).json()["transitions"]
        assert [each["possible"] for each in told] == [True]
        joined = await other.post(f"{place}/transitions", {"transition": "accept"})
        assert (joined.status_code, joined.json()["state"]) == (200, "accepted")
        twice = await other.post(f"{place}/transitions", {"transition": "accept"})
        assert (twice.status_code, twice.json()["state"]) == (409, "accepted")
        members = (await firm.get(f"/{id_}/members")).json()["items"]
        assert [(each["organisation_id"], each["state"]) for each in members] == [
            (other.id, "accepted")
        ]
        assert (await other.patch(f"/{id_}", {"text": "x"}, '"1"')).status_code == 404
        assert (await other.step(id_, "open")).json()["code"] == "not_your_transition"

    @pytest.mark.parametrize("who", ["owner", "member"])
    async def test_either_side_ends_it(self, firm: Caller, other: Caller, who: str) -> None:
        id_ = await firm.need()
        place = f"/{id_}/members/{other.id}"
        await firm.put(place)
        gone = await (firm if who == "owner" else other).delete(place)
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await other.get(f"/{id_}")).status_code == 404
        again = await firm.delete(place)
        assert (again.status_code, again.json()["code"]) == (404, "need_member_not_found")

    async def test_they_are_listed_page_by_page(
        self, firm: Caller, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        id_ = await firm.need()
        asked = [Caller(api, await holder(engine)) for _ in range(3)]
        for each in asked:
            await firm.put(f"/{id_}/members/{each.id}")
        first = (await firm.get(f"/{id_}/members", params={"limit": 2})).json()
        rest = {"limit": 2, "cursor": first["page"]["next"]}
        second = (await firm.get(f"/{id_}/members", params=rest)).json()
        found = [each["organisation_id"] for each in first["items"] + second["items"]]
        assert (found, second["page"]["next"]) == ([each.id for each in asked], None)
        # A cursor is for who was given it: a member sees the list too, and starts its own.
        theirs = await asked[0].get(f"/{id_}/members", params=rest)
        assert (theirs.status_code, theirs.json()["code"]) == (400, "cursor_invalid")

    async def test_a_member_ends_no_other_part(
        self,
        firm: Caller,
        other: Caller,
        api: httpx.AsyncClient,
        engine: AsyncEngine,
        operator: Caller,
    ) -> None:
        third = Caller(api, await holder(engine))
        id_ = await firm.need()
        for each in (other, third):
            await firm.put(f"/{id_}/members/{each.id}")
        for caller in (other, operator):
            refused = await caller.delete(f"/{id_}/members/{third.id}")
            assert refused.json()["code"] == "need_member_not_found"

    async def test_only_other_active_firms_are_asked(self, firm: Caller, provider: Caller) -> None:
        id_ = await firm.need()
        for each in (firm.id, provider.id, MISSING):
            refused = await firm.put(f"/{id_}/members/{each}")
            assert (refused.status_code, refused.json()["code"]) == (422, "firm_not_invitable")

    async def test_what_is_engaged_takes_no_more(self, firm: Caller, other: Caller) -> None:
        id_ = await firm.opened()
        place = f"/{id_}/members/{other.id}"
        await firm.put(place)
        await firm.step(id_, "engage")
        late = await other.post(f"{place}/transitions", {"transition": "accept"})
        assert (late.status_code, late.json()["code"]) == (409, "transition_hindered")
        assert (await firm.put(place)).json()["code"] == "need_not_editable"


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers tell the same, but for the id of the request."""
    first, second = one.json(), other.json()
    assert one.status_code == other.status_code == 404, (one.text, other.text)
    return {**first, "instance": ""} == {**second, "instance": ""}
