"""Profiles over HTTP: versions and their ETags, who may read them, and every refusal by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.identities import Holder, holder
from tests.profiles import whole

from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole, OrganisationState

FACTS: dict[str, Any] = {
    "industries": ["C3311"],
    "employees": 86,
    "revenue": {"amount": 3_200_000_000, "currency": "CNY"},
    "scenes": {"quality": 0, "production_control": 1},
    "goals": {"quality": 0.6, "cost": 0.4},
    "must": {"field": "offering.deployment", "op": "in", "value": ["on_premises"]},
}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Holder:
    """A firm that has stated nothing."""
    return await holder(engine)


@pytest_asyncio.fixture(loop_scope="session")
async def stated(api: httpx.AsyncClient, firm: Holder) -> Holder:
    """A firm that has stated ``FACTS``."""
    assert (await put(api, firm, FACTS)).status_code == 201
    return firm


def path(firm: Holder | UUID, rest: str = "") -> str:
    return f"/v1/profiles/{firm.organisation_id if isinstance(firm, Holder) else firm}{rest}"


async def put(
    api: httpx.AsyncClient, firm: Holder, facts: dict[str, Any], version: int | None = None
) -> httpx.Response:
    known = {} if version is None else {"If-Match": f'"{version}"'}
    return await api.put(path(firm), json=facts, headers={**firm.headers, **known})


async def patch(
    api: httpx.AsyncClient, firm: Holder, changes: dict[str, Any], version: int
) -> httpx.Response:
    return await api.patch(
        path(firm),
        content=msgspec.json.encode(changes),
        headers={**firm.headers, **MERGE_PATCH, "If-Match": f'"{version}"'},
    )


async def get(
    api: httpx.AsyncClient, reader: Holder, firm: Holder | UUID, rest: str = "", **headers: str
) -> httpx.Response:
    return await api.get(path(firm, rest), headers={**reader.headers, **headers})


def version_of(answer: httpx.Response) -> int:
    """The version that the ETag of a profile names, beside what was said of it."""
    return int(answer.headers["ETag"].strip('"').partition(".")[0])


def known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def told(refused: httpx.Response) -> tuple[int, str, list[str]]:
    problem = refused.json()
    return refused.status_code, problem["code"], [e["pointer"] for e in problem["errors"]]


class TestStating:
    async def test_the_first_statement_makes_version_one(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        made = await put(api, firm, FACTS)
        profile = made.json()
        assert (made.status_code, version_of(made)) == (201, 1)
        assert profile["organisation_id"] == str(firm.organisation_id)
        assert (profile["version"], known(profile["facts"])) == (1, FACTS)
        read = await get(api, firm, firm)
        assert (read.status_code, read.json()) == (200, profile)
        assert read.headers["ETag"] == made.headers["ETag"]

    async def test_what_follows_is_answered_with_what_it_rests_on(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        derived = (await get(api, stated, stated)).json()["derived"]
        assert derived["scale"] == "small"
        assert derived["scale_basis"] == "computed"
        assert derived["scale_scheme"] == {"code": "cn_nbs_2017", "edition": "2017"}
        assert derived["scale_counts_for_eligibility"] is True
        assert derived["scale_explanation"][-1] == "Result: small."
        # industries, employees, revenue, the size, the goals and two scenes out of 32.
        assert derived["completeness"] == 21
        missing = [one["field"] for one in derived["missing"]]
        assert missing[0] == "profile.region"
        assert "profile.scenes.quality" not in missing
        assert len(missing) == 25

    async def test_a_declared_size_does_not_count(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        derived = (await put(api, firm, {"scale": "medium"})).json()["derived"]
        assert (derived["scale"], derived["scale_basis"]) == ("medium", "declared")
        assert derived["scale_scheme"] is None
        assert derived["scale_counts_for_eligibility"] is False

    async def test_the_same_again_is_the_same_version(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        before = await get(api, stated, stated)
        again = await put(api, stated, FACTS, 1)
        assert (again.status_code, version_of(again)) == (200, 1)
        assert again.json() == before.json()

    async def test_other_facts_are_the_next_version(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        changed = await put(api, stated, {"employees": 3}, 1)
        assert (changed.status_code, version_of(changed)) == (200, 2)
        assert known(changed.json()["facts"]) == {"employees": 3}

    async def test_everything_stated_is_complete(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        derived = (await put(api, firm, msgspec.to_builtins(whole()))).json()["derived"]
        assert (derived["completeness"], derived["missing"]) == (100, [])


class TestPatching:
    async def test_null_makes_unknown_and_absent_stays(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        changes = {
            "employees": None,
            "users": 12,
            "revenue": {"amount": 1},
            "scenes": {"quality": 2, "production_control": None},
            "must": {"field": "package.weeks", "op": "lte", "value": 8},
        }
        changed = await patch(api, stated, changes, 1)
        assert (changed.status_code, version_of(changed)) == (200, 2)
        assert known(changed.json()["facts"]) == {
            "industries": ["C3311"],
            "users": 12,
            "revenue": {"amount": 1, "currency": "CNY"},
            "scenes": {"quality": 2},
            "goals": FACTS["goals"],
            "must": changes["must"],
        }

    async def test_a_patch_that_changes_nothing_is_no_version(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        for changes in ({}, {"employees": 86}, {"users": None}):
            assert version_of(await patch(api, stated, changes, 1)) == 1

    async def test_half_an_amount_is_refused(self, api: httpx.AsyncClient, stated: Holder) -> None:
        refused = await patch(api, stated, {"assets": {"amount": 1}}, 1)
        assert told(refused) == (422, "invalid_content", ["#/assets/currency"])
        for part in ("amount", "currency"):
            refused = await patch(api, stated, {"revenue": {part: None}}, 1)
            assert told(refused) == (422, "invalid_content", [f"#/revenue/{part}"])
        assert version_of(await patch(api, stated, {"revenue": None}, 1)) == 2

    async def test_it_is_a_merge_patch_by_its_media_type(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        headers = {**stated.headers, "If-Match": '"1"'}
        refused = await api.patch(path(stated), json={"users": 1}, headers=headers)
        assert told(refused) == (415, "wrong_media_type", [])


class TestPreconditions:
    async def test_a_stored_profile_is_changed_only_from_a_version(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        assert told(await put(api, stated, {"users": 1})) == (428, "version_required", [])
        headers = {**stated.headers, **MERGE_PATCH}
        refused = await api.patch(path(stated), content=b"{}", headers=headers)
        assert told(refused) == (428, "version_required", [])

    async def test_whatever_is_there_is_no_version(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        headers = {**stated.headers, "If-Match": "*"}
        refused = await api.put(path(stated), json={"users": 1}, headers=headers)
        assert told(refused) == (428, "version_required", [])

    async def test_another_version_is_stale(self, api: httpx.AsyncClient, stated: Holder) -> None:
        assert (await put(api, stated, {"users": 1}, 1)).status_code == 200
        for refused in (
            await put(api, stated, {"users": 2}, 1),
            await put(api, stated, {"users": 2}, 3),
            await patch(api, stated, {"users": 2}, 1),
        ):
            assert told(refused) == (412, "stale_version", [])
        assert (await get(api, stated, stated)).json()["facts"]["users"] == 1

    async def test_there_is_no_version_of_what_was_never_stated(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        assert told(await put(api, firm, FACTS, 1)) == (412, "stale_version", [])

    async def test_a_reader_who_has_it_gets_nothing_again(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        for rest in ("", "/versions/1"):
            read = await get(api, stated, stated, rest, **{"Accept-Language": "zh"})
            had = {"If-None-Match": read.headers["ETag"]}
            same = await get(api, stated, stated, rest, **had, **{"Accept-Language": "zh"})
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["ETag"] == read.headers["ETag"]
            for other in ({"If-None-Match": '"2"'}, had | {"Accept-Language": "en"}):
                assert (await get(api, stated, stated, rest, **other)).status_code == 200


class TestVersions:
    async def test_they_are_listed_newest_last_page_by_page(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        for version in range(1, 5):
            assert (await put(api, stated, {"users": version}, version)).status_code == 200
        first = (await get(api, stated, stated, "/versions?limit=3")).json()
        cursor = first["page"]["next"]
        second = (await get(api, stated, stated, f"/versions?limit=3&cursor={cursor}")).json()
        numbers = [one["version"] for one in first["items"] + second["items"]]
        assert (numbers, second["page"]["next"]) == ([1, 2, 3, 4, 5], None)
        assert first["items"][0]["scale"] == "small"
        assert first["items"][0]["completeness"] == 21

    async def test_a_cursor_is_good_for_one_firm_only(
        self, api: httpx.AsyncClient, engine: AsyncEngine, stated: Holder
    ) -> None:
        await put(api, stated, {"users": 1}, 1)
        cursor = (await get(api, stated, stated, "/versions?limit=1")).json()["page"]["next"]
        other = await holder(engine)
        await put(api, other, FACTS)
        for reader in (other, await holder(engine, OrganisationRole.OPERATOR)):
            refused = await get(api, reader, other, f"/versions?limit=1&cursor={cursor}")
            assert told(refused)[:2] == (400, "cursor_invalid")

    async def test_an_earlier_one_is_read_as_it_was(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        before = (await get(api, stated, stated)).json()
        await put(api, stated, {"users": 1}, 1)
        read = await get(api, stated, stated, "/versions/1")
        assert (read.json(), version_of(read)) == (before, 1)

    async def test_two_are_compared_place_by_place(
        self, api: httpx.AsyncClient, stated: Holder
    ) -> None:
        changes = {"employees": 87, "revenue": {"amount": 1}, "users": 1, "must": None}
        await patch(api, stated, changes, 1)
        found = (await get(api, stated, stated, "/versions/2/diff?from=1")).json()
        assert found == {
            "organisation_id": str(stated.organisation_id),
            "from_version": 1,
            "to_version": 2,
            "changes": [
                {"pointer": "#/employees", "before": 86, "after": 87},
                {"pointer": "#/must", "before": FACTS["must"], "after": None},
                {"pointer": "#/revenue/amount", "before": 3_200_000_000, "after": 1},
                {"pointer": "#/users", "before": None, "after": 1},
            ],
        }
        same = (await get(api, stated, stated, "/versions/2/diff?from=2")).json()
        assert same["changes"] == []

    @pytest.mark.parametrize(
        "rest", ["/versions/2", "/versions/2/diff?from=1", "/versions/1/diff?from=2"]
    )
    async def test_what_was_never_stated_is_not_found(
        self, api: httpx.AsyncClient, stated: Holder, rest: str
    ) -> None:
        assert told(await get(api, stated, stated, rest)) == (404, "profile_not_found", [])

    @pytest.mark.parametrize(
        ("rest", "pointer"),
        [
            ("/versions/1/diff", "#/query/from"),
            ("/versions/1/diff?from=0", "#/query/from"),
            ("/versions/0", "#/path/number"),
        ],
    )
    async def test_a_number_that_is_none_is_pointed_at(
        self, api: httpx.AsyncClient, stated: Holder, rest: str, pointer: str
    ) -> None:
        assert told(await get(api, stated, stated, rest)) == (422, "invalid_content", [pointer])


class TestReaders:
    async def test_an_operator_reads_and_does_not_write(
        self, api: httpx.AsyncClient, engine: AsyncEngine, stated: Holder
    ) -> None:
        operator = await holder(engine, OrganisationRole.OPERATOR)
        for rest in ("", "/versions", "/versions/1", "/versions/1/diff?from=1"):
            assert (await get(api, operator, stated, rest)).status_code == 200
        headers = {**operator.headers, "If-Match": '"1"'}
        refused = await api.put(path(stated), json=FACTS, headers=headers)
        assert told(refused)[:2] == (403, "role_missing")

    @pytest.mark.parametrize(
        "roles",
        [
            (OrganisationRole.SME,),
            (OrganisationRole.AGENCY,),
            (OrganisationRole.SME, OrganisationRole.PROVIDER),
        ],
    )
    async def test_to_everybody_else_it_is_as_if_there_were_none(
        self,
        api: httpx.AsyncClient,
        engine: AsyncEngine,
        stated: Holder,
        roles: tuple[OrganisationRole, ...],
    ) -> None:
        stranger, nobody = await holder(engine, *roles), uuid4()
        for rest in ("", "/versions", "/versions/1", "/versions/1/diff?from=1"):
            hidden = await get(api, stranger, stated, rest)
            missing = await get(api, stranger, nobody, rest)
            assert hidden.status_code == missing.status_code == 404
            assert alike(hidden) == alike(missing)

    async def test_nor_can_anybody_else_state_it(
        self, api: httpx.AsyncClient, engine: AsyncEngine, stated: Holder
    ) -> None:
        stranger, nobody = await holder(engine), uuid4()
        both = await holder(engine, OrganisationRole.SME, OrganisationRole.OPERATOR)
        for caller in (stranger, both):
            for method, headers in (
                ("PUT", {}),
                ("PUT", {"If-Match": '"1"'}),
                ("PATCH", {"If-Match": '"1"', **MERGE_PATCH}),
            ):
                refused = [
                    await api.request(
                        method,
                        path(firm),
                        content=b'{"users": 1}',
                        headers={"Content-Type": "application/json", **headers, **caller.headers},
                    )
                    for firm in (stated, nobody)
                ]
                assert {answer.status_code for answer in refused} == {404}
                assert alike(refused[0]) == alike(refused[1])

    async def test_an_operator_who_is_not_verified_reads_nothing(
        self, api: httpx.AsyncClient, engine: AsyncEngine, stated: Holder
    ) -> None:
        draft = await holder(
            engine,
            OrganisationRole.SME,
            OrganisationRole.OPERATOR,
            state=OrganisationState.SUBMITTED,
        )
        assert (await get(api, draft, stated)).status_code == 404

    async def test_without_a_key_or_its_scope_nothing_is_answered(
        self, api: httpx.AsyncClient, engine: AsyncEngine, stated: Holder
    ) -> None:
        assert told(await api.get(path(stated)))[:2] == (401, "unauthenticated")
        reader = await holder(engine, scopes=frozenset({Scope.PROFILES_READ}))
        assert told(await put(api, reader, FACTS))[:2] == (403, "scope_missing")
        provider = await holder(engine, OrganisationRole.PROVIDER, scopes=frozenset(Scope))
        assert told(await put(api, provider, FACTS))[:2] == (403, "scope_missing")


class TestContent:
    @pytest.mark.parametrize(
        ("facts", "pointers"),
        [
            ({"industries": ["C3311", "Z9"]}, ["#/industries/1"]),
            ({"region": "999999"}, ["#/region"]),
            ({"scenes": {"alchemy": 1}}, ["#/scenes/alchemy"]),
            ({"revenue": {"amount": 1, "currency": "XYZ"}}, ["#/revenue/currency"]),
            (
                {"chain_role": "nothing", "must": {"field": "offering.nothing", "op": "exists"}},
                ["#/chain_role", "#/must/field"],
            ),
        ],
    )
    async def test_what_does_not_exist_is_pointed_at(
        self,
        api: httpx.AsyncClient,
        stated: Holder,
        facts: dict[str, Any],
        pointers: list[str],
    ) -> None:
        expected = (422, "unusable_input", pointers)
        assert told(await put(api, stated, {**FACTS, **facts}, 1)) == expected
        assert told(await patch(api, stated, facts, 1)) == expected

    @pytest.mark.parametrize(
        "name",
        [
            "organisation_id",
            "version",
            "scale_basis",
            "scale_scheme",
            "completeness",
            "derived",
            "stated_by",
            "created_at",
        ],
    )
    async def test_what_the_platform_says_cannot_be_stated(
        self, api: httpx.AsyncClient, stated: Holder, name: str
    ) -> None:
        expected = (422, "invalid_content", [f"#/{name}"])
        assert told(await put(api, stated, {**FACTS, name: "official"}, 1)) == expected
        assert told(await patch(api, stated, {name: "official"}, 1)) == expected

    @pytest.mark.parametrize(
        ("language", "question", "result", "title"),
        [
            ("zh", "贵企业在哪个市？", "综合判定：小型。", "没有这份企业档案"),
            ("en", "In which city is your company?", "Result: small.", "No such profile"),
        ],
    )
    async def test_every_text_is_in_the_asked_language(
        self,
        api: httpx.AsyncClient,
        stated: Holder,
        *,
        language: str,
        question: str,
        result: str,
        title: str,
    ) -> None:
        found = await get(api, stated, stated, **{"Accept-Language": language})
        derived = found.json()["derived"]
        assert found.headers["Content-Language"] == language
        assert derived["missing"][0] == {"field": "profile.region", "question": question}
        assert derived["scale_explanation"][-1] == result
        missing = await get(api, stated, uuid4(), **{"Accept-Language": language})
        assert missing.json()["title"] == title


def alike(refused: httpx.Response) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer without what differs from request to request."""
    body = {name: value for name, value in refused.json().items() if name != "instance"}
    headers = {n: v for n, v in refused.headers.items() if n.lower() != "x-request-id"}
    return body, headers
