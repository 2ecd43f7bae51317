"""What the clock does with evidence."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from matchmaker.catalog.evidence import service
from matchmaker.core import jobs

EXPIRE: Final = "evidence.expire"
"""The kind of job; once an hour is enough: a last day ends at midnight UTC."""


async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Expire the claims whose last day has passed; what one job does not manage the next does."""
    expired = await service.expire_due(context.session, await jobs.today(context.session))
    if expired == service.EXPIRED_AT_ONCE:
        await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
    return {"expired": expired}


HANDLERS: Final[dict[str, jobs.Handler]] = {EXPIRE: expire}
CRONS: Final = (jobs.Cron(name=EXPIRE, kind=EXPIRE, every=dt.timedelta(hours=1)),)
