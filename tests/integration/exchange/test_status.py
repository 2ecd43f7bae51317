"""How far a file is, told while its job ends: never a job that is done with a file that is not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.exchange import transactions
from tests.identities import Holder, holder
from tests.supply import acting

from matchmaker.core import db
from matchmaker.core.db import ReadSession
from matchmaker.core.jobs import JobState
from matchmaker.core.postgres import Server
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange import queries, service
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.exchange.models import ImportId
from matchmaker.feed import queries as feed
from matchmaker.identity.models import OrganisationRole

Look = Callable[[ReadSession, ImportId, Holder], Awaitable[tuple[JobState, bool]]]
DONE = """
    with job as (
        update mm.job set state = 'done', finished_at = now() where id = $2
    )
    update mm.import_file set outcome = '{"lines": 0}', report = '' where id = $1
"""


@contextlib.contextmanager
def done_between(engine: AsyncEngine, server: Server, *ids: object) -> Iterator[None]:
    """The job ends, in one transaction, just before the second statement."""
    login = make_url(server.url("mm_app")).set(drivername="postgresql")
    seen: list[object] = []

    async def commit() -> None:
        other = await asyncpg.connect(
            login.render_as_string(hide_password=False),
            server_settings={db.ACTING: str(db.INSTALLATION)},
        )
        await other.execute(DONE, *ids)
        await other.close()

    def look(*call: object) -> None:
        seen.append(call[2])
        if len(seen) == 2:
            # A loop of its own: the engine's waits in the midst of a statement.
            thread = threading.Thread(target=lambda: asyncio.run(commit()))
            thread.start()
            thread.join()

    event.listen(engine.sync_engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", look)


async def as_it_is(
    session: ReadSession, import_id: ImportId, firm: Holder
) -> tuple[JobState, bool]:
    found = await service.find_import(session, import_id, acting(firm, OrganisationRole.SME))
    return service.state_of(found), found.file.outcome is not None


async def one_after_the_other(
    session: ReadSession, import_id: ImportId, _: Holder
) -> tuple[JobState, bool]:
    """The naive form."""
    found: Any = await queries.import_to_do(session, import_id)
    file, _content = found
    job = await feed.find_job(session, file.job_id)
    assert job is not None
    return job.state, file.outcome is not None


@pytest.mark.parametrize(
    ("look", "is_true"), [(as_it_is, True), (one_after_the_other, False)], ids=["it", "control"]
)
async def test_what_is_told_was_so_at_one_moment(
    engine: AsyncEngine, server: Server, look: Look, *, is_true: bool
) -> None:
    firm = await holder(engine)
    async with transactions(engine)() as session:
        made = await service.hand_in(
            session,
            acting(firm, OrganisationRole.SME),
            b"",
            kind=ExchangeKind.NEEDS,
            format_=FileFormat.JSONL,
            is_dry_run=False,
        )
    async with transactions(engine)() as session:
        with done_between(engine, server, made.file.id, made.file.job_id):
            state, has_outcome = await look(session, made.file.id, firm)
    assert ((state is JobState.DONE) == has_outcome) is is_true
