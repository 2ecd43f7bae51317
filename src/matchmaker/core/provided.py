"""What handlers ask for by name: the language, and the session, whose commit is here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.datastructures import State
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language, negotiate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine


def state(engine: AsyncEngine) -> State:
    """Application state with the engine and the two session factories on it."""
    return State(
        {
            "engine": engine,
            "write": async_sessionmaker(engine, expire_on_commit=False),
            "read": db.read_only(engine),
        }
    )


async def provide_session(state: State) -> AsyncIterator[Session]:
    """One transaction per request: committed before the response starts, or undone."""
    sessions: async_sessionmaker[AsyncSession] = state.write
    async with sessions.begin() as session:
        yield Session(ReadSession(session))


async def provide_read_session(state: State) -> AsyncIterator[ReadSession]:
    """One read-only transaction per request."""
    sessions: async_sessionmaker[AsyncSession] = state.read
    async with sessions.begin() as session:
        yield ReadSession(session)


async def provide_language(request: Request[Any, Any, State]) -> Language:
    """The language of the answer; ``core.http`` announces the same one in Content-Language."""
    return negotiate(request.headers.get("accept-language", ""))
