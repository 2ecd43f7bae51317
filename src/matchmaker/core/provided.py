"""What handlers ask for by name: the language, and the session, whose commit is here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.datastructures import State
from sqlalchemy.ext.asyncio import async_sessionmaker

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language, negotiate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncEngine

ACTING: Final = "acting"
"""In the state of a request's scope: the id of the organisation that asks, once it is known."""
HELD: Final = "session"
"""In the same place: the session of a layer that ends its transaction itself."""


def state(engine: AsyncEngine) -> State:
    """Application state with the engine and the two session factories on it."""
    return State(
        {
            "engine": engine,
            "write": async_sessionmaker(engine, expire_on_commit=False),
            "read": db.read_only(engine),
        }
    )


async def provide_session(request: Request[Any, Any, State]) -> AsyncIterator[Session]:
    """One transaction per request: committed before the response starts, or undone."""
    held: Session | None = request.scope["state"].get(HELD)
    if held is not None:
        yield held
        return
    async with db.begun(request.app.state.write, _acting(request)) as session:
        yield Session(ReadSession(session))


async def provide_read_session(
    request: Request[Any, Any, State], state: State
) -> AsyncIterator[ReadSession]:
    """One read-only transaction per request."""
    async with db.begun(state.read, _acting(request)) as session:
        yield ReadSession(session)


def _acting(request: Request[Any, Any, State]) -> UUID | None:
    """Who asks, for the database too; None: nobody who is known."""
    found: UUID | None = request.scope["state"].get(ACTING)
    return found


async def provide_language(request: Request[Any, Any, State]) -> Language:
    """The language of the answer; ``core.http`` announces the same one in Content-Language."""
    return negotiate(request.headers.get("accept-language", ""))
