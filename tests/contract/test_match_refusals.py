"""What a match refuses, in words and at a place, and what it survives."""

from __future__ import annotations

import json

import httpx
import pytest
from tests.contract.match_calls import ASK, HAN, Body, about, answered, asking, post, refused


class TestRefusals:
    @pytest.mark.parametrize("limit", [1, 50])
    async def test_the_bounds_of_limit_are_in(self, demo: httpx.AsyncClient, limit: int) -> None:
        assert len((await answered(demo, {**ASK, "limit": limit}))["items"]) <= limit

    @pytest.mark.parametrize("limit", [0, 51, -1, "10", 1.5, 10.0, True, None, [10], 10**30])
    async def test_any_other_limit_is_refused(self, demo: httpx.AsyncClient, limit: object) -> None:
        errors = await refused(demo, {**ASK, "limit": limit})
        assert errors[0]["pointer"] == "#/limit"

    @pytest.mark.parametrize(
        "body",
        [
            {**ASK, "colour": "red"},
            asking(colour="red"),
            about(colour="red"),
            asking(budget={"amount": 1, "currency": "CNY", "colour": "red"}),
            about(revenue={"amount": 1, "currency": "CNY", "colour": "red"}),
        ],
    )
    async def test_an_unknown_field_is_refused(self, demo: httpx.AsyncClient, body: Body) -> None:
        assert await refused(demo, body)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "#"),
            ({"need": {}}, "#/need"),
            ({"need": {"kind": "policy"}}, "#/need/kind"),
            (
                {"need": {"kind": "solution", "budget": {"amount": 0, "currency": "CNY"}}},
                "#/need/budget/amount",
            ),
            (asking(ready_by="2026-02-30"), "#/need/ready_by"),
            (asking(budget={"amount": 5, "currency": "yuan"}), "#/need/budget/currency"),
            (about(employees=79.0), "#/profile/employees"),
            (about(scenes={"quality": 5}), "#/profile/scenes"),
        ],
    )
    async def test_a_wrong_shape_is_pointed_at(
        self, demo: httpx.AsyncClient, body: Body, pointer: str
    ) -> None:
        errors = await refused(demo, body)
        assert errors[0]["pointer"].startswith(pointer)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (asking(scenes=["quality", "alchemy"]), "#/need/scenes/1"),
            (asking(categories=["alchemy"]), "#/need/categories/0"),
            (asking(deployment=["alchemy"]), "#/need/deployment/0"),
            (asking(region="999999"), "#/need/region"),
            (about(industries=["C3074", "C9999"]), "#/profile/industries/1"),
            (about(region="999999"), "#/profile/region"),
            (about(scenes={"alchemy": 1}), "#/profile/scenes/alchemy"),
            (about(goals={"alchemy": 1}), "#/profile/goals/alchemy"),
            (about(systems=["alchemy"]), "#/profile/systems/0"),
            (about(chain_role="alchemist"), "#/profile/chain_role"),
        ],
    )
    async def test_an_unknown_code_is_pointed_at(
        self, demo: httpx.AsyncClient, body: Body, pointer: str
    ) -> None:
        for language in ("zh", "en"):
            (error,) = await refused(demo, body, language=language)
            assert (error["pointer"], error["code"]) == (pointer, "unknown_code")
            assert bool(HAN.search(error["message"])) == (language == "zh")

    async def test_every_fault_is_told_at_once(self, demo: httpx.AsyncClient) -> None:
        body = asking(scenes=["alchemy"], categories=["alchemy"], must={"any": []})
        errors = await refused(demo, {**body, "profile": {"region": "999999"}})
        assert [error["pointer"] for error in errors][:3] == [
            "#/profile/region",
            "#/need/scenes/0",
            "#/need/categories/0",
        ]
        assert errors[3]["pointer"].startswith("#/need/must")

    @pytest.mark.parametrize(
        ("rule", "pointer"),
        [
            ({"field": "offering.colour", "op": "in", "value": ["red"]}, "#/need/must"),
            (
                {"field": "offering.deployment", "op": "in", "value": ["moon"]},
                "#/need/must/value/0",
            ),
            ({"field": "offering.deployment", "op": "gte", "value": 3}, "#/need/must"),
            ({"field": "package.price", "op": "lte", "value": "much"}, "#/need/must"),
            ({"all": [{"maybe": 1}]}, "#/need/must/all/0"),
            ({"not": []}, "#/need/must"),
            ({"field": "package.price", "op": "about", "value": 3}, "#/need/must"),
            ({}, "#/need/must"),
            (
                {
                    "all": [
                        {"field": "package.weeks", "op": "lte", "value": 3},
                        {"field": "package.weeks", "op": "gte", "value": 9},
                    ]
                },
                "#/need/must",
            ),
        ],
    )
    async def test_a_rule_that_cannot_hold_is_told_in_both_languages(
        self, demo: httpx.AsyncClient, rule: Body, pointer: str
    ) -> None:
        for language in ("zh", "en"):
            errors = await refused(demo, asking(must=rule), language=language)
            assert errors[0]["pointer"].startswith(pointer)
            assert errors[0]["code"] == "invalid_rule"
            assert bool(HAN.search(errors[0]["message"])) == (language == "zh")

    async def test_a_preference_is_one_leaf(self, demo: httpx.AsyncClient) -> None:
        leaf = {"field": "package.weeks", "op": "lte", "value": 8}
        errors = await refused(demo, asking(prefer=[leaf, {"all": [leaf]}]))
        assert errors[0]["pointer"] == "#/need/prefer/1"


