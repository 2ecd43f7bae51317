"""What the clock does with needs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jobs
from matchmaker.demand import service

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPIRE: Final = "demand.expire"


async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Expire the needs whose last day has passed; what one job does not manage the next does."""
    expired = await service.expire_due(context.session, await jobs.today(context.session))
    if len(expired) == service.EXPIRED_AT_ONCE:
        await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
    return {"expired": len(expired)}


HANDLERS: Final[Mapping[str, jobs.Handler]] = {EXPIRE: expire}
CRONS: Final = (jobs.Cron(name=EXPIRE, kind=EXPIRE, every=dt.timedelta(hours=1)),)
"""An hour late at most: a need's last day ends at midnight UTC."""
