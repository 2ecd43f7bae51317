"""What the clock does with assertions that were used."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jobs
from matchmaker.identity.oauth import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

PRUNE: Final = "assertions.prune"


async def prune(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Forget assertions that are too old to be taken."""
    return {"removed": await queries.prune(context.session)}


HANDLERS: Final[Mapping[str, jobs.Handler]] = {PRUNE: prune}
CRONS: Final = (jobs.Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=1)),)
