"""Every response is as the committed document says: the short form of `test_conformance`."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contract.conftest import listening, stocked
from tests.identities import holder

from matchmaker.app import Released
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.identity.models import OrganisationRole as R

COMMITTED = Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json"
EXAMPLES = 15
MATCHES = 45
"""Of `POST /v1/match`: one body in twenty that are drawn for it is sound."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""What every response is held to. Left out, each with its reason:

- positive_data_acceptance: rules, codes and cursors have a meaning that no schema can hold, so a
  request of the right shape may still be refused (422 `unusable_input`, 400 `cursor_invalid`); and
  JSON Schema's `integer` admits 79.0, which the strict reader refuses on purpose.
- negative_data_rejection: a query text such as `limit=%31` is schema-invalid as generated and valid
  as sent. Unknown fields and wrong media types are held below, by name.
- unsupported_method, missing_required_header: held in test_http_edges.py.
- ignored_auth: held for every operation, scope and role in test_access.py.
- use_after_free, ensure_resource_availability: each operation is drawn on its own here, not in
  sequences.
"""

Document = dict[str, Any]
APIOperation: TypeAlias = schemathesis.APIOperation[Any, Any, Any, Any]
Case: TypeAlias = schemathesis.Case[Any]


@pytest.fixture(scope="session")
def document() -> Document:
    found: Document = msgspec.json.decode(COMMITTED.read_bytes())
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_database(released: Released) -> AsyncIterator[Database]:
    """The demo pool once more: what operators and providers draw is published in it."""
    async with stocked(released) as found:
        yield found


@pytest.fixture(scope="module")
def own_address(own_database: Database, released: Released) -> Iterator[str]:
    """Where the API on it listens."""
    with listening(own_database, released) as address:
        yield address


NEED = {"need": {"kind": "solution"}}
BODIES: dict[str, Document] = {
    "/v1/match": NEED,
    "/v1/match/explain": {**NEED, "offering_id": "0"},
}
"""A sound body of the operations whose drawn ones name what is nobody's."""

STORED = {"profile_id", "need_id", "persist"}
"""What of a match names something stored: drawn ids are nobody's, so it is asked again without."""


def credential(database: Database, roles: tuple[R, ...]) -> dict[str, str]:
    """The header of a new organisation of ``roles``."""

    async def made() -> dict[str, str]:
        engine = db.create_engine(database.url, database.settings)
        try:
            return (await holder(engine, *roles)).headers
        finally:
            await engine.dispose()

    return asyncio.run(made())


def exercise(
    operation: APIOperation, address: str, examples: int, headers: dict[str, str] | None = None
) -> set[int]:
    """The statuses that drawn requests met; a response that breaks a check raises."""
    seen: set[int] = set()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def hold(case: Case) -> None:
            seen.add(met(case, address, headers))
            if operation.path in BODIES and isinstance(case.body, dict):
                drawn = {name: v for name, v in case.body.items() if name not in STORED and v}
                case.body = {**BODIES[operation.path], **drawn}
                seen.add(met(case, address, headers))

        hold()
    return seen


def met(case: Case, address: str, headers: dict[str, str] | None) -> int:
    """The status of the answer, which fits its description."""
    answer = case.call(base_url=address, headers=headers)
    case.validate_response(answer, checks=CHECKS)
    return int(answer.status_code)


class TestAnswers:
    """The document against the running API on the demo pool."""

    @pytest.mark.parametrize("roles", [(), (R.SME,), (R.OPERATOR, R.PROVIDER)], ids=str)
    def test_every_response_conforms(
        self, own_address: str, own_database: Database, roles: tuple[R, ...]
    ) -> None:
        """Requests drawn from the document, sound and unsound: no 5xx, nothing undocumented.

        By nobody, by a firm, by an operator; each operation by another one, for some end a key.
        """
        schema = schemathesis.openapi.from_url(f"{own_address}/openapi.json")
        seen: dict[str, set[int]] = {}
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            headers = credential(own_database, roles) if roles else None
            label = found.ok().label
            examples = MATCHES if label == "POST /v1/match" else EXAMPLES
            seen[label] = exercise(found.ok(), own_address, examples, headers)
        assert len(seen) >= 30
        assert {200, 422} <= seen["POST /v1/match"]
        assert {404, 422} <= seen["POST /v1/match/explain"]
        if roles:
            assert seen["GET /v1/me"] >= {200}
            assert not any(seen[name] <= {401} for name in seen)
        else:
            assert seen["GET /v1/me"] <= {400, 401}

    def test_a_response_that_does_not_conform_is_caught(
        self, own_address: str, document: Document
    ) -> None:
        """The control: the document promises a member that no answer has."""
        doctored = copy.deepcopy(document)
        doctored["components"]["schemas"]["MatchAnswer"]["required"].append("colour")
        schema = schemathesis.openapi.from_dict(doctored)
        with pytest.raises(FailureGroup):
            exercise(schema["/v1/match"]["POST"], own_address, MATCHES)
