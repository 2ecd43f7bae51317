"""Nothing is set by being sent along: every name of an answer, in every body that is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
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
from matchmaker.core import db, http, wire
from matchmaker.identity.models import OrganisationRole
from matchmaker.released import Released

DOCUMENT = json.loads(
    (Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json").read_text("utf-8")
)
TAKING = [o for o in OPERATIONS if o.takes_a_body and o.id not in RAW]
UNKNOWN = ("invalid_content", "unknown_field")
TEMPTING = {"id", "organisation_id", "state", "score", "verified_by", "created_at"}
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
    assert {*ANSWERED} >= TEMPTING


def refusal(error: wire.InvalidContent) -> tuple[str, str]:
    return error.slug, error.errors[0].code


def taken(body: dict[str, Any], read_as: Any, names: Iterable[str]) -> set[str]:  # noqa: ANN401
    """Those of the names that may stand in the body, read as it is for the operation."""
    found = set()
    for name in names:
        try:
            wire.decode(msgspec.json.encode({**body, name: "verified"}), read_as)
        except wire.InvalidContent as error:
            if refusal(error) == UNKNOWN:
                continue
        found.add(name)
    return found


@pytest.mark.asvs("V15.3.3")
@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_no_name_of_an_answer_is_taken(
    world: tuple[httpx.AsyncClient, AsyncEngine],
    monkeypatch: pytest.MonkeyPatch,
    operation: Operation,
) -> None:
    """All at once and the tempting ones singly are sent; what the request was read with is noted.

    Every one is then given to that reader singly, which is all that a request would do with it.
    """
    api, engine = world
    read: list[tuple[bytes, Any]] = []

    def noting(body: bytes, target: Any) -> Any:  # noqa: ANN401
        read.append((body, target))
        return wire.decode(body, target)

    monkeypatch.setattr(http, "wire", SimpleNamespace(**{**vars(wire), "decode": noting}))
    owner = await holder(engine, *OrganisationRole)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    headers = owner.headers
    if operation.wanted.by_person:
        headers = (await sitter(engine, owner.organisation_id)).headers
    before = await fingerprint(engine)
    names = {*ANSWERED} - TAKEN[operation.id]
    tempting = sorted(names & TEMPTING)
    read.clear()
    for sent in (sorted(names), *([name] for name in tempting)):
        said = dict[str, Any](dict.fromkeys(sent, "verified"))
        answer = await call(api, operation, headers, ids, **said)
        assert answer.status_code == 422, sent
        told = answer.json()
        assert (told["code"], told["errors"][0]["code"]) == UNKNOWN
    assert await fingerprint(engine) == before

    # One reading for each request, of the one type.
    assert len(read) == 1 + len(tempting)
    (read_as,) = {target for _, target in read}
    assert names <= {*json.loads(read[0][0])}
    assert taken(BODIES[operation.id], read_as, names) == set()


def test_a_single_name_that_is_taken_is_found() -> None:
    """The control: one too many of all those names, at its top."""

    class Careless(msgspec.Struct, forbid_unknown_fields=True):
        name: str
        verified_by: str | None = None

    assert taken({"name": "A"}, Careless, ANSWERED) == {"name", "verified_by"}

    class Careful(msgspec.Struct):
        name: str

    assert taken({"name": "A"}, Careful, ANSWERED) == {*ANSWERED}


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
        for name in sorted(TEMPTING):
            changed = {where: {**part, name: "verified"}}
            answer = await call(api, operation, owner.headers, ids, **changed)
            assert answer.status_code in {400, 422}, (where, name)
    assert await fingerprint(engine) == before
