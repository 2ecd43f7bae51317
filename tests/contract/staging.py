"""A server in a process of its own, on a database that nobody else writes to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests import learned
from tests.contract.stage import (
    NEIGHBOUR,
    OPERATOR,
    OWNER,
    PORTAL,
    PROVIDER,
    SME,
    Caller,
    Stage,
)
from tests.identities import PASSWORD, Sitter, holder, sitter

from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.clock import utc_now
from matchmaker.core.jobs import Handler, Options, Worker
from matchmaker.core.origin import HEADER
from matchmaker.identity.models import OrganisationRole, new_person_id
from matchmaker.identity.rights.models import RightsKind, RightsRequest
from matchmaker.identity.sessions.passwords import Passwords
from matchmaker.released import Released
from matchmaker.working import handlers

PATIENCE: Final = 60.0
POLLS: Final = 600
MODELS: Final = 300
"""Learned models there are to be moved, each once."""


@contextlib.asynccontextmanager
async def staged(database: Database, released: Released) -> AsyncIterator[Stage]:
    """The API on ``database``, and who calls it."""
    engine = db.create_engine(database.url, database.settings, acting=db.INSTALLATION)
    role = OrganisationRole
    firm = (role.SME, role.PROVIDER, role.AGENCY)
    held = {
        OWNER: await holder(engine, *firm),
        NEIGHBOUR: await holder(engine, *firm),
        SME: await holder(engine, role.SME),
        PROVIDER: await holder(engine, role.PROVIDER),
        PORTAL: await holder(engine, role.AGENCY),
        OPERATOR: await holder(engine, role.OPERATOR),
    }
    callers = {
        name: Caller(
            organisation_id=str(found.organisation_id), headers={**found.headers, HEADER: "test"}
        )
        for name, found in held.items()
    }
    password_hash = await Passwords().hash(PASSWORD)
    person = await sitter(engine, held[OWNER].organisation_id, password_hash=password_hash)
    with serving(database) as address, httpx.Client(base_url=address, timeout=30) as api:
        made = Stage(api, callers, person.email)
        made.kept["erased"] = await erased(engine)
        made.kept["expert"] = expert(api, person)
        async with engine.begin() as connection:
            made.models = [
                await learned.kept(connection, has_files=not place) for place in range(MODELS)
            ]
        await work_until_done(made, database, handlers(released, engine, database.settings))
        await engine.dispose()
        yield made


def expert(api: httpx.Client, person: Sitter) -> str:
    """A member of the owner with an expert card."""
    said = {"name": "A", "skills": ["data_analysis"], "conflicts": [], "consents": True}
    answer = api.put("/v1/me/expert-card", json=said, headers=person.headers)
    assert answer.is_success, answer.text
    return str(person.member_id)


async def erased(engine: AsyncEngine) -> str:
    """The number of an erasure that is done."""
    done = RightsRequest(
        person_id=new_person_id(), kind=RightsKind.ERASURE, counts={"people": 1}, done_at=utc_now()
    )
    async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
        session.add(done)
    return str(done.id)


async def work_until_done(stage: Stage, database: Database, handled: Mapping[str, Handler]) -> None:
    """Have the jobs done that requests ask about; those that follow wait."""
    worker = Worker(database.url, database.settings, handled, options=Options(poll=0.05))
    task = asyncio.create_task(worker.run())
    for _ in range(POLLS):
        if stage.is_done:
            break
        await asyncio.sleep(0.1)
    worker.stop()
    await task
    assert stage.is_done


@contextlib.contextmanager
def serving(database: Database, application: str = "matchmaker.app:served") -> Iterator[str]:
    """Where a server of ``application`` on ``database`` listens."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("MATCHMAKER_")},
        "DATABASE_URL": database.url,
        "MATCHMAKER_DATA": str(database.settings.data_directory),
        "MATCHMAKER_SECRET": "s" * 32,
        "MATCHMAKER_LOG_LEVEL": "error",
        # What is drawn comes as fast as it can; how often one may ask is tested elsewhere.
        "MATCHMAKER_LIMITS": "off",
    }
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Accepted sockets inherit it. Uvicorn takes a handed-over socket for no TCP and would leave
        # it out: each answer of two writes then waited 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = listening.fileno()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", application, "--factory"),
                *("--fd", str(number), "--log-level", "error", "--no-access-log"),
            ],
            env=environment,
            pass_fds=[number],
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=5).is_success:
                return
        time.sleep(0.05)
    pytest.fail("the server did not become ready")
