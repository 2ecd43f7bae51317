"""Pools, admissions, evidence and components over HTTP, as each of the parties sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.identities import Holder, holder
from tests.supply import publish

from matchmaker.catalog.models import OfferingId
from matchmaker.identity.models import OrganisationRole

R = OrganisationRole
MERGE = {"Content-Type": "application/merge-patch+json"}
RULE = {"field": "provider.region", "op": "prefix_in", "value": ["21"]}
CERTIFIED = {"field": "evidence.certificates", "op": "in", "value": ["iso_27001"]}
POOL = {
    "name": {"zh": "优质服务商名录", "en": "Good providers"},
    "rule": RULE,
    "tiers": [
        {"code": "nurtured", "name": {"zh": "培育", "en": "Nurtured"}, "rule": {"all": []}},
        {"code": "qualified", "name": {"zh": "合格", "en": "Qualified"}, "rule": CERTIFIED},
    ],
    "admission_days": 365,
}


@dataclass(frozen=True)
class Parties:
    client: httpx.AsyncClient
    agency: Holder
    provider: Holder
    operator: Holder
    stranger: Holder
    sme: Holder
    offering_id: OfferingId

    async def call(
        self,
        method: str,
        path: str,
        by: Holder | None = None,
        *,
        json: object = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to ``by``; a body is JSON under whatever media type the headers say."""
        sent = {**(by.headers if by else {}), **(headers or {})}
        return await self.client.request(
            method, f"/v1{path}", headers=sent, json=json, params=params
        )

    async def pool(self, **changes: object) -> dict[str, Any]:
        body = {"code": f"p-{uuid4().hex[:12]}", **POOL, **changes}
        made = await self.call("POST", "/pools", self.agency, json=body)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    async def apply(self, pool_id: str) -> httpx.Response:
        body = {"offering_id": str(self.offering_id)}
        return await self.call("POST", f"/pools/{pool_id}/admissions", self.provider, json=body)

    async def take(
        self, path: str, step: str, by: Holder, note: str | None = None
    ) -> httpx.Response:
        body = {"transition": step, "note": note}
        return await self.call("POST", f"{path}/transitions", by, json=body)


@pytest_asyncio.fixture(loop_scope="session")
async def parties(engine: AsyncEngine, api: httpx.AsyncClient) -> Parties:
    provider = await holder(engine, R.PROVIDER)
    return Parties(
        api,
        agency=await holder(engine, R.AGENCY),
        provider=provider,
        operator=await holder(engine, R.OPERATOR),
        stranger=await holder(engine, R.AGENCY, R.PROVIDER),
        sme=await holder(engine, R.SME),
        offering_id=await publish(engine, provider),
    )


