"""`matchmaker people`: who may log in, and how they are let in again."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.factories import taxonomy
from tests.identities import PASSWORD, holder
from tests.integration.cli.test_errors import Told, is_one_line, run

from matchmaker.app import create_app
from matchmaker.core.origin import HEADER
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.controllers import CONTROLLERS


async def log_in(api: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return await api.post("/v1/sessions", json=body, headers={HEADER: "test"})


async def test_from_nobody_to_a_login_and_a_reset(
    server: Server, engine: AsyncEngine, settings: Settings, tmp_path: Path
) -> None:
    def told(*arguments: str, password: str = PASSWORD) -> Told:
        secret = {"PERSON_PASSWORD": password}
        return run(tmp_path, "people", *arguments, DATABASE_URL=server.url("mm_app"), **secret)

    firm, email = await holder(engine), f"Lin-{uuid4().hex[:8]}@example.org"
    named = ("--organisation", str(firm.organisation_id), "--name", "Lin")
    short = told("add", email, *named, password="too short")  # noqa: S106
    assert is_one_line(short)
    missing = told("add", email, "--organisation", "nobody", "--name", "Lin")
    assert "OrganisationNotFound" in missing.err
    added = told("add", email, *named, "--role", "editor")
    assert added.code == 0, added.err
    assert is_one_line(told("add", email, *named)), "a second time"
    assert PASSWORD not in added.out + added.err

    dependencies = {"taxonomy": Provide(taxonomy, sync_to_thread=False)}
    app = create_app(settings, engine, controllers=CONTROLLERS, dependencies=dependencies)
    async with client_of(app) as api:
        begun = await log_in(api, email, PASSWORD)
        assert (begun.status_code, begun.json()["role"]) == (201, "editor")
        assert "PersonNotFound" in told("reset", "nobody@example.org").err
        assert told("reset", email, password="another password").code == 0  # noqa: S106
        assert (await log_in(api, email, PASSWORD)).status_code == 401
        assert (await log_in(api, email, "another password")).status_code == 201
    cookie = {"Cookie": begun.headers["set-cookie"].partition(";")[0]}
    async with client_of(
        create_app(settings, engine, controllers=CONTROLLERS, dependencies=dependencies)
    ) as api:
        assert (await api.get("/v1/me", headers=cookie)).status_code == 401
