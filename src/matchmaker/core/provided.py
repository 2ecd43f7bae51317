"""What handlers ask for by name: the language, and the session, whose commit is here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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


HELD: Final = "session"
"""Where in the state of a scope a layer leaves the session whose transaction it ends itself."""


async def provide_session(request: Request[Any, Any, State]) -> AsyncIterator[Session]:
    """One transaction per request: committed before the response starts, or undone."""
    held: Session | None = request.scope["state"].get(HELD)
    if held is not None:
        yield held
        return
    sessions: async_sessionmaker[AsyncSession] = request.app.state.write
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
