"""What workers do by the day they do by the database's clock, whatever their own says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text, update
from tests import release
from tests.factories import (
    jsonl,
    no_database,
    offering_line,
    provider_line,
    taxonomy,
    tokenizer,
)
from tests.objects import OBJECTS, organisations

from matchmaker.catalog.admissions.machine import AdmissionState
from matchmaker.catalog.evidence.machine import EvidenceState
from matchmaker.catalog.importing import import_file
from matchmaker.core import clock, jobs
from matchmaker.core.clock import utc_now
from matchmaker.core.db import Session
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs import Context, Handler, JobId
from matchmaker.core.settings import Settings
from matchmaker.demand.machine import NeedState
from matchmaker.enterprise.recognitions.machine import RecognitionState
from matchmaker.enterprise.recognitions.models import Recognition
from matchmaker.working import handlers

AHEAD = dt.timedelta(days=400)
LAST_DAY = utc_now().date() + dt.timedelta(days=30)


class Fast(dt.datetime):
    """The clock of a machine that runs more than a year ahead."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return dt.datetime.now(tz) + AHEAD


async def offering(session: Session) -> UUID:
    owner = f"p-{uuid4().hex[:12]}"
    line = offering_line(provider=owner, valid_to=LAST_DAY.isoformat())
    lines = jsonl(provider_line(external_id=owner), line)
    assert (await import_file(session, lines, taxonomy(), tokenizer())).is_written
    found = await session.scalar(
        text(
            "select o.id from mm.offering o join mm.organisation p on p.id = o.organisation_id"
            " where p.external_id = :owner"
        ),
        {"owner": owner},
    )
    assert isinstance(found, UUID)
    return found


def one(noun: str, state: Any, column: str) -> Callable[[Session], Awaitable[UUID]]:  # noqa: ANN401
    async def make(session: Session) -> UUID:
        model, making = OBJECTS[noun]
        (id_,) = await making(await session.connection(), state, 1)
        table: Any = model
        await session.execute(update(model).where(table.id == id_).values({column: LAST_DAY}))
        return id_

    return make


async def admission(session: Session) -> UUID:
    id_ = await one("admission", AdmissionState.ADMITTED, "valid_until")(session)
    decided = text(
        "insert into mm.admission_decision (id, admission_id, number, organisation_id, pool_id,"
        " pool_version, offering_id, offering_version_id, action, state, answer, proof)"
        " select gen_random_uuid(), a.id, a.revision, a.organisation_id, a.pool_id, 1,"
        " a.offering_id, o.published_version_id, 'admit', a.state, 'yes', '{}'"
        " from mm.admission a join mm.offering o on o.id = a.offering_id where a.id = :id"
    )
    await session.execute(decided, {"id": id_})
    return id_


async def recognition(session: Session) -> UUID:
    """Written as a whole: what an authority granted is never changed."""
    (owner,) = await organisations(await session.connection())
    id_ = uuid7()
    said = {"organisation_id": owner, "scheme": "cn_smart_factory", "level": "basic"}
    state = {"issuer": "City", "state": RecognitionState.VERIFIED, "valid_until": LAST_DAY}
    await session.execute(insert(Recognition), [{**said, **state, "id": id_, "revision": 1}])
    return id_


DUE: dict[str, tuple[str, Callable[[Session], Awaitable[UUID]]]] = {
    "catalog.expire": ("offering", offering),
    "demand.expire": ("need", one("need", NeedState.OPEN, "expires_on")),
    "evidence.expire": ("evidence", one("evidence", EvidenceState.VERIFIED, "valid_until")),
    "admissions.expire": ("admission", admission),
    "recognition.expire": ("recognition", recognition),
}


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "dt", SimpleNamespace(datetime=Fast, UTC=dt.UTC))
    assert utc_now().date() > LAST_DAY


@cache
def made() -> Mapping[str, Handler]:
    """What a worker does; nothing here reads beside the job's own transaction."""
    return handlers(release.released(), no_database(), Settings())


async def run(session: Session, kind: str) -> None:
    """What a worker does for a job of this kind."""

    async def tell(*_: object) -> None:
        """Nobody listens."""

    job = JobId(uuid4())
    context = Context(
        session=session, job_id=job, kind=kind, attempt=1, organisation_id=None, tell=tell
    )
    await made()[kind](context, {})


async def state_of(session: Session, table: str, id_: UUID) -> str:
    found = text(f"select state from mm.{table} where id = :id")  # noqa: S608
    return str(await session.scalar(found, {"id": id_}))


def test_every_job_that_ends_things_is_tried() -> None:
    assert DUE.keys() == {kind for kind in made() if kind.endswith(".expire")}


@pytest.mark.parametrize("kind", DUE)
@pytest.mark.usefixtures("ahead")
async def test_a_worker_whose_clock_runs_ahead_ends_nothing_early(
    session: Session, kind: str
) -> None:
    table, make = DUE[kind]
    id_ = await make(session)
    before = await state_of(session, table, id_)
    await run(session, kind)
    assert await state_of(session, table, id_) == before != "expired"


@pytest.mark.parametrize("kind", DUE)
@pytest.mark.usefixtures("ahead")
async def test_control_by_its_own_clock_it_would(
    session: Session, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def own_day(_: object) -> dt.date:
        return utc_now().date()

    monkeypatch.setattr(jobs, "today", own_day)
    table, make = DUE[kind]
    id_ = await make(session)
    await run(session, kind)
    assert await state_of(session, table, id_) == "expired"


async def test_the_day_is_that_of_utc(session: Session) -> None:
    await session.execute(text("set local time zone 'Pacific/Kiritimati'"))
    east = await jobs.today(session)
    await session.execute(text("set local time zone 'Etc/GMT+12'"))
    assert await jobs.today(session) == east
    assert abs(east - utc_now().date()) <= dt.timedelta(days=1)
