"""What workers do and when: the composition of the processes beside the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog.admissions import jobs as admission_jobs
from matchmaker.catalog.admissions.queries import admissions_to_pools_of
from matchmaker.catalog.evidence import jobs as evidence_jobs
from matchmaker.catalog.life import jobs as catalog_jobs
from matchmaker.core import db, shipped
from matchmaker.core.jobs import Cron, housekeeping
from matchmaker.core.limits import jobs as limit_jobs
from matchmaker.core.once import jobs as once_jobs
from matchmaker.core.sealing import Sealer
from matchmaker.core.secret import secret
from matchmaker.demand import jobs as demand_jobs
from matchmaker.demand.queries import needs_shared_with
from matchmaker.enterprise.assessments import jobs as assessment_jobs
from matchmaker.enterprise.reach import jobs as reach_jobs
from matchmaker.enterprise.recognitions import jobs as recognition_jobs
from matchmaker.erasers import erasers
from matchmaker.exchange import jobs as exchange_jobs
from matchmaker.feed.webhooks.sending import Sender
from matchmaker.feed.webhooks.working import jobs as webhook_jobs
from matchmaker.feed.webhooks.working.delivering import SECRETS
from matchmaker.feed.webhooks.working.delivering import Means as WebhookMeans
from matchmaker.identity.oauth import jobs as oauth_jobs
from matchmaker.identity.rights import jobs as rights_jobs
from matchmaker.identity.sessions import jobs as session_jobs
from matchmaker.identity.sightings import jobs as sighting_jobs
from matchmaker.learning import jobs as learning_jobs
from matchmaker.matching.batches import jobs as batch_jobs
from matchmaker.matching.batches.running import Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncEngine

    from matchmaker.core.db import ReadSession
    from matchmaker.core.jobs import Handler
    from matchmaker.core.settings import Settings
    from matchmaker.feed.sharing import Shared
    from matchmaker.released import Released


def handlers(released: Released, engine: AsyncEngine, settings: Settings) -> Mapping[str, Handler]:
    """What a worker does, by the kind of the job; ``engine`` is for reading beside a job's work."""

    def reading(acting: UUID) -> AbstractAsyncContextManager[ReadSession]:
        return db.reading(engine, acting=acting)()

    return {
        **housekeeping.HANDLERS,
        **once_jobs.HANDLERS,
        **limit_jobs.HANDLERS,
        **session_jobs.HANDLERS,
        **oauth_jobs.HANDLERS,
        **sighting_jobs.handlers(released.sightings),
        **rights_jobs.handlers(erasers(released.checker)),
        **catalog_jobs.HANDLERS,
        **evidence_jobs.HANDLERS,
        **admission_jobs.handlers(released.checker.fields),
        **reach_jobs.handlers(released.taxonomy, released.reach),
        **assessment_jobs.handlers(released.assessing.policy),
        **recognition_jobs.HANDLERS,
        **demand_jobs.HANDLERS,
        **exchange_jobs.handlers(released.means(), db.reading(engine)),
        **webhook_jobs.handlers(released.webhooks),
        **batch_jobs.handlers(batch_means(released, settings), reading),
        **learning_jobs.handlers(released.learning, db.reading(engine)),
    }


def batch_means(released: Released, settings: Settings) -> batch_jobs.Means:
    """What batches are run with."""
    folder = settings.index_folder
    where = Where(shipped.folder("seeds"), folder, settings.kernel_folder)
    return batch_jobs.Means(released.matcher(folder), where, settings.batch_processes)


def senders(settings: Settings, released: Released, engine: AsyncEngine) -> Mapping[str, Handler]:
    """What waits for others' servers, and so is done by a worker of its own."""
    means = webhook_means(released, settings, secret(settings))
    return webhook_jobs.senders(means, db.reading(engine))


def webhook_means(released: Released, settings: Settings, secret_: bytes) -> WebhookMeans:
    """What webhooks are checked, sealed and sent with."""
    sender = Sender(is_open=settings.webhooks_open)
    return WebhookMeans(sender=sender, sealer=Sealer(secret_, SECRETS), policy=released.webhooks)


def shared() -> Shared:
    """By subject type what others share with an organisation: it sees the events too."""
    return {
        "need": needs_shared_with,
        "admission": admissions_to_pools_of,
    }


def crons() -> Sequence[Cron]:
    """What is due again and again."""
    return (
        *housekeeping.CRONS,
        *once_jobs.CRONS,
        *limit_jobs.CRONS,
        *session_jobs.CRONS,
        *oauth_jobs.CRONS,
        *sighting_jobs.CRONS,
        *catalog_jobs.CRONS,
        *evidence_jobs.CRONS,
        *admission_jobs.CRONS,
        *reach_jobs.CRONS,
        *assessment_jobs.CRONS,
        *recognition_jobs.CRONS,
        *demand_jobs.CRONS,
        *exchange_jobs.CRONS,
        *webhook_jobs.CRONS,
        *batch_jobs.CRONS,
        *learning_jobs.CRONS,
    )
