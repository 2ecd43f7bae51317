"""Replies are kept for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from matchmaker.core.jobs import Context, Cron, Handler
from matchmaker.core.once.queries import prune

PRUNE: Final = "once.prune"
KEPT_DAYS: Final = 7


async def remove_old(context: Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove what nobody will repeat any more."""
    return {"removed": await prune(context.session, dt.timedelta(days=KEPT_DAYS))}


HANDLERS: Final[Mapping[str, Handler]] = {PRUNE: remove_old}
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=1)),)
