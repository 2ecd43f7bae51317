"""What the tests of the match ask, and how they read the answer."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx

Body = dict[str, Any]

PROFILE: Body = {
    "industries": ["C3074"],
    "region": "445100",
    "employees": 75,
    "machines": 14,
    "revenue": {"amount": 1_850_000_000, "currency": "CNY"},
    "scenes": {"quality": 0, "process_design": 0},
    "goals": {"quality": 0.6, "cost": 0.4},
}
NEED: Body = {
    "kind": "solution",
    "text": "Pinholes and black specks on glazed bowls; which kiln car did they come from?",
    "scenes": ["quality"],
    "categories": ["machine_vision_qc"],
    "budget": {"amount": 20_000_000, "currency": "CNY"},
    "ready_by": "2027-10-15",
    "must": {"all": [{"field": "offering.deployment", "op": "in", "value": ["on_premises"]}]},
    "prefer": [{"field": "offering.languages", "op": "overlaps", "value": ["en"]}],
}
ASK: Body = {"profile": PROFILE, "need": NEED, "limit": 10, "persist": False}

HAN = re.compile("[\u4e00-\u9fff]")


async def post(
    api: httpx.AsyncClient, body: object, *, path: str = "", language: str = "en"
) -> httpx.Response:
    return await api.post(f"/v1/match{path}", json=body, headers={"Accept-Language": language})


async def answered(api: httpx.AsyncClient, body: Body, language: str = "en") -> Body:
    answer = await post(api, body, language=language)
    assert answer.status_code == 200, answer.text
    found: Body = answer.json(parse_float=Decimal)
    return found


async def refused(
    api: httpx.AsyncClient, body: Body, status: int = 422, language: str = "en"
) -> list[Body]:
    answer = await post(api, body, language=language)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    errors: list[Body] = answer.json()["errors"]
    return errors


def asking(**need: object) -> Body:
    return {**ASK, "need": {**NEED, **need}}


def about(**profile: object) -> Body:
    return {**ASK, "profile": {**PROFILE, **profile}}


def millionths(value: object) -> int:
    """The whole number of millionths that the printed number says, exactly."""
    exact = Decimal(str(value)) * 1_000_000
    assert exact == int(exact), value
    return int(exact)


async def offering_ids(api: httpx.AsyncClient, kind: str) -> list[str]:
    found: list[str] = []
    query: dict[str, str | int] = {"kind": kind, "limit": 100}
    while True:
        page = (await api.get("/v1/offerings", params=query)).json()
        found += [item["id"] for item in page["items"]]
        if page["page"]["next"] is None:
            return found
        query["cursor"] = page["page"]["next"]
