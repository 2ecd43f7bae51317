"""The committed OpenAPI document is the generated one, complete, and true for every response."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import msgspec
import pytest
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
from tests.identities import holder

from matchmaker.cli.contract import contract
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.edges import EVERYWHERE
from matchmaker.core.errors import MatchmakerError
from matchmaker.identity.models import OrganisationRole as R

COMMITTED = Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json"
METHODS = ("get", "post", "put", "patch", "delete")
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


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def kinds(root: type[MatchmakerError] = MatchmakerError) -> Iterator[type[MatchmakerError]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith("matchmaker."):
            yield kind
        yield from kinds(kind)


def problem_responses(operation: Document) -> Iterator[tuple[int, Document]]:
    for status, response in operation["responses"].items():
        if "application/problem+json" in response.get("content", {}):
            yield int(status), response


def named_problems(operation: Document) -> Iterator[tuple[int, str]]:
    for status, response in problem_responses(operation):
        for slug in re.findall(r"`(\w+)`", response["description"]):
            yield status, slug


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_bytes() == contract(), "run `make openapi`"


def test_the_document_does_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHMAKER_PORT", "9999")
    assert contract() == COMMITTED.read_bytes()


class TestOperations:
    def test_ids_are_unique_and_tags_are_given(self, document: Document) -> None:
        found = list(operations(document))
        ids = [operation["operationId"] for _, _, operation in found]
        assert len(set(ids)) == len(ids) >= 12
        assert all(re.fullmatch(r"[a-z]+[A-Za-z]*", id_) for id_ in ids)
        assert all(operation["tags"] for _, _, operation in found)

    def test_each_is_described_in_a_sentence(self, document: Document) -> None:
        assert not undescribed(document)

    def test_a_description_that_says_nothing_is_caught(self, document: Document) -> None:
        """The control: a description made of the operation's own name."""
        doctored = copy.deepcopy(document)
        doctored["paths"]["/v1/match"]["post"]["description"] = "Match."
        assert set(undescribed(doctored)) - set(undescribed(document)) == {"match"}

    def test_each_names_the_problems_it_may_answer(self, document: Document) -> None:
        by_slug = {kind.slug: kind.status for kind in kinds() if hasattr(kind, "slug")}
        everywhere = {kind.slug for kind in EVERYWHERE if kind.status in {400, 422}}
        for _, path, operation in operations(document):
            named = dict((slug, status) for status, slug in named_problems(operation))  # noqa: C402
            assert everywhere <= named.keys(), path
            assert {500} <= {status for status, _ in problem_responses(operation)}, path
            for slug, status in named.items():
                assert by_slug[slug] == status, (path, slug)

    def test_the_match_names_its_own_problems(self, document: Document) -> None:
        named = {slug for _, slug in named_problems(document["paths"]["/v1/match"]["post"])}
        assert {"unusable_input", "index_not_ready", "storing_needs_account"} <= named
        explain = document["paths"]["/v1/match/explain"]["post"]
        assert (404, "offering_not_considered") in set(named_problems(explain))

    def test_each_parameter_says_what_it_takes(self, document: Document) -> None:
        silent = [
            (path, parameter["name"])
            for _, path, operation in operations(document)
            for parameter in operation.get("parameters", ())
            if not parameter.get("schema")
        ]
        assert not silent


def undescribed(document: Document) -> list[str]:
    """Operations whose description adds nothing to their name."""
    found = []
    for _, _, operation in operations(document):
        said = operation.get("description", "")
        name = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+", operation["operationId"])}
        new = {word.lower() for word in re.findall(r"[A-Za-z]{3,}", said)} - name
        if len(new) < 4 or "." not in said:
            found.append(operation["operationId"])
    return found


