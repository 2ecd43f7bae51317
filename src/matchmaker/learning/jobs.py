"""What the clock does: it trains where enough was judged anew, and evaluates what it trained."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from matchmaker.core import jobs
from matchmaker.core.events import CLOCK
from matchmaker.learning import service
from matchmaker.learning.training import TooFewNeeds
from matchmaker.matching.learned import queries
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.models import ModelId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from matchmaker.learning.service import Means, Reading

TRAIN: Final = "model.train"
EVALUATE: Final = "model.evaluate"
_SECONDS: Final = 5.0
T = TypeVar("T")


async def patiently(context: jobs.Context, work: Awaitable[T]) -> T:
    """What ``work`` gives, the lease kept meanwhile: it takes longer than one.

    Raises:
        Stopped: the job was cancelled or given to another worker.
    """
    doing = asyncio.ensure_future(work)
    try:
        while not doing.done():
            await asyncio.wait({doing}, timeout=_SECONDS)
            await context.progress(0)
    finally:
        doing.cancel()
    return await doing


async def train(
    means: Means, reading: Reading, context: jobs.Context, _: dict[str, Any]
) -> dict[str, Any]:
    """Learn anew where the last model knew fewer needs, by as many as are needed to learn."""
    async with reading() as session:
        last = await queries.latest(session)
        known = None if last is None else await registry.read(session, last)
    # As many more needs as it takes to learn from: less would be the same model again.
    before = 0 if known is None else known.manifest["about"]["needs"]
    more_than = before + means.policy.least_needs - 1
    try:
        files = await patiently(context, service.train(reading, means, more_than=more_than))
    except TooFewNeeds as too_few:
        return {"trained": None, "why": str(too_few)}
    made = await registry.keep(context.session, files, card=means.card.version, by=CLOCK)
    await jobs.enqueue(context.session, jobs.Job(kind=EVALUATE, payload={"model": str(made.id)}))
    return {"trained": made.name}


async def evaluate(
    means: Means, reading: Reading, context: jobs.Context, payload: dict[str, Any]
) -> dict[str, Any]:
    """Hold the model against what ranks now; whether it may rank is for people to use."""
    async with reading() as session:
        model = await registry.find(session, ModelId(UUID(payload["model"])))
    found = await patiently(context, service.evaluate(reading, means, model))
    await service.keep_evaluation(context.session, found, CLOCK)
    return {"model": model.name, "passed": found.report.is_passed}


def handlers(means: Means, reading: Reading) -> Mapping[str, jobs.Handler]:
    """What a worker does, by the kind of the job."""
    return {
        TRAIN: functools.partial(train, means, reading),
        EVALUATE: functools.partial(evaluate, means, reading),
    }


CRONS: Final = (jobs.Cron(name=TRAIN, kind=TRAIN, every=dt.timedelta(days=1)),)
