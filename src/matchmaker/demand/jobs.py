"""What the clock does with needs."""

from __future__ import annotations

from typing import Any, Final

from matchmaker.core import jobs
from matchmaker.core.clock import utc_now
from matchmaker.demand import service

EXPIRE: Final = "demand.expire"
"""The kind of job; once an hour is enough: a need's last day ends at midnight UTC."""


async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Expire the needs whose last day has passed; what one job does not manage the next does."""
    expired = await service.expire_due(context.session, utc_now().date())
    if len(expired) == service.EXPIRED_AT_ONCE:
        await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
    return {"expired": len(expired)}
