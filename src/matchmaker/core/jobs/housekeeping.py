"""What the queue does for itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from matchmaker.core.jobs.handling import Context, Cron, Handler
from matchmaker.core.jobs.queries import prune

PRUNE: Final = "jobs.prune"
KEPT_DAYS: Final = 30


async def remove_old(context: Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove what has been done or cancelled long ago; dead letters stay."""
    return {"removed": await prune(context.session, dt.timedelta(days=KEPT_DAYS))}


HANDLERS: Final[Mapping[str, Handler]] = {PRUNE: remove_old}
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=1)),)
