"""What the clock does with recognitions."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from matchmaker.core import jobs
from matchmaker.enterprise.recognitions import service

EXPIRE: Final = "recognition.expire"
"""The kind of job; once an hour is enough: a last day ends at midnight UTC."""


async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Expire what is past its last day; what one job does not manage the next does."""
    expired = await service.expire_due(context.session, await jobs.today(context.session))
    if expired == service.EXPIRED_AT_ONCE:
        await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
    return {"expired": expired}


HANDLERS: Final[dict[str, jobs.Handler]] = {EXPIRE: expire}
CRONS: Final = (jobs.Cron(name=EXPIRE, kind=EXPIRE, every=dt.timedelta(hours=1)),)
