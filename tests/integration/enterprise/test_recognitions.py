"""Recognitions as stored: claimed, verified by another, over by their date, never reworded."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests import stateful
from tests.factories import taxonomy
from tests.identities import holder
from tests.profiles import checker

from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import NotYourTransition, TransitionRequest
from matchmaker.enterprise.recognitions import controllers, service
from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
from matchmaker.enterprise.recognitions.errors import RecognitionNotFound
from matchmaker.enterprise.recognitions.models import Recognition
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.errors import UnusableInput

TODAY = dt.date(2026, 11, 30)
BASIC: dict[str, Any] = {"scheme": "cn_smart_factory", "level": "basic", "issuer": "City"}


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


async def somebody(engine: AsyncEngine, role: OrganisationRole) -> Principal:
    held = await holder(engine, role)
    return replace(stateful.principal(held.organisation_id, role), key_id=None)


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Principal:
    return await somebody(engine, OrganisationRole.SME)


async def claimed(engine: AsyncEngine, firm: Principal, **more: object) -> Recognition:
    draft = msgspec.convert({**BASIC, **more}, RecognitionDraft)
    async with writing(engine) as session:
        return await service.create(session, checker(), draft, firm)


async def moved(engine: AsyncEngine, found: Recognition, name: str, by: Principal) -> Recognition:
    async with writing(engine) as session:
        asked = TransitionRequest(transition=name)
        return await service.take_step(session, found.id, asked, principal=by)


async def test_an_operator_verifies_it_and_nobody_their_own(
    engine: AsyncEngine, firm: Principal
) -> None:
    found = await claimed(engine, firm)
    with pytest.raises(NotYourTransition):
        await moved(engine, found, "verify", firm)
    operator = await somebody(engine, OrganisationRole.OPERATOR)
    assert (await moved(engine, found, "verify", operator)).state == "verified"
    assert (await moved(engine, found, "end", firm)).state == "expired"


async def test_others_do_not_see_it(engine: AsyncEngine, firm: Principal) -> None:
    found = await claimed(engine, firm)
    with pytest.raises(RecognitionNotFound):
        await moved(engine, found, "end", await somebody(engine, OrganisationRole.SME))


async def test_the_day_after_its_last_it_is_over(
    engine: AsyncEngine, firm: Principal, server: Server, settings: Settings
) -> None:
    last = await claimed(engine, firm, valid_until="2026-11-30")
    over = await claimed(engine, firm, valid_until="2026-11-29")
    endless = await claimed(engine, firm)
    worker = db.create_engine(
        server.url("mm_worker"), settings, role="mm_worker", acting=db.INSTALLATION
    )
    async with writing(worker) as session:
        assert await service.expire_due(session, TODAY) >= 1
    await worker.dispose()
    async with writing(engine) as session:
        states = [
            (await service.find(session, each.id, firm)).state for each in (last, over, endless)
        ]
        told = await events.after(session, 0, subject_id=over.id)
    assert states == ["claimed", "expired", "claimed"]
    kinds = [each.event.kind for each in told]
    assert kinds == ["recognition.claimed", "recognition.expired"]


async def test_what_was_claimed_is_not_reworded(engine: AsyncEngine, firm: Principal) -> None:
    found = await claimed(engine, firm)
    with pytest.raises(DBAPIError, match="permission denied"):
        await reworded(engine, found)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"scheme": "nobody"}, "#/scheme"),
        ({"level": "best"}, "#/level"),
        ({"granted_on": "2026-02-01", "valid_until": "2026-01-01"}, "#/valid_until"),
    ],
)
async def test_what_no_scheme_has_is_refused(
    engine: AsyncEngine, firm: Principal, said: dict[str, object], at: str
) -> None:
    with pytest.raises(UnusableInput) as caught:
        await claimed(engine, firm, **said)
    assert [fault.pointer for fault in caught.value.errors] == [at]


async def test_a_level_has_its_stage_and_a_title_none(engine: AsyncEngine, firm: Principal) -> None:
    level = controllers.to_wire(taxonomy(), await claimed(engine, firm), "en")
    assert (level.level_name, level.stage) == ("Basic", "standardised")
    titles = sorted(taxonomy().codes("designation"))
    found = await claimed(engine, firm, scheme="designation", level=titles[0])
    assert controllers.to_wire(taxonomy(), found, "zh").stage is None


async def reworded(engine: AsyncEngine, found: Recognition) -> None:
    said = text("update mm.recognition set level = 'leading' where id = :id")
    async with engine.begin() as connection:
        await connection.execute(said, {"id": found.id})
