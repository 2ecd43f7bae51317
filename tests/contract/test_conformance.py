"""The OpenAPI document is true; `test_conformance_of_statements` has half of the operations."""

from __future__ import annotations

import httpx
import pytest
from schemathesis.checks import CHECKS, load_all_checks
from tests.contract.conformance import (
    EXAMPLES,
    MANY,
    configured,
    hold,
    operations,
    perform,
)
from tests.contract.drawing import Drawn
from tests.contract.stage import OPERATOR, OWNER, Stage
from tests.contract.supplies import SUPPLIES

from matchmaker.released import Released


def test_every_operation_has_a_supply(stage: Stage) -> None:
    found = stage.api.get("/openapi.json").json()["paths"].values()
    named = {operation["operationId"] for item in found for operation in item.values()}
    assert named == SUPPLIES.keys(), "tests/contract/supplies.py: one entry for each operation"


def test_no_check_is_left_out(stage: Stage) -> None:
    schema = configured(stage, OWNER)
    load_all_checks()
    assert all(
        schema.config.checks.get_by_name(name=name).enabled
        for name in CHECKS.get_all_names()
        if name != "max_response_time"
    )


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.soak)])
def test_the_document_is_true(stage: Stage, released: Released, examples: int) -> None:
    hold(stage, released, operations(stage, stated=False), examples)


def test_a_response_that_does_not_conform_is_caught(stage: Stage, released: Released) -> None:
    """The control: the document promises a member that no answer has, to whoever asks."""
    document = stage.api.get("/openapi.json").json()
    document["paths"] = {path: document["paths"][path] for path in ("/v1/me", "/v1/match")}
    document["components"]["schemas"]["Me"]["required"].append("colour")
    drawn = Drawn()
    for caller in (OWNER, OPERATOR):
        schema = configured(stage, caller, document)
        found = perform(schema, stage, released, caller, drawn)
        assert found.findings
        assert all("response_schema_conformance" in finding for finding in found.findings)
        assert all("/v1/me" in finding for finding in found.findings)


def test_a_body_that_is_too_large_is_answered_not_cut_off(stage: Stage) -> None:
    """A server that closes on an unread body resets the connection: the 413 was lost with it."""
    body = b'{"need":{"kind":"solution","text":"' + b"a" * 900_000 + b'"}}'
    for _ in range(30):
        answer = httpx.post(
            f"{str(stage.api.base_url).rstrip('/')}/v1/match",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 413