def nested(depth: int) -> Body:
    rule: Body = {"field": "package.weeks", "op": "lte", "value": 8}
    for _ in range(depth):
        rule = {"not": rule}
    return rule


def wide(leaves: int) -> Body:
    return {"any": [{"field": "package.weeks", "op": "lte", "value": n} for n in range(leaves)]}


LEAF: Body = {"field": "package.price", "op": "lte"}
HOSTILE: dict[str, object] = {
    "NUL in a text": asking(text="bowls\x00"),
    "NUL in a code": asking(scenes=["quality\x00"]),
    "NUL in a key": {**ASK, "\x00": 1},
    "NUL in a rule": asking(must={**LEAF, "value": "\x00"}),
    "lone surrogate": asking(text="\ud800"),
    "huge whole number": about(employees=10**400),
    "whole number past 64 bits": about(revenue={"amount": 2**64, "currency": "CNY"}),
    "huge number in a rule": asking(must={**LEAF, "value": 10**30}),
    "largest 64-bit number in a rule": asking(must={**LEAF, "value": 2**63 - 1}),
    "number past 64 bits in a rule": asking(must={**LEAF, "value": 2**64}),
    "negative number in a rule": asking(must={**LEAF, "value": -(2**63) - 1}),
    "huge fraction in a rule": asking(must={**LEAF, "value": 1e308}),
    "number between ends turned round": asking(must={**LEAF, "op": "between", "value": [9, 1]}),
    "long list of scenes": asking(scenes=["q"] * 10_000),
    "long list in a rule": asking(
        must={"field": "offering.categories", "op": "in", "value": ["q"] * 10_000}
    ),
    "long list of preferences": asking(prefer=[{}] * 10_000),
    "many keys": about(goals={f"g{n}": 0 for n in range(5_000)}),
    "rule 20 deep": asking(must=nested(20)),
    "rule 200 deep": asking(must=nested(200)),
    "rule 900 deep": asking(must=nested(900)),
    "rule with 800 leaves": asking(must=wide(800)),
    "rule that is a list in a list": asking(must={"all": [[[]]]}),
    "field that is no text": asking(must={"field": 7, "op": "in", "value": []}),
    "operator that is a list": asking(must={"field": "package.weeks", "op": [], "value": []}),
    "value that is an object": asking(must={**LEAF, "value": {"a": {"b": 1}}}),
    "least budget": asking(budget={"amount": 1, "currency": "CNY"}),
    "greatest budget": asking(budget={"amount": 10**12, "currency": "CNY"}),
    "first day": asking(ready_by="0001-01-01"),
    "last day": asking(ready_by="9999-12-31"),
    "greatest counts": about(employees=10**6, users=10**6, machines=10**6, sites=10**6),
    "greatest figures": about(revenue={"amount": 10**15, "currency": "CNY"}),
    "text of stop words": asking(text="的了和 the and of"),
    "text of signs": asking(text="?!?! ... %%% \t\n"),
    "long text": asking(text="陶瓷bowl " * 900),
    "right-to-left and joined letters": asking(text="\u202e\u0130\ufdfa" * 100),
    "no object": [],
    "nothing": None,
    "text alone": "match",
    "empty pools": {**ASK, "pools": []},
    "pools nobody holds": {**ASK, "pools": ["secret"]},
}


class TestHostileValues:
    @pytest.mark.parametrize("name", HOSTILE)
    async def test_it_is_answered_or_refused_in_words(
        self, demo: httpx.AsyncClient, name: str
    ) -> None:
        answer = await demo.post(
            "/v1/match",
            content=json.dumps(HOSTILE[name]).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {200, 400, 413, 422}, answer.text
        if answer.status_code == 200:
            funnel = answer.json()["funnel"]
            assert funnel["considered"] == sum(funnel["excluded"].values()) + funnel["scored"]
        else:
            assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            (b"", 422),
            (b'{"need": {"must": ' + b'{"not": ' * 5000 + b"{}" + b"}" * 5000 + b"}}", 400),
            (b"\xff\xfe", 400),
            (b"\xef\xbb\xbf{}", 400),
            (b'{"need": {"kind": "solution", "kind": "talent"}}', 400),
            (b'{"need": {"kind": "solution"}, "limit": NaN}', 400),
            (b'{"need": {"kind": "solution"}, "limit": 1e999}', 422),
            (b'{"need": {"kind": "solution"}, "limit": -0}', 422),
            (b"[" * 50_000, 400),
            (b'{"a":' * 10_000, 400),
            (b" " * 70_000, 413),
        ],
    )
    async def test_bytes_that_are_no_match_are_refused(
        self, demo: httpx.AsyncClient, raw: bytes, status: int
    ) -> None:
        answer = await demo.post(
            "/v1/match", content=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text

    @pytest.mark.parametrize("name", ["first day", "last day", "least budget", "greatest counts"])
    async def test_an_extreme_that_can_be_meant_is_answered(
        self, demo: httpx.AsyncClient, name: str
    ) -> None:
        assert (await post(demo, HOSTILE[name])).status_code == 200

    async def test_a_body_that_is_missing_is_told_as_such(self, demo: httpx.AsyncClient) -> None:
        for language in ("zh", "en"):
            headers = {"Content-Type": "application/json", "Accept-Language": language}
            answer = await demo.post("/v1/match", content=b"", headers=headers)
            assert answer.status_code in {400, 422}
            assert "data" not in answer.text.partition('"errors"')[2]
            said = answer.json()
            assert all(
                bool(HAN.search(each)) == (language == "zh")
                for each in (said["title"], *(error["message"] for error in said["errors"]))
            )
