"""The kinds of work that webhooks leave, by name."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.jobs import Context, Cron, Handler
from matchmaker.feed.webhooks.working import delivering, queries
from matchmaker.feed.webhooks.working.fanning import DELIVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.feed.webhooks.policy import Policy
    from matchmaker.feed.webhooks.working.delivering import Means, Reading

PRUNE: Final = "webhooks.prune"
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=6)),)


def senders(means: Means, reading: Reading) -> Mapping[str, Handler]:
    """What waits for others' servers: for workers that do nothing else."""
    return {DELIVER: functools.partial(delivering.deliver, means, reading)}


def handlers(policy: Policy) -> Mapping[str, Handler]:
    """What is done here."""

    async def prune(context: Context, _: dict[str, Any]) -> dict[str, Any]:
        age = dt.timedelta(days=policy.kept_days)
        return {"removed": await queries.prune(context.session, age)}

    return {PRUNE: prune}
