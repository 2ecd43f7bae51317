"""What somebody else commits just before a change that was thought out on what stood before."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from uuid import UUID

import asyncpg
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from matchmaker.core import db
from matchmaker.core.postgres import Server


@contextlib.contextmanager
def meanwhile(
    engine: AsyncEngine,
    server: Server,
    table: str,
    id_: object,
    changes: str,
    *,
    before: str | None = None,
) -> Iterator[None]:
    """Somebody sets ``changes`` of a row of ``table`` once, just before the table is updated.

    Or just before a statement that begins with ``before``; at the end where none comes.
    """
    beginning = before or f"UPDATE mm.{table} "
    login = make_url(server.url("mm_app")).set(drivername="postgresql")
    due = [f"update mm.{table} set {changes} where id = $1"]  # noqa: S608  (a test's own words)

    async def commit() -> None:
        other = await asyncpg.connect(
            login.render_as_string(hide_password=False),
            server_settings={db.ACTING: str(db.INSTALLATION)},
        )
        try:
            await other.execute(due.pop(), UUID(str(id_)))
        finally:
            await other.close()

    def now() -> None:
        # A loop of its own: the engine's waits in the midst of a statement.
        thread = threading.Thread(target=lambda: asyncio.run(commit()))
        thread.start()
        thread.join()

    def look(*call: object) -> None:
        if due and str(call[2]).startswith(beginning):
            now()

    event.listen(engine.sync_engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", look)
    if due:
        now()
