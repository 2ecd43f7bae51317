"""What the clock does with offerings."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.catalog.life import service
from matchmaker.core import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPIRE: Final = "catalog.expire"


async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Expire the offerings whose last day has passed; what one job leaves the next one does."""
    expired = await service.expire_due(context.session, await jobs.today(context.session))
    if expired == service.EXPIRED_AT_ONCE:
        await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
    return {"expired": expired}


HANDLERS: Final[Mapping[str, jobs.Handler]] = {EXPIRE: expire}
CRONS: Final = (jobs.Cron(name=EXPIRE, kind=EXPIRE, every=dt.timedelta(hours=1)),)
"""An hour late at most: an offering's last day ends at midnight UTC."""
