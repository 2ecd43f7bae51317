"""What the clock does with assessments: it counts peers."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jobs
from matchmaker.enterprise.assessments import service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.enterprise.assessments.policy import Policy

COUNT: Final = "assessment.count"
"""The kind of job; figures of peers may be a night old."""


async def count(policy: Policy, context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
    """Form the batches of peers that can be formed; what one job does not manage the next does."""
    now = dt.datetime.combine(await jobs.today(context.session), dt.time(), dt.UTC)
    seen, counted = await service.count_peers(context.session, policy, now)
    if seen == service.COUNTED_AT_ONCE and counted:
        await jobs.enqueue(context.session, jobs.Job(kind=COUNT))
    return {"counted": counted}


def handlers(policy: Policy) -> Mapping[str, jobs.Handler]:
    """What a worker does, by the kind of the job."""
    return {COUNT: functools.partial(count, policy)}


CRONS: Final = (jobs.Cron(name=COUNT, kind=COUNT, every=dt.timedelta(days=1)),)
