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
from tests.supply import acting

from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange import service
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.identity import queries as identity
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole

OFFERINGS = 3000


@pytest_asyncio.fixture(loop_scope="session")
async def own_server() -> AsyncIterator[Server]:
    with reachable_directory() as place, migrated_server(place) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def own_engine(own_server: Server) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(own_server.url("mm_app"), Settings(), acting=db.INSTALLATION)
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
    """The job of an operator's import of many offerings."""
    lines = [offering_line(provider=owner, external_id=f"o-{n}") for n in range(OFFERINGS)]
    content = jsonl_of(provider_line(external_id=owner), *lines)
    return await handed_in(engine, acting(operator, OrganisationRole.OPERATOR), content)


async def hand_in_own(engine: AsyncEngine, provider: Holder) -> UUID:
    """The job of a provider's import of many offerings of its own."""
    async with transactions(engine)() as session:
        found = await identity.organisation(session, provider.organisation_id)
    assert found is not None
    lines = [
        offering_line(provider=found.external_id, external_id=f"o-{n}", cases=None, record=None)
        for n in range(OFFERINGS)
    ]
    return await handed_in(engine, acting(provider, OrganisationRole.PROVIDER), jsonl_of(*lines))


async def handed_in(engine: AsyncEngine, principal: Principal, content: bytes) -> UUID:
    async with transactions(engine)() as session:
        made = await service.hand_in(
            session,
            principal,
            content,
            kind=ExchangeKind.OFFERINGS,
            format_=FileFormat.JSONL,
            is_dry_run=False,
        )
    return made.file.job_id


async def ask(engine: AsyncEngine, sql: str, **values: object) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text(sql), values) or 0)


async def until(engine: AsyncEngine, sql: str, **values: object) -> None:
    async with asyncio.timeout(240):
        while not await ask(engine, sql, **values):  # noqa: ASYNC110  (another process's state)
            await asyncio.sleep(0.02)


STORED = "select count(*) from mm.offering_version"
IS_TOLD = "select count(*) from mm.job where id = :id and progress is not null"
IS_DONE = "select count(*) from mm.job where id = :id and state = 'done'"
IS_WRITING = "select count(*) from mm.job where id = :id and (progress->>'done')::int > 300"
IS_WRITING += " and progress->>'note' = 'writing'"
ATTEMPTS = "select attempt from mm.job where id = :id"
PATIENT = ("--lease", "120")
"""Of who does the job to its end: however slow the machine, its lease does not run out."""


async def killed_and_done(server: Server, engine: AsyncEngine, job: UUID, *, when: str) -> int:
    """The attempts it took to do the job whose first worker is killed as soon as ``when`` holds."""
    async with working(server) as first:
        await until(engine, when, id=job)
        first.kill()
        await first.wait()
    assert await ask(engine, IS_DONE, id=job) == 0
    assert await ask(engine, STORED) == 0
    async with working(server, *PATIENT):
        await until(engine, IS_DONE, id=job)
    assert await ask(engine, STORED) == OFFERINGS
    assert await ask(engine, f"{STORED} where number > 1") == 0
    assert await ask(engine, "select count(*) from mm.import_file where outcome is null") == 0
    return await ask(engine, ATTEMPTS, id=job)


async def test_a_killed_import_leaves_nothing_and_is_written_once(
    own_server: Server, own_engine: AsyncEngine
) -> None:
    operator = await holder(own_engine, OrganisationRole.OPERATOR)
    job = await hand_in(own_engine, operator, f"p-{uuid4().hex[:8]}")
    assert await killed_and_done(own_server, own_engine, job, when=IS_TOLD) == 2


async def test_a_providers_own_import_killed_while_it_writes_leaves_nothing_too(
    own_server: Server, own_engine: AsyncEngine
) -> None:
    job = await hand_in_own(own_engine, await holder(own_engine, OrganisationRole.PROVIDER))
    assert await killed_and_done(own_server, own_engine, job, when=IS_WRITING) == 2
    drafts = await ask(own_engine, "select count(*) from mm.offering where state = 'draft'")
    assert drafts == OFFERINGS
    assert await ask(own_engine, "select count(*) from mm.offering_live") == 0
    assert await ask(own_engine, "select count(*) from mm.event") == 1


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
