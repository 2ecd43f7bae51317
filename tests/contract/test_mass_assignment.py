"""Nothing is set by being sent along: every name of an answer, in every body that is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.calling import OPERATIONS, Operation, call, parameters
from tests.contract.conftest import stocked
from tests.contract.owned import BODIES, RAW, World, things
from tests.identities import holder, sitter

from matchmaker.app import installed
from matchmaker.core import db
from matchmaker.identity.models import OrganisationRole
from matchmaker.released import Released

DOCUMENT = json.loads(
    (Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json").read_text("utf-8")
)
TAKING = [o for o in OPERATIONS if o.takes_a_body and o.id not in RAW]
REFUSED = {"invalid_content", "unusable_input"}
TABLES = """
    select table_name from information_schema.tables
    where table_schema = 'mm' and table_type = 'BASE TABLE' order by 1
"""
# When a key or a session was last used is noted by whatever is asked with it.
DIGEST = """
    select md5(coalesce(string_agg(said::text, '' order by said), ''))
    from (select to_jsonb(r) - array['last_used_at', 'seen_at'] as said from mm.{table} r) as rows
"""


def _names(schema: Any, seen: set[str]) -> Iterator[str]:  # noqa: ANN401
    """The members of a schema and of those in it."""
    if not isinstance(schema, dict):
        return
    if (reference := schema.get("$ref")) is not None:
        if reference in seen:
            return
        seen.add(reference)
        schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
    inner = [each for kind in ("oneOf", "anyOf", "allOf") for each in schema.get(kind, ())]
    inner += [schema.get("items"), schema.get("additionalProperties")]
    for name, each in schema.get("properties", {}).items():
        yield name
        inner.append(each)
    for each in inner:
        yield from _names(each, seen)


def _contents(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for content in said.get("content", {}).values():
        yield content["schema"]


def _said(part: str) -> dict[str, set[str]]:
    """By operation the names at any depth of its answers, or at the top of what it takes."""
    found: dict[str, set[str]] = {}
    for methods in DOCUMENT["paths"].values():
        for said in methods.values():
            if part == "answers":
                schemas = [each for one in said["responses"].values() for each in _contents(one)]
                found[said["operationId"]] = {n for each in schemas for n in _names(each, set())}
            else:
                schemas = list(_contents(said.get("requestBody", {})))
                found[said["operationId"]] = {n for each in schemas for n in _top(each)}
    return found


def _top(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for kind in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(kind, ()):
            yield from _top(each)
    yield from schema.get("properties", {})


def inner_of(operation: Operation) -> list[tuple[str, dict[str, Any]]]:
    """The objects in the sound body of the operation."""
    body = BODIES[operation.id]
    return [(name, part) for name, part in body.items() if isinstance(part, dict)]


HOLDING = [operation for operation in TAKING if inner_of(operation)]
ANSWERED = sorted(set().union(*_said("answers").values()))
TAKEN = _said("bodies")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(released: Released) -> AsyncIterator[tuple[httpx.AsyncClient, AsyncEngine]]:
    async with stocked(released) as found:
        engine = db.create_engine(found.url, found.settings, acting=db.INSTALLATION)
        async with client_of(installed(found.settings, engine, released)) as api:
            yield api, engine
        await engine.dispose()


async def fingerprint(engine: AsyncEngine) -> dict[str, object]:
    """By table a digest of all its rows."""
    found = {}
    async with engine.begin() as connection:
        for table in list(await connection.scalars(text(TABLES))):
            found[table] = await connection.scalar(text(DIGEST.format(table=table)))
    return found


def test_there_is_something_to_send() -> None:
    assert len(ANSWERED) > 300
    assert len(TAKING) >= 42
    assert {"id", "organisation_id", "state", "verified_by", "score", "created_at"} <= {*ANSWERED}


@pytest.mark.asvs("V15.3.3")
@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_no_name_of_an_answer_is_taken(
    world: tuple[httpx.AsyncClient, AsyncEngine], operation: Operation
) -> None:
    api, engine = world
    owner = await holder(engine, *OrganisationRole)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    headers = owner.headers
    if operation.wanted.by_person:
        headers = (await sitter(engine, owner.organisation_id)).headers
    before = await fingerprint(engine)
    for name in sorted({*ANSWERED} - TAKEN[operation.id]):
        answer = await call(api, operation, headers, ids, **dict[str, Any]({name: "verified"}))
        assert answer.status_code == 422, name
        said = answer.json()
        assert (said["code"], said["errors"][0]["code"]) == ("invalid_content", "unknown_field")
    assert await fingerprint(engine) == before


@pytest.mark.parametrize("operation", HOLDING, ids=str)
async def test_nor_is_one_further_in(
    world: tuple[httpx.AsyncClient, AsyncEngine], operation: Operation
) -> None:
    """In each object of a sound body."""
    api, engine = world
    owner = await holder(engine, *OrganisationRole)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    before = await fingerprint(engine)
    for where, part in inner_of(operation):
        for name in ("id", "organisation_id", "state", "score", "verified_by", "created_at"):
            changed = {where: {**part, name: "verified"}}
            answer = await call(api, operation, owner.headers, ids, **changed)
            assert answer.status_code in {400, 422}, (where, name)
    assert await fingerprint(engine) == before
