"""Who has not asked for long stands in no table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from matchmaker.core.jobs import Context, Cron, Handler
from matchmaker.core.limits.queries import prune

PRUNE: Final = "limits.prune"


async def remove_old(context: Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove what says nothing any more."""
    return {"removed": await prune(context.session)}


HANDLERS: Final[Mapping[str, Handler]] = {PRUNE: remove_old}
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=1)),)
