"""One attempt, and what becomes of its delivery and of its endpoint."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from matchmaker.core import events, jobs
from matchmaker.core.events import CLOCK, Event
from matchmaker.core.sealing import CannotOpen
from matchmaker.feed.events.telling import told
from matchmaker.feed.webhooks.messages import body_of, headers_of
from matchmaker.feed.webhooks.models import DeliveryId, DeliveryState, DisabledReason
from matchmaker.feed.webhooks.sending import Outcome, Sent
from matchmaker.feed.webhooks.working import queries
from matchmaker.feed.webhooks.working.fanning import attempt_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.sealing import Sealer
    from matchmaker.feed.webhooks.models import Webhook
    from matchmaker.feed.webhooks.policy import Policy
    from matchmaker.feed.webhooks.sending import Sender
    from matchmaker.feed.webhooks.working.queries import Due

    Reading = Callable[[], AbstractAsyncContextManager[ReadSession]]

SECRETS: Final = "webhook secrets"
"""What they are sealed for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a worker sends with."""

    sender: Sender
    sealer: Sealer
    policy: Policy


async def deliver(
    means: Means, reading: Reading, context: jobs.Context, payload: dict[str, Any]
) -> dict[str, Any]:
    """Make the attempt of a turn, unless it is no longer due.

    What is read is read in a transaction of its own: that of the job opens when the answer is
    there, or it would idle for as long as somebody else's server likes.
    """
    delivery_id, turn = DeliveryId(UUID(payload["delivery_id"])), payload["turn"]
    async with reading() as session:
        found = await queries.due(session, delivery_id, turn)
    if found is None:
        return {"outcome": None}
    if found.webhook.disabled is not None or not found.is_heard:
        await queries.settle(context.session, delivery_id, turn, state=DeliveryState.DEAD)
        return {"outcome": None}
    sent = await _attempt(means, found)
    await _record(context.session, found, sent, means.policy)
    return {"outcome": sent.outcome.value, "status": sent.status}


async def _attempt(means: Means, found: Due) -> Sent:
    try:
        keys = _keys(means.sealer, found.webhook, found.now)
    except CannotOpen:
        return Sent(outcome=Outcome.UNREADABLE_SECRET)
    body = body_of(told(found.event))
    headers = headers_of(found.delivery.id, body, keys, found.now)
    return await means.sender.post(found.webhook.url, headers, body, seconds=means.policy.seconds)


def _keys(sealer: Sealer, webhook: Webhook, now: dt.datetime) -> list[bytes]:
    """The secrets that sign now, the present one first."""
    kept = [webhook.secret]
    if webhook.previous_secret and webhook.previous_until and now < webhook.previous_until:
        kept.append(webhook.previous_secret)
    return [sealer.open(secret, row=webhook.id.bytes) for secret in kept]


async def _record(session: Session, found: Due, sent: Sent, policy: Policy) -> None:
    """Note the attempt, and see to the next one; nothing, where the turn is another's by now."""
    delivery, webhook = found.delivery, found.webhook
    arrived = sent.outcome is Outcome.DELIVERED
    pause = None
    if not arrived and sent.outcome is not Outcome.GONE:
        pause = policy.pause_before(delivery.tries + 1, sent.retry_after)
    state = DeliveryState.PENDING if pause is not None else DeliveryState.DEAD
    state = DeliveryState.DELIVERED if arrived else state
    if not await queries.settle(session, delivery.id, delivery.turn, state=state, pause=pause):
        return
    attempt = {
        "delivery_id": delivery.id,
        "turn": delivery.turn,
        "attempted_at": found.now,
        "outcome": sent.outcome,
        "status": sent.status,
        "milliseconds": sent.milliseconds,
    }
    await queries.insert_attempt(session, attempt)
    if pause is not None:
        await jobs.enqueue(
            session, attempt_of(delivery.id, delivery.organisation_id, delivery.turn + 1, pause)
        )
    if arrived:
        await queries.note_success(session, webhook.id)
        return
    await queries.note_failure(session, webhook.id, found.now)
    await _disable(session, webhook, sent.outcome, policy)


async def _disable(session: Session, webhook: Webhook, outcome: Outcome, policy: Policy) -> None:
    """Switch off what is gone, or what has failed for days; the event is the notice."""
    is_gone = outcome is Outcome.GONE
    reason = DisabledReason.GONE if is_gone else DisabledReason.FAILING
    patience = dt.timedelta() if is_gone else dt.timedelta(days=policy.disable_after_days)
    revision = await queries.disable(session, webhook.id, reason, patience)
    if revision is None:
        return
    await events.append(
        session,
        Event(
            kind="webhook.disabled",
            subject_type="webhook",
            subject_id=webhook.id,
            organisation_id=webhook.organisation_id,
            actor=CLOCK,
            data={"reason": reason.value, "revision": revision},
        ),
    )
