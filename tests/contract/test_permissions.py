"""Every cell of the matrix, over HTTP: docs/permissions.md says who passes, the guard decides."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
import pytest_asyncio
from litestar import Controller, get
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contract.calling import GUARDED, OPERATIONS, Operation, call
from tests.contract.test_access import api, engine, own_database
from tests.identities import Sitter, another_key, holder, sitter

from matchmaker.app import create_app
from matchmaker.cli.contract import permitted
from matchmaker.core import access, db
from matchmaker.core.settings import Settings
from matchmaker.identity import authentication
from matchmaker.identity.access import Scope
from matchmaker.identity.models import MemberRole, OrganisationRole

__all__ = ["api", "engine", "own_database"]

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
Cell: TypeAlias = tuple[MemberRole, OrganisationRole]


def read() -> Iterator[tuple[str, str, dict[Cell, bool]]]:
    """The rows as published: the operation, what it needs, and whether each cell passes."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    for line in lines[2:]:
        name, needs, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        allowed = {
            (role, kind): said == "all" or kind.value in said.split()
            for role, said in zip(MemberRole, cells, strict=True)
            for kind in OrganisationRole
        }
        yield name.strip("`"), needs, allowed


ROWS = {name: (needs, allowed) for name, needs, allowed in read()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(engine: AsyncEngine) -> AsyncIterator[dict[Cell, Sitter]]:
    """Somebody in every role of an organisation of every role."""
    firms = {kind: await holder(engine, kind) for kind in OrganisationRole}
    yield {
        (role, kind): await sitter(engine, firms[kind].organisation_id, role)
        for role in MemberRole
        for kind in OrganisationRole
    }


@pytest.mark.asvs("V8.1.1")
def test_the_page_is_what_the_guard_reads() -> None:
    assert PAGE.read_text() == permitted(), "run make openapi"


def test_every_operation_has_its_row() -> None:
    assert ROWS.keys() == {operation.id for operation in OPERATIONS}


def test_an_operation_without_a_row_does_not_start() -> None:
    class SilentController(Controller):
        @get("/silent", operation_id="silent")
        async def silent(self) -> None:
            """Say nothing of who may call it."""

    settings = Settings(secret="s" * 32)
    engine = db.create_engine("postgresql://nobody@127.0.0.1:1/none", settings)
    with pytest.raises(access.AccessNotDeclared, match="GET /v1/silent"):
        create_app(settings, engine, controllers=[SilentController])


def is_past(operation: Operation, answer: httpx.Response) -> bool:
    """Whether the guard let the request pass, whatever came of it then.

    By what a file is of, exchange asks for a second scope or role: not those of the operation.
    """
    assert answer.status_code != 401, answer.text
    if answer.status_code != 403:
        return True
    told, (needs, _) = answer.json(), ROWS[operation.id]
    if told["code"] == "scope_missing":
        return bool(told["scope"] != needs)
    if told["code"] == "role_missing":
        return not operation.wanted.roles
    return bool(told["code"] != "session_needed")


async def wrong(
    api: httpx.AsyncClient, operation: Operation, people: dict[Cell, Sitter]
) -> list[Cell]:
    """The cells in which the guard does not do what the page says."""
    _, allowed = ROWS[operation.id]
    found = []
    for cell, caller in people.items():
        if is_past(operation, await call(api, operation, caller.headers)) is not allowed[cell]:
            found.append(cell)
    return found


# Logging out ends the session that the next cell would need.
TRIED = [operation for operation in GUARDED if operation.id != "logOut"]


@pytest.mark.asvs("V8.2.1", "V8.3.1")
@pytest.mark.parametrize("operation", TRIED, ids=str)
async def test_every_role_passes_where_the_page_says(
    api: httpx.AsyncClient, people: dict[Cell, Sitter], operation: Operation
) -> None:
    assert not await wrong(api, operation, people)


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_passes_where_the_page_names_its_scope(
    api: httpx.AsyncClient, engine: AsyncEngine, scope: Scope
) -> None:
    """Every operation with a key for one scope, of an organisation in every role."""
    owner = await holder(engine, *OrganisationRole)
    caller = await another_key(engine, owner, frozenset({scope}))
    for operation in TRIED:
        needs, _ = ROWS[operation.id]
        expected = needs in {scope.value, "whoever is known"}
        answer = await call(api, operation, caller.headers)
        assert is_past(operation, answer) is expected, operation.id


async def test_control_a_guard_that_looks_away_is_noticed(
    api: httpx.AsyncClient, people: dict[Cell, Sitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_check", lambda *_: None)
    (operation,) = (each for each in TRIED if each.id == "listMembers")
    assert set(await wrong(api, operation, people)) == {
        (MemberRole.AUDITOR, kind) for kind in OrganisationRole
    }


def test_the_page_names_roles_that_there_are() -> None:
    """The control of the reader: a word it does not know would count as a refusal."""
    words = {
        word
        for line in PAGE.read_text().splitlines()
        if line.startswith("| `")
        for cell in line.strip("|").split("|")[2:]
        for word in cell.split()
    }
    assert words <= {"-", "all", *(kind.value for kind in OrganisationRole)}
    assert re.search(r"^\| operation \| needs \|", PAGE.read_text(), flags=re.MULTILINE)
