"""Receipts over HTTP: what can be replayed, by whom, and what is said where it cannot."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from click.testing import CliRunner, Result
from tests.contract.match_calls import NEED, PROFILE, answered, post
from tests.identities import Holder, holder

from matchmaker.cli import commands
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.signing import Signer
from matchmaker.identity.models import OrganisationRole

Json = dict[str, Any]
ASKED: Json = {"profile": PROFILE, "need": NEED, "limit": 5}


async def receipt_of(demo: httpx.AsyncClient, by: Holder | None = None, **asked: object) -> Json:
    headers = {} if by is None else by.headers
    answer = await demo.post("/v1/match", json={**ASKED, **asked}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()["receipt"]
    return found


async def replayed(
    demo: httpx.AsyncClient,
    receipt: object,
    by: Holder | None = None,
    *,
    sign: bool = False,
    **asked: object,
) -> httpx.Response:
    headers = {} if by is None else by.headers
    body = {**ASKED, **asked, "receipt": receipt}
    query = {"sign": "true"} if sign else {}
    return await demo.post("/v1/match/replay", params=query, json=body, headers=headers)


async def test_the_same_question_gives_the_same_digest(demo: httpx.AsyncClient) -> None:
    receipt = await receipt_of(demo)
    answer = await replayed(demo, receipt)
    assert answer.status_code == 200
    assert answer.json() == {
        "reproduced": True,
        "digest": receipt["digest"],
        "receipt": receipt,
        "signature": None,
    }


@pytest.mark.parametrize(
    "changed",
    [{"limit": 6}, {"need": {**NEED, "scenes": ["energy"]}}, {"pools": ["x"]}, {"profile": None}],
    ids=lambda changed: next(iter(changed)),
)
async def test_another_question_does_not(demo: httpx.AsyncClient, changed: Json) -> None:
    answer = await replayed(demo, await receipt_of(demo), **changed)
    assert answer.json()["reproduced"] is False


async def test_a_flipped_byte_fails(demo: httpx.AsyncClient) -> None:
    receipt = await receipt_of(demo)
    for place in (7, 40, 70):
        flipped = receipt["digest"][:place] + ("0" if receipt["digest"][place] != "0" else "1")
        other = {**receipt, "digest": flipped + receipt["digest"][place + 1 :]}
        assert (await replayed(demo, other)).json()["reproduced"] is False
    later = {**receipt, "as_of": receipt["as_of"].replace(".", ".9")[:-2] + "Z"}
    assert (await replayed(demo, later)).json()["reproduced"] is False
    other = copy.deepcopy(receipt)
    other["versions"]["curation"] += 1
    assert (await replayed(demo, other)).status_code == 202


async def test_an_explanation_has_the_receipt_of_its_match(demo: httpx.AsyncClient) -> None:
    match = await answered(demo, ASKED)
    told = await post(
        demo, {**ASKED, "offering_id": match["items"][0]["offering_id"]}, path="/explain"
    )
    receipt = told.json()["receipt"]
    assert (await replayed(demo, receipt)).json()["reproduced"] is True


async def test_a_stored_run_is_replayed(demo: httpx.AsyncClient, demo_database: Database) -> None:
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    firm, stranger = await holder(engine), await holder(engine)
    await engine.dispose()
    stored = await demo.post("/v1/match", json={**ASKED, "persist": True}, headers=firm.headers)
    path = f"/v1/match-runs/{stored.json()['run_id']}/replay"
    answer = await demo.get(path, headers=firm.headers)
    assert answer.status_code == 200
    assert answer.json()["reproduced"] is True
    assert answer.json()["receipt"] == stored.json()["receipt"]
    assert (await demo.get(path, headers=stranger.headers)).status_code == 404
    assert (await demo.get(path)).status_code == 401


async def test_a_receipt_is_for_its_caller(
    demo: httpx.AsyncClient, demo_database: Database
) -> None:
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    firm, other = await holder(engine), await holder(engine)
    agency = await holder(engine, OrganisationRole.AGENCY)
    await engine.dispose()
    receipt = await receipt_of(demo, firm)
    assert (await replayed(demo, receipt, firm)).json()["reproduced"] is True
    for by in (None, other):
        refused = await replayed(demo, receipt, by)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_receipt")
    # A pool that the caller does not hold: what is in it is not for a forged receipt to show.
    mine = await receipt_of(demo, agency)
    forged = {**mine, "caller": f"{mine['caller']};pools:p-{uuid4().hex[:12]}"}
    refused = await replayed(demo, forged, agency)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_receipt")
    # What anybody could get is for everybody.
    assert (await replayed(demo, await receipt_of(demo), other)).json()["reproduced"] is True


@pytest.mark.parametrize(
    ("part", "value"), [("engine", "1"), ("rules", 2), ("index", {"base": 2**40, "delta": 0})]
)
async def test_what_was_never_answered_here_cannot_be_replayed(
    demo: httpx.AsyncClient, part: str, value: object
) -> None:
    receipt = await receipt_of(demo)
    other = {**receipt, "versions": {**receipt["versions"], part: value}}
    refused = await replayed(demo, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_replay")
    assert refused.json()["then"] == other["versions"]
    assert refused.json()["now"] == receipt["versions"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("as_of", "2026-13-45T08:00:00.000000Z"),
        ("as_of", "yesterday"),
        ("caller", "somebody"),
        ("caller", "organisation:1;pools:"),
        ("digest", "md5:0"),
    ],
)
async def test_what_is_no_receipt_is_refused(
    demo: httpx.AsyncClient, name: str, value: str
) -> None:
    answer = await replayed(demo, {**await receipt_of(demo), name: value})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"#/receipt/{name}"]


async def test_what_was_reproduced_is_signed_on_request(
    demo: httpx.AsyncClient, tmp_path: Path
) -> None:
    receipt = await receipt_of(demo)
    assert (await replayed(demo, receipt)).json()["signature"] is None
    told = await replayed(demo, receipt, sign=True)
    answer = tmp_path / "answer.json"
    answer.write_bytes(told.content)
    keys = tmp_path / "keys.json"
    keys.write_bytes((await demo.get("/v1/receipt-keys")).content)
    assert verified(answer, keys).exit_code == 0
    assert f"{receipt['digest']} as of {receipt['as_of']}" in verified(answer, keys).output
    # Another portal's keys.
    keys.write_bytes(msgspec.json.encode(Signer(b"another" * 5).keys()))
    assert verified(answer, keys).exit_code == 1


async def test_a_flipped_byte_of_a_signed_receipt_fails(
    demo: httpx.AsyncClient, tmp_path: Path
) -> None:
    told = (await replayed(demo, await receipt_of(demo), sign=True)).json()
    answer, keys = tmp_path / "answer.json", tmp_path / "keys.json"
    keys.write_bytes((await demo.get("/v1/receipt-keys")).content)
    for name, value in told["receipt"].items():
        changed = {
            "seed": 1,
            "caller": "organisation:" + "0" * 36,
            "versions": {**told["receipt"]["versions"], "curation": 99},
        }.get(name, str(value)[:-2] + ("0Z" if str(value)[-2] != "0" else "1Z"))
        if name == "digest":
            changed = value[:-1] + ("0" if value[-1] != "0" else "1")
        answer.write_text(json.dumps({**told, "receipt": {**told["receipt"], name: changed}}))
        done = verified(answer, keys)
        assert done.exit_code == 1, name
        assert "not verified" in done.output
    answer.write_text(json.dumps({**told, "signature": None}))
    assert "there is no signature" in verified(answer, keys).output


async def test_what_was_not_reproduced_is_not_signed(demo: httpx.AsyncClient) -> None:
    answer = await replayed(demo, await receipt_of(demo), sign=True, limit=6)
    assert answer.json()["reproduced"] is False
    assert answer.json()["signature"] is None


async def test_a_stored_run_is_signed(
    demo: httpx.AsyncClient, demo_database: Database, tmp_path: Path
) -> None:
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    firm = await holder(engine)
    await engine.dispose()
    stored = await demo.post("/v1/match", json={**ASKED, "persist": True}, headers=firm.headers)
    path = f"/v1/match-runs/{stored.json()['run_id']}/replay?sign=true"
    answer, keys = tmp_path / "answer.json", tmp_path / "keys.json"
    answer.write_bytes((await demo.get(path, headers=firm.headers)).content)
    keys.write_bytes((await demo.get("/v1/receipt-keys")).content)
    assert verified(answer, keys).exit_code == 0


def verified(answer: Path, keys: Path) -> Result:
    return CliRunner().invoke(commands, ["verify", str(answer), "--keys", str(keys)])