def same_refusal(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two refusals differ in nothing but the id of the request."""
    bodies = [{**each.json(), "instance": ""} for each in (one, other)]
    return one.status_code == other.status_code and bodies[0] == bodies[1]


class TestPools:
    async def test_everyone_reads_what_a_pool_asks_in_both_languages(
        self, parties: Parties
    ) -> None:
        made = await parties.pool()
        path = f"/pools/{made['id']}"
        english = await parties.call("GET", path, headers={"Accept-Language": "en"})
        chinese = await parties.call("GET", path, headers={"Accept-Language": "zh"})
        assert english.headers["ETag"] == '"1"'
        assert english.json()["version"]["sentence"].startswith("the provider's region")
        assert chinese.json()["version"]["sentence"].startswith("服务商所在地区")
        assert chinese.json()["version"]["tiers"][0]["sentence"] == "不设条件"
        assert english.json()["version"]["rule"] == RULE

    async def test_agencies_open_pools_and_providers_do_not(self, parties: Parties) -> None:
        body = {"code": "mine", **POOL}
        assert (await parties.call("POST", "/pools", json=body)).status_code == 401
        refused = await parties.call("POST", "/pools", parties.provider, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")

    async def test_a_code_is_unique(self, parties: Parties) -> None:
        made = await parties.pool()
        body = {"code": made["code"], **POOL}
        taken = await parties.call("POST", "/pools", parties.stranger, json=body)
        assert (taken.status_code, taken.json()["code"]) == (409, "pool_code_taken")
        assert taken.json()["pool_id"] == made["id"]

    async def test_every_fault_of_every_rule_is_told(self, parties: Parties) -> None:
        bad = {"field": "profile.employees", "op": "gte", "value": 5}
        tiers = [{"code": "x", "name": {"en": "X"}, "rule": {"all": [CERTIFIED, {"oops": 1}]}}]
        body = {"code": "faulty", **POOL, "rule": bad, "tiers": tiers}
        refused = await parties.call("POST", "/pools", parties.agency, json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_rule")
        pointers = [fault["pointer"] for fault in refused.json()["errors"]]
        assert pointers == ["#/rule/field", "#/tiers/0/rule/all/1"]

    async def test_a_change_is_a_new_version_and_the_old_one_stays(self, parties: Parties) -> None:
        made = await parties.pool()
        path = f"/pools/{made['id']}"
        patch = {"admission_days": None, "rule": CERTIFIED}
        unsaid = await parties.call("PATCH", path, parties.agency, json=patch, headers=MERGE)
        assert unsaid.status_code == 428
        tagged = {**MERGE, "If-Match": '"1"'}
        foreign = await parties.call("PATCH", path, parties.stranger, json=patch, headers=tagged)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "not_your_pool")
        changed = await parties.call("PATCH", path, parties.agency, json=patch, headers=tagged)
        assert changed.status_code == 200
        assert changed.headers["ETag"] == '"2"'
        assert changed.json()["version"]["number"] == 2
        assert changed.json()["version"]["admission_days"] is None
        assert changed.json()["version"]["name"] == POOL["name"]
        stale = await parties.call("PATCH", path, parties.agency, json=patch, headers=tagged)
        assert stale.status_code == 412
        tagged["If-Match"] = '"2"'
        same = await parties.call("PATCH", path, parties.agency, json=patch, headers=tagged)
        assert same.headers["ETag"] == '"2"'
        first = await parties.call("GET", f"{path}/versions/1")
        assert first.json()["rule"] == RULE
        assert (await parties.call("GET", f"{path}/versions/3")).json()["code"] == (
            "pool_version_not_found"
        )
        page = (await parties.call("GET", f"{path}/versions?limit=1")).json()
        following = await parties.call(
            "GET", f"{path}/versions", params={"limit": 1, "cursor": page["page"]["next"]}
        )
        assert [page["items"][0]["number"], following.json()["items"][0]["number"]] == [1, 2]

    async def test_pools_are_listed_by_owner_and_state(self, parties: Parties) -> None:
        made = await parties.pool()
        await parties.take(f"/pools/{made['id']}", "close", parties.agency)
        owner = str(parties.agency.organisation_id)
        closed = await parties.call(
            "GET", "/pools", params={"organisation_id": owner, "state": "closed"}
        )
        assert [pool["id"] for pool in closed.json()["items"]] == [made["id"]]
        opened = await parties.call(
            "GET", "/pools", params={"organisation_id": owner, "state": "open"}
        )
        assert opened.json()["items"] == []
        foreign = await parties.take(f"/pools/{made['id']}", "reopen", parties.stranger)
        assert foreign.json()["code"] == "not_your_transition"


class TestAdmissions:
    async def test_from_a_check_to_a_tier(self, parties: Parties) -> None:
        pool = await parties.pool()
        check = f"/pools/{pool['id']}/check?offering_id={parties.offering_id}"
        asked = await parties.call("GET", check, parties.provider)
        assert (asked.json()["answer"], asked.json()["tier"]) == ("yes", "nurtured")
        (missing,) = asked.json()["next_tier"]["missing"]
        assert missing["questions"][0]["field"] == "evidence.certificates"
        hidden = await parties.call("GET", check, parties.agency)
        assert hidden.json()["code"] == "offering_not_found"
        applied = await parties.apply(pool["id"])
        assert applied.status_code == 201
        path = applied.headers["Location"].removeprefix("/v1")
        assert applied.json()["decision"]["check"]["answer"] == "yes"
        assert (await parties.call("GET", check, parties.agency)).status_code == 200
        admitted = await parties.take(path, "admit", parties.agency)
        assert admitted.json()["state"] == "admitted"
        assert admitted.headers["ETag"].startswith('"2.')
        read = await parties.call("GET", path, parties.provider, headers={"Accept-Language": "zh"})
        assert (read.json()["tier"], read.headers["ETag"]) == ("nurtured", '"2"')
        assert "符合" in read.json()["decision"]["check"]["proof"]
        assert read.json()["decision"]["check"]["next_tier"]["code"] == "qualified"
        decisions = await parties.call("GET", f"{path}/decisions", parties.agency)
        assert [one["action"] for one in decisions.json()["items"]] == ["apply", "admit"]

    async def test_unknown_stays_applied_with_questions(self, parties: Parties) -> None:
        pool = await parties.pool(rule=CERTIFIED)
        applied = await parties.apply(pool["id"])
        path = applied.headers["Location"].removeprefix("/v1")
        assert applied.json()["decision"]["check"]["answer"] == "unknown"
        hindered = await parties.take(path, "admit", parties.agency)
        assert hindered.status_code == 409
        assert hindered.json()["errors"][0]["code"] == "rule_unanswered"
        silent = await parties.take(path, "refuse", parties.agency)
        assert (silent.status_code, silent.json()["code"]) == (422, "note_required")
        made = await parties.call(
            "POST",
            "/evidence",
            parties.provider,
            json={
                "type": "certificate",
                "claim": {"en": "Information security"},
                "certificate": "iso_27001",
                "valid_until": "2099-12-31",
            },
        )
        claim = made.headers["Location"].removeprefix("/v1")
        await parties.take(claim, "submit", parties.provider)
        verified = await parties.take(claim, "verify", parties.stranger)
        assert verified.json()["state"] == "verified"
        again = await parties.call(
            "POST", f"{path}/decisions", parties.provider, json={}, headers={"If-Match": '"1"'}
        )
        assert again.status_code == 201
        assert again.json()["decision"]["check"]["answer"] == "yes"
        assert (await parties.take(path, "admit", parties.agency)).status_code == 200

    async def test_an_exception_says_why(self, parties: Parties) -> None:
        pool = await parties.pool(rule={"not": RULE})
        path = (await parties.apply(pool["id"])).headers["Location"].removeprefix("/v1")
        assert (await parties.take(path, "admit", parties.agency)).status_code == 409
        taken = await parties.take(path, "admit_by_exception", parties.agency, "only one in town")
        assert taken.status_code == 200
        read = (await parties.call("GET", path, parties.provider)).json()
        assert read["decision"]["is_exception"] is True
        assert read["decision"]["note"] == "only one in town"
        assert read["decision"]["check"]["answer"] == "no"
        assert read["tier"] is None

    async def test_a_foreign_admission_and_a_missing_one_answer_the_same(
        self, parties: Parties
    ) -> None:
        pool = await parties.pool()
        path = (await parties.apply(pool["id"])).headers["Location"].removeprefix("/v1")
        missing = f"/admissions/{uuid4()}"
        for suffix in ("", "/decisions", "/transitions"):
            foreign = await parties.call("GET", path + suffix, parties.stranger)
            nothing = await parties.call("GET", missing + suffix, parties.stranger)
            assert foreign.status_code == 404
            assert same_refusal(foreign, nothing)
        step = await parties.take(path, "admit", parties.stranger)
        assert same_refusal(step, await parties.take(missing, "admit", parties.stranger))
        assert (await parties.call("GET", path)).status_code == 401

    async def test_a_decision_by_what_was_seen(self, parties: Parties) -> None:
        pool = await parties.pool()
        path = (await parties.apply(pool["id"])).headers["Location"].removeprefix("/v1")
        body = {"transition": "admit"}
        stale = await parties.call(
            "POST", f"{path}/transitions", parties.agency, json=body, headers={"If-Match": '"9"'}
        )
        assert stale.status_code == 412
        taken = await parties.call(
            "POST", f"{path}/transitions", parties.agency, json=body, headers={"If-Match": '"1"'}
        )
        assert taken.status_code == 200

    async def test_everyone_lists_what_is_in_and_only_the_parties_the_rest(
        self, parties: Parties
    ) -> None:
        pool = await parties.pool()
        path = (await parties.apply(pool["id"])).headers["Location"].removeprefix("/v1")
        listing = f"/pools/{pool['id']}/admissions"

        async def seen(by: Holder | None) -> list[str]:
            found = await parties.call("GET", listing, by)
            assert found.status_code == 200
            return [one["state"] for one in found.json()["items"]]

        everyone = (parties.agency, parties.provider, parties.operator, parties.stranger, None)
        assert [await seen(by) for by in everyone] == [["applied"]] * 3 + [[]] * 2
        await parties.take(path, "admit", parties.agency)
        assert [await seen(by) for by in everyone] == [["admitted"]] * 5
        await parties.take(f"/pools/{pool['id']}", "close", parties.agency)
        assert [await seen(by) for by in everyone] == [["admitted"]] * 3 + [[]] * 2
        narrowed = await parties.call("GET", f"{listing}?state=refused", parties.agency)
        assert narrowed.json()["items"] == []


class TestEvidence:
    CLAIM = {  # noqa: RUF012
        "type": "case",
        "claim": {"zh": "废品率下降", "en": "Less scrap"},
        "metric": {"en": "scrap rate"},
        "unit": "%",
        "before": 4.2,
        "after": 1.1,
        "scenes": ["quality"],
        "industry": "C3311",
    }

    async def claim(self, parties: Parties, **changes: object) -> httpx.Response:
        body = {**self.CLAIM, "offering_id": str(parties.offering_id), **changes}
        return await parties.call("POST", "/evidence", parties.provider, json=body)

    async def test_a_claim_is_the_owners_until_others_verify_it(self, parties: Parties) -> None:
        made = await self.claim(parties)
        assert made.status_code == 201
        path = made.headers["Location"].removeprefix("/v1")
        hidden = await parties.call("GET", path, parties.sme)
        nothing = await parties.call("GET", f"/evidence/{uuid4()}", parties.sme)
        assert same_refusal(hidden, nothing)
        assert (await parties.call("GET", path)).status_code == 404
        await parties.take(path, "submit", parties.provider)
        own = await parties.take(path, "verify", parties.provider)
        assert (own.status_code, own.json()["code"]) == (403, "not_your_transition")
        silent = await parties.take(path, "refuse", parties.operator)
        assert silent.json()["code"] == "note_required"
        verified = await parties.take(path, "verify", parties.operator, "seen on site")
        assert verified.json()["state"] == "verified"
        everyone = (await parties.call("GET", path)).json()
        assert everyone["verified_by"] == str(parties.operator.organisation_id)
        assert everyone["before"] == 4.2
        listed = await parties.call("GET", f"/evidence?offering_id={parties.offering_id}")
        assert [one["id"] for one in listed.json()["items"]] == [everyone["id"]]

    async def test_an_operator_does_not_verify_its_own(
        self, parties: Parties, engine: AsyncEngine
    ) -> None:
        both = await holder(engine, R.PROVIDER, R.OPERATOR)
        offering = await publish(engine, both)
        body = {**self.CLAIM, "offering_id": str(offering)}
        made = await parties.call("POST", "/evidence", both, json=body)
        path = made.headers["Location"].removeprefix("/v1")
        await parties.take(path, "submit", both)
        own = await parties.take(path, "verify", both)
        assert own.json()["code"] == "not_your_transition"
        options = (await parties.call("GET", f"{path}/transitions", both)).json()["transitions"]
        assert [one["name"] for one in options if one["possible"]] == ["withdraw"]

    async def test_what_is_being_verified_keeps_still(self, parties: Parties) -> None:
        path = (await self.claim(parties)).headers["Location"].removeprefix("/v1")
        patch = {"after": 0.9, "issuer": "Works", "metric": {"zh": "废品率"}}
        tagged = {**MERGE, "If-Match": '"1"'}
        changed = await parties.call("PATCH", path, parties.provider, json=patch, headers=tagged)
        assert changed.json()["metric"] == {"zh": "废品率", "en": "scrap rate"}
        assert (changed.json()["after"], changed.headers["ETag"]) == (0.9, '"2"')
        await parties.take(path, "submit", parties.provider)
        tagged["If-Match"] = '"3"'
        still = await parties.call("PATCH", path, parties.provider, json=patch, headers=tagged)
        assert (still.status_code, still.json()["code"]) == (409, "evidence_not_editable")
        assert still.json()["state"] == "in_verification"
        foreign = await parties.call("PATCH", path, parties.stranger, json=patch, headers=tagged)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "evidence_not_found")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"scenes": ["alchemy"]}, "#/scenes/0"),
            ({"industry": "C9999"}, "#/industry"),
            ({"certificate": "iso_9001"}, "#/certificate"),
            ({"metric": None}, "#/metric"),
        ],
    )
    async def test_a_claim_that_cannot_be_is_refused(
        self, parties: Parties, changes: dict[str, object], pointer: str
    ) -> None:
        refused = await self.claim(parties, **changes)
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_claim")
        assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]

    async def test_nobody_claims_for_anothers_offering(self, parties: Parties) -> None:
        body = {**self.CLAIM, "offering_id": str(parties.offering_id)}
        refused = await parties.call("POST", "/evidence", parties.stranger, json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "offering_not_found")

    async def test_what_is_out_of_date_is_not_verified(self, parties: Parties) -> None:
        made = await self.claim(parties, valid_until="2020-01-01")
        path = made.headers["Location"].removeprefix("/v1")
        refused = await parties.take(path, "submit", parties.provider)
        assert refused.json()["code"] == "transition_hindered"
        assert refused.json()["errors"][0]["code"] == "out_of_date"


class TestComponents:
    LINE = {"layer": "database", "name": "Sediment DB", "substitutes": ["Other DB"]}  # noqa: RUF012

    async def test_the_bill_of_an_offering_is_its_owners_to_write_and_everyones_to_read(
        self, parties: Parties
    ) -> None:
        bill = f"/offerings/{parties.offering_id}/components"
        foreign = await parties.call("POST", bill, parties.stranger, json=self.LINE)
        missing = await parties.call(
            "POST", f"/offerings/{uuid4()}/components", parties.stranger, json=self.LINE
        )
        assert same_refusal(foreign, missing)
        made = await parties.call("POST", bill, parties.provider, json=self.LINE)
        assert (made.status_code, made.json()["origin"]) == (201, None)
        path = made.headers["Location"].removeprefix("/v1")
        tagged = {**MERGE, "If-Match": '"1"'}
        changed = await parties.call(
            "PATCH", path, parties.provider, json={"origin": "CN"}, headers=tagged
        )
        assert (changed.json()["origin"], changed.headers["ETag"]) == ("CN", '"2"')
        tagged["If-Match"] = '"2"'
        again = await parties.call(
            "PATCH", path, parties.provider, json={"origin": None}, headers=tagged
        )
        assert again.json()["origin"] is None
        listed = (await parties.call("GET", bill)).json()["items"]
        assert [one["name"] for one in listed] == ["Sediment DB"]
        stale = await parties.call("DELETE", path, parties.provider, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        gone = await parties.call("DELETE", path, parties.provider, headers={"If-Match": '"3"'})
        assert gone.status_code == 204
        assert (await parties.call("GET", path)).json()["code"] == "component_not_found"

    async def test_the_systems_of_a_firm_are_its_own_business(self, parties: Parties) -> None:
        own = f"/profiles/{parties.sme.organisation_id}/components"
        made = await parties.call("POST", own, parties.sme, json={**self.LINE, "origin": "DE"})
        assert made.status_code == 201
        path = made.headers["Location"].removeprefix("/v1")
        assert (await parties.call("GET", path, parties.sme)).json()["offering_id"] is None
        assert (await parties.call("GET", own)).status_code == 401
        for by in (parties.agency, parties.operator, parties.provider):
            refused = await parties.call("GET", own, by)
            assert refused.status_code in {403, 404}
        other = f"/profiles/{uuid4()}/components"
        hidden = await parties.call("GET", other, parties.sme)
        assert hidden.json()["code"] == "bill_not_found"

    async def test_a_layer_is_one_of_the_vocabulary(self, parties: Parties) -> None:
        bill = f"/offerings/{parties.offering_id}/components"
        refused = await parties.call(
            "POST", bill, parties.provider, json={**self.LINE, "layer": "magic"}
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable_component")
        wrong = await parties.call(
            "POST", bill, parties.provider, json={**self.LINE, "origin": "china"}
        )
        assert wrong.json()["code"] == "invalid_content"
