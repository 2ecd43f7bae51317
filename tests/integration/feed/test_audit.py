"""The audit over HTTP, and proofs that an outsider verifies with nothing of ours."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from joserfc.errors import JoseError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.factories import SEEDS
from tests.hooks import SECRET, happened, record
from tests.identities import Holder, holder

from matchmaker.core.signing import Signer
from matchmaker.identity.models import OrganisationRole

Proof = dict[str, Any]


def page_code() -> Callable[[Proof, dict[str, Any]], dict[str, Any]]:
    """`verified` of docs/audit.md, as whoever reads the page would run it."""
    page = (SEEDS.parent / "docs" / "audit.md").read_text()
    code = re.search(r"(?ms)^    import hashlib.*?^        return event$", page)
    assert code is not None
    names: dict[str, Any] = {}
    exec(textwrap.dedent(code[0]), names)  # noqa: S102  (our own page)
    return names["verified"]  # type: ignore[no-any-return]


outsider = page_code()


def public_key() -> dict[str, Any]:
    return dict(msgspec.to_builtins(Signer(SECRET.encode()).keys()))


async def proof_of(api: httpx.AsyncClient, reader: Holder, position: int) -> httpx.Response:
    return await api.get(f"/v1/audit/{position}/proof", headers=reader.headers)


async def test_it_is_of_ones_own_newest_first(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm, other = await holder(engine), await holder(engine)
    last = await record(engine, *(happened(firm, uuid4()) for _ in range(5)))
    await record(engine, happened(other, uuid4()))
    found: list[int] = []
    query: str | None = ""
    while query is not None:
        answer = await api.get(f"/v1/audit?limit=2{query}", headers=firm.headers)
        page = answer.json()
        assert all(len(item["hash"]) == 64 for item in page["items"])
        found += [item["event"]["position"] for item in page["items"]]
        cursor = page["page"]["next"]
        query = None if cursor is None else f"&cursor={cursor}"
    assert found == list(range(last, last - 5, -1))


async def test_an_outsider_verifies_a_proof(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm = await holder(engine)
    subject = uuid4()
    position = await record(engine, happened(firm, subject))
    proof: Proof = {}
    for _ in range(3):
        await record(engine, *(happened(None, uuid4()) for _ in range(130)))
        proof = (await proof_of(api, firm, position)).json()
        event = outsider(proof, public_key())
        assert event["event"]["subject_id"] == str(subject)
        assert event["position"] == position
    # Others' events are not in it.
    assert len(json.dumps(proof)) < 4_000


async def test_no_proof_holds_that_was_changed(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm = await holder(engine)
    position = await record(engine, happened(firm, uuid4()), happened(None, uuid4()))
    proof: Proof = (await proof_of(api, firm, position - 1)).json()
    zeros = "0" * 64
    changes: list[Proof] = [
        {"content": proof["content"].replace("thing.made", "thing.mode")},
        {"previous_hash": zeros},
        {"hash": zeros},
        {"path": [zeros, *proof["path"][1:]]},
        {"path": proof["path"][1:]},
        {"head": {**proof["head"], "root": zeros}},
        {"head": {**proof["head"], "hash": zeros}},
        {"head": {**proof["head"], "position": proof["head"]["position"] + 1}},
        {"position": proof["position"] + 1},
    ]
    assert outsider(proof, public_key())
    for change in changes:
        with pytest.raises((AssertionError, ValueError, JoseError)):
            outsider({**proof, **change}, public_key())


async def test_only_ones_own_is_proved(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm, other = await holder(engine), await holder(engine)
    operator = await holder(engine, OrganisationRole.OPERATOR)
    position = await record(engine, happened(firm, uuid4()))
    assert (await proof_of(api, operator, position)).status_code == 200
    refused = [
        await proof_of(api, other, position),
        await proof_of(api, firm, position + 1),
        await proof_of(api, firm, 0),
        await proof_of(api, firm, 2**70),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (404, "event_not_found")
