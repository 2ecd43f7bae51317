"""`matchmaker keys`: the first key of an installation, and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.identities import bearer
from tests.integration.cli.test_errors import Told, is_one_line, run

from matchmaker.app import create_app
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity import keys
from matchmaker.identity.access import Scope
from matchmaker.identity.controllers import MeController


@pytest_asyncio.fixture(loop_scope="session")
async def api(engine: AsyncEngine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(settings, engine, controllers=[MeController])) as made:
        yield made


@pytest.fixture
def named() -> str:
    return f"ops-{uuid4().hex[:8]}"


async def test_from_nothing_to_a_key_and_to_its_end(
    server: Server, tmp_path: Path, named: str, api: httpx.AsyncClient
) -> None:
    def told(*arguments: str) -> Told:
        return run(tmp_path, "keys", *arguments, DATABASE_URL=server.url("mm_app"))

    missing = told("create", "--organisation", named)
    assert is_one_line(missing)
    assert "OrganisationNotFound" in missing.err

    first = told("create", "--organisation", named, "--create-organisation", "Operations")
    assert first.code == 0, first.err
    token = keys.read(first.out.removesuffix("\n"))
    assert token is not None, "the key alone is on standard output"
    assert token.secret not in first.err
    me = (await api.get("/v1/me", headers=bearer(token.text))).json()
    assert me["roles"] == ["operator"]
    assert me["organisation"]["state"] == "verified"
    assert set(me["scopes"]) == {scope.value for scope in Scope}
    assert me["key"]["created_by"] is None

    again = told(
        *("create", "--organisation", named, "--create-organisation", "Operations"),
        *("--scope", "needs:read", "--days", "3", "--name", "portal"),
    )
    other = keys.read(again.out.strip())
    assert other is not None
    scoped = (await api.get("/v1/me", headers=bearer(other.text))).json()
    assert scoped["organisation"]["id"] == me["organisation"]["id"]
    assert (scoped["key"]["name"], scoped["scopes"]) == ("portal", ["needs:read"])

    listed = told("list", "--organisation", me["organisation"]["id"]).out
    assert token.public_id in listed
    assert other.public_id in listed
    assert token.secret not in listed

    assert told("revoke", token.public_id).code == 0
    unknown = told("revoke", "zzzzzzzz")
    assert is_one_line(unknown)
    assert "KeyNotFound" in unknown.err
    shown = told("list", "--organisation", named).out.splitlines()
    (line,) = [line for line in shown if line.startswith(token.public_id)]
    assert line.split("\t")[4] != "-"


async def test_a_firm_is_given_no_more_than_its_roles(
    server: Server, tmp_path: Path, named: str
) -> None:
    refused = run(
        tmp_path,
        *("keys", "create", "--organisation", named, "--create-organisation", "松鹭阀门"),
        *("--role", "sme", "--scope", "pools:write"),
        DATABASE_URL=server.url("mm_app"),
    )
    assert is_one_line(refused)
    assert "pools:write" in refused.err
