"""What the clock does with admissions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.catalog.admissions import service
from matchmaker.core import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.taxonomy.fields import FieldCatalogue

EXPIRE: Final = "admissions.expire"
"""The kind of job; once an hour is enough: a last day ends at midnight UTC."""


def expiring(fields: FieldCatalogue) -> jobs.Handler:
    """What expires admissions; every expiry is a decision, and answers the rule by ``fields``."""

    async def expire(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
        """Expire what is past its last day; what one job does not manage the next does."""
        today = await jobs.today(context.session)
        expired = await service.expire_due(context.session, today, fields=fields)
        if expired == service.EXPIRED_AT_ONCE:
            await jobs.enqueue(context.session, jobs.Job(kind=EXPIRE))
        return {"expired": expired}

    return expire


def handlers(fields: FieldCatalogue) -> Mapping[str, jobs.Handler]:
    """What a worker does with admissions, by the kind of the job."""
    return {EXPIRE: expiring(fields)}


CRONS: Final = (jobs.Cron(name=EXPIRE, kind=EXPIRE, every=dt.timedelta(hours=1)),)
