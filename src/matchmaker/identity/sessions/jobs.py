"""What the clock does with sessions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jobs
from matchmaker.identity.sessions import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

PRUNE: Final = "sessions.prune"
KEPT_DAYS: Final = 30
"""How long it stays known that somebody was logged in; that they logged in is an event."""


async def prune(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove sessions that ended long ago."""
    return {"removed": await queries.prune(context.session, dt.timedelta(days=KEPT_DAYS))}


HANDLERS: Final[Mapping[str, jobs.Handler]] = {PRUNE: prune}
CRONS: Final = (jobs.Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=6)),)
