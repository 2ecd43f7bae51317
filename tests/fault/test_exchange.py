"""A worker killed in the middle of an import leaves nothing; the next one writes it once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import migrated_server, reachable_directory
from tests.exchange import jsonl_of, transactions
from tests.factories import offering_line, provider_line
from tests.fault.trial import ROOT, environment
from tests.identities import Holder, holder

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange import service
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationRole, OrganisationState

OFFERINGS = 3000


@pytest_asyncio.fixture(loop_scope="session")
async def own_server() -> AsyncIterator[Server]:
    with reachable_directory() as place, migrated_server(place) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def own_engine(own_server: Server) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(own_server.url("mm_app"), Settings())
    yield made
    await made.dispose()


@contextlib.asynccontextmanager
async def working(server: Server, *options: str) -> AsyncIterator[Process]:
    """A worker process, killed at the end if it has not been before."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fault.exchange_program", server.url("mm_app"), *options),
        cwd=ROOT,
        env=environment(),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def hand_in(engine: AsyncEngine, operator: Holder, owner: str) -> UUID:
    """The job of an import of many offerings."""
    lines = [offering_line(provider=owner, external_id=f"o-{n}") for n in range(OFFERINGS)]
    principal = Principal(
        organisation_id=operator.organisation_id,
        roles=frozenset({OrganisationRole.OPERATOR}),
        state=OrganisationState.VERIFIED,
        key_id=operator.key_id,
        scopes=frozenset(Scope),
    )
    async with transactions(engine)() as session:
        made = await service.hand_in(
            session,
            principal,
            jsonl_of(provider_line(external_id=owner), *lines),
            kind=ExchangeKind.OFFERINGS,
            format_=FileFormat.JSONL,
            is_dry_run=False,
        )
    return made.file.job_id


async def ask(engine: AsyncEngine, sql: str, **values: object) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text(sql), values) or 0)


async def until(engine: AsyncEngine, sql: str, **values: object) -> None:
    async with asyncio.timeout(60):
        while not await ask(engine, sql, **values):  # noqa: ASYNC110  (another process's state)
            await asyncio.sleep(0.02)


STORED = "select count(*) from mm.offering_version"
IS_TOLD = "select count(*) from mm.job where id = :id and progress is not null"
IS_DONE = "select count(*) from mm.job where id = :id and state = 'done'"
ATTEMPTS = "select attempt from mm.job where id = :id"


async def test_a_killed_import_leaves_nothing_and_is_written_once(
    own_server: Server, own_engine: AsyncEngine
) -> None:
    operator = await holder(own_engine, OrganisationRole.OPERATOR)
    job = await hand_in(own_engine, operator, f"p-{uuid4().hex[:8]}")
    async with working(own_server) as first:
        await until(own_engine, IS_TOLD, id=job)
        first.kill()
        await first.wait()
    assert await ask(own_engine, IS_DONE, id=job) == 0
    assert await ask(own_engine, STORED) == 0
    async with working(own_server):
        await until(own_engine, IS_DONE, id=job)
    assert await ask(own_engine, ATTEMPTS, id=job) == 2
    assert await ask(own_engine, STORED) == OFFERINGS
    assert await ask(own_engine, f"{STORED} where number > 1") == 0
    assert await ask(own_engine, "select count(*) from mm.import_file where outcome is null") == 0


@pytest.mark.parametrize("options", [("--apart",)])
async def test_control_an_import_that_commits_by_itself_is_there_before_its_job_is_done(
    own_server: Server, own_engine: AsyncEngine, options: tuple[str, ...]
) -> None:
    operator = await holder(own_engine, OrganisationRole.OPERATOR)
    job = await hand_in(own_engine, operator, f"p-{uuid4().hex[:8]}")
    async with working(own_server, *options) as first:
        await until(own_engine, STORED)
        first.kill()
        await first.wait()
    assert await ask(own_engine, STORED) == OFFERINGS
    assert await ask(own_engine, IS_DONE, id=job) == 0
