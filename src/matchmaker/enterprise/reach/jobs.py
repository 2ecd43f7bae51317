"""What the clock does for agencies."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jobs
from matchmaker.enterprise.reach import service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.enterprise.reach.policy import Policy
    from matchmaker.taxonomy.registry import Taxonomy

COUNT: Final = "jurisdictions.count"


def handlers(taxonomy: Taxonomy, policy: Policy) -> Mapping[str, jobs.Handler]:
    """What a worker does, by the kind of the job."""

    async def count(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
        changed = await service.count(context.session, taxonomy, policy.least)
        return {"changed": changed}

    return {COUNT: count}


CRONS: Final = (jobs.Cron(name=COUNT, kind=COUNT, every=dt.timedelta(days=1)),)
