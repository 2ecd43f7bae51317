"""Events for tests, and the transactions they are appended in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from matchmaker.core import events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.events import Event, EventActor
from matchmaker.core.postgres import Server
from matchmaker.identity.models import Organisation, OrganisationId


def event(subject: UUID | None = None, **changed: Any) -> Event:  # noqa: ANN401
    """Something that has happened to ``subject``."""
    return Event(
        **{
            "kind": "need.opened",
            "subject_type": "need",
            "subject_id": subject or uuid4(),
            "organisation_id": uuid4(),
            "actor": EventActor(type=events.ActorType.API_KEY, id=uuid4()),
            "data": {"state": "open", "n": 1},
            **changed,
        }
    )


def organisation(subject: UUID) -> Organisation:
    return Organisation(id=OrganisationId(subject), name={"en": "A firm"}, roles=["sme"])


def as_session(made: AsyncSession) -> Session:
    return Session(ReadSession(made))


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield as_session(made)


@contextlib.asynccontextmanager
async def superuser_of(server: Server) -> AsyncIterator[AsyncConnection]:
    """A connection no right stops, nor any trigger if it so wishes."""
    login = make_url(server.url("mm_owner")).set(
        username="postgres", password=server._passwords["postgres"]
    )
    engine = create_async_engine(login)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