class TestBodies:
    def test_no_request_body_takes_a_field_that_is_not_described(self, document: Document) -> None:
        assert not open_objects(document)

    def test_an_open_body_is_caught(self, document: Document) -> None:
        """The control: the profile admits anything."""
        doctored = copy.deepcopy(document)
        del doctored["components"]["schemas"]["ProfileFacts"]["additionalProperties"]
        assert "ProfileFacts" in open_objects(doctored)

    def test_every_reference_resolves(self, document: Document) -> None:
        known = document["components"]["schemas"].keys()
        assert set(references(document)) <= known

    def test_every_schema_is_used(self, document: Document) -> None:
        assert set(references(document)) == document["components"]["schemas"].keys()


def references(value: object) -> Iterator[str]:
    for member in walk(value):
        if isinstance(reference := member.get("$ref"), str):
            yield reference.rpartition("/")[2]


def walk(value: object) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def open_objects(document: Document) -> list[str]:
    """Schemas reachable from a request body that describe an object and admit unknown members."""
    schemas = document["components"]["schemas"]
    waiting = [
        name
        for _, _, operation in operations(document)
        for name in references(operation.get("requestBody", {}))
    ]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(references(schemas[name]))
    return [
        name
        for name in sorted(seen)
        if "properties" in schemas[name] and schemas[name].get("additionalProperties") is not False
    ]


NEED = {"need": {"kind": "solution"}}
BODIES: dict[str, Document] = {
    "/v1/match": NEED,
    "/v1/match/explain": {**NEED, "offering_id": "0"},
    "/v1/scale": {},
}
"""A sound body of each public operation that takes one; those of the others are held to the same
in test_access.py.
"""


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
        self, demo_address: str, demo_database: Database, roles: tuple[R, ...]
    ) -> None:
        """Requests drawn from the document, sound and unsound: no 5xx, nothing undocumented.

        By nobody, by a firm, by an operator; each operation by another one, for some end a key.
        """
        schema = schemathesis.openapi.from_url(f"{demo_address}/openapi.json")
        seen: dict[str, set[int]] = {}
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            headers = credential(demo_database, roles) if roles else None
            label = found.ok().label
            examples = MATCHES if label == "POST /v1/match" else EXAMPLES
            seen[label] = exercise(found.ok(), demo_address, examples, headers)
        assert len(seen) >= 30
        assert {200, 422} <= seen["POST /v1/match"]
        assert {404, 422} <= seen["POST /v1/match/explain"]
        if roles:
            assert seen["GET /v1/me"] >= {200}
            assert not any(seen[name] <= {401} for name in seen)
        else:
            assert seen["GET /v1/me"] <= {400, 401}

    def test_a_response_that_does_not_conform_is_caught(
        self, demo_address: str, document: Document
    ) -> None:
        """The control: the document promises a member that no answer has."""
        doctored = copy.deepcopy(document)
        doctored["components"]["schemas"]["MatchAnswer"]["required"].append("colour")
        schema = schemathesis.openapi.from_dict(doctored)
        with pytest.raises(FailureGroup):
            exercise(schema["/v1/match"]["POST"], demo_address, MATCHES)

    def test_the_bodies_are_all_of_them(self, document: Document) -> None:
        takers = {
            path
            for _, path, operation in operations(document)
            if "requestBody" in operation and {} in operation["security"]
        }
        assert takers == BODIES.keys()

    @pytest.mark.parametrize("path", BODIES)
    async def test_a_field_that_is_not_described_is_refused(
        self, demo: httpx.AsyncClient, path: str
    ) -> None:
        sound = await demo.post(path, json=BODIES[path])
        answer = await demo.post(path, json={**BODIES[path], "colour": "red"})
        assert sound.status_code in {200, 404}
        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid_content"

    @pytest.mark.parametrize("path", BODIES)
    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "text/json"])
    async def test_another_media_type_is_refused(
        self, demo: httpx.AsyncClient, path: str, media_type: str
    ) -> None:
        body = msgspec.json.encode(BODIES[path])
        answer = await demo.post(path, content=body, headers={"Content-Type": media_type})
        assert answer.status_code == 415
        assert answer.json()["code"] == "wrong_media_type"

    async def test_the_served_document_is_the_committed_one(
        self, demo: httpx.AsyncClient, document: Document
    ) -> None:
        assert (await demo.get("/openapi.json")).json() == document
