"""Public bodies with a jurisdiction, and a session in which they act as the installation."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests import stateful
from tests.identities import holder

from matchmaker.core.db import ReadSession, Session
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


async def somebody(engine: AsyncEngine, role: OrganisationRole, *regions: str) -> Principal:
    held = await holder(engine, role)
    if regions:
        said = text("update mm.organisation set jurisdiction = cast(:said as jsonb) where id = :id")
        value = msgspec.json.encode({"regions": regions, "clusters": []}).decode()
        async with engine.begin() as connection:
            await connection.execute(said, {"said": value, "id": held.organisation_id})
    return replace(stateful.principal(held.organisation_id, role), key_id=None)
