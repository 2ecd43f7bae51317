"""What a worker does with batches: it reads, matches and writes in three steps."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from matchmaker.core.access import ScopeMissing
from matchmaker.core.jobs import Context, Cron, GiveUp, Handler
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.principals import acting
from matchmaker.identity.sightings import service as sightings
from matchmaker.matching.batches import queries, reporting, running, service
from matchmaker.matching.batches.models import BatchId
from matchmaker.matching.batches.scoring import Desk
from matchmaker.matching.cohorts.errors import CohortNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.access import Principal
    from matchmaker.matching.batches.running import Limits, Tell, Where
    from matchmaker.matching.batches.schemas import BatchReport
    from matchmaker.matching.batches.scoring import Asked, Entrant
    from matchmaker.matching.matcher import Matcher

    Reading = Callable[[UUID], AbstractAsyncContextManager[ReadSession]]
    """Opens a read-only transaction in which this organisation acts."""

PRUNE: Final = "match.batch.prune"
KEPT_DAYS: Final = 30
CRONS: Final = (Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(hours=6)),)
_PORTALS: Final = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})


@dataclass(frozen=True, slots=True)
class Means:
    """What batches are run with."""

    matcher: Matcher
    where: Where
    processes: int


def handlers(means: Means, reading: Reading) -> Mapping[str, Handler]:
    """What is done by kind of job; a batch is read outside the transaction it is written in."""
    return {service.RUN: functools.partial(_run, means, reading), PRUNE: _prune}


async def done(
    means: Means, asked: Asked, firms: list[Entrant], limits: Limits | None, *, tell: Tell
) -> tuple[BatchReport, bytes]:
    """What came of the batch: in sum, and line by line.

    Raises:
        GiveUp: it is too large, or its allocation does not pass its check.
    """
    desk = Desk(means.matcher.pinned(), means.matcher.holder.current())
    task = running.Task(desk, asked, firms, limits)
    with running.crew(desk, means.where, means.processes) as crew:
        try:
            ran = await running.run(task, crew, tell)
        except running.TooLarge as error:
            raise GiveUp("more pairs of firm and offering than one allocation holds") from error
        except running.NotProven as error:
            raise GiveUp(f"the allocation is not proven: {error}") from error
    offerings = running.offerings_of(desk, asked)
    return reporting.report_of(desk, ran, limits, offerings), running.encoded(ran.outcomes)


async def _run(
    means: Means, reading: Reading, context: Context, payload: dict[str, Any]
) -> dict[str, Any]:
    batch_id = BatchId(UUID(payload["id"]))
    assert context.organisation_id is not None  # noqa: S101  (a batch is somebody's: service.start)
    async with reading(context.organisation_id) as session:
        batch = await queries.batch_to_do(session, batch_id)
        if batch is None:
            raise GiveUp("nobody waits for the batch")
        principal = await acting(session, batch.requested_by, batch.requested_by_member)
        if principal is None or not principal.roles & _PORTALS:
            raise GiveUp("whoever asked for it acts no more")
        request = service.request_of(batch)
        try:
            firms = await service.entrants(session, request, principal)
        except (CohortNotFound, ScopeMissing) as refused:
            raise GiveUp("whoever asked for it may no longer do so") from refused
        asked = await service.asked_of(session, request, principal, as_of=batch.as_of)
    report, lines = await done(
        means, asked, firms, service.limits_of(request), tell=context.progress
    )
    await queries.settle(context.session, batch_id, msgspec.to_builtins(report), lines)
    await _record(context, principal)
    return {"firms": report.firms, "matched": report.matched}


async def _record(context: Context, principal: Principal) -> None:
    await sightings.record(context.session, principal, principal.looks)


async def _prune(context: Context, _: dict[str, Any]) -> dict[str, Any]:
    """Remove batches that were asked for long ago."""
    return {"removed": await queries.prune(context.session, dt.timedelta(days=KEPT_DAYS))}
