"""Every statement about webhooks and the log of their deliveries; workers' are in `working`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, literal, select, update

from matchmaker.core.events import EventRow
from matchmaker.feed.webhooks.models import Attempt, Delivery, DeliveryState, Webhook

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.feed.webhooks.models import DeliveryId, WebhookId
    from matchmaker.identity.models import OrganisationId


class Logged(NamedTuple):
    """A delivery, the kind of its event, and how its attempts went."""

    delivery: Delivery
    kind: str
    attempts: Sequence[Attempt]


async def insert_webhook(session: Session, webhook: Webhook) -> None:
    """Add the webhook."""
    session.add(webhook)
    await session.flush()
    await session.refresh(webhook)


async def find_webhook(session: ReadSession, webhook_id: WebhookId) -> Webhook | None:
    """The webhook of this id, as it is now."""
    found = await session.scalars(
        select(Webhook).where(Webhook.id == webhook_id).execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_webhooks(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[Webhook]:
    """Up to ``limit`` webhooks of ``owner``, oldest first, after the webhook ``after``."""
    statement = select(Webhook).where(Webhook.organisation_id == owner)
    if after is not None:
        statement = statement.where(Webhook.id > after)
    return list(await session.scalars(statement.order_by(Webhook.id).limit(limit)))


async def count_webhooks(session: ReadSession, owner: OrganisationId) -> int:
    """How many webhooks ``owner`` has."""
    statement = select(func.count()).select_from(Webhook)
    return int(await session.scalar(statement.where(Webhook.organisation_id == owner)) or 0)


async def delete_webhook(session: Session, webhook_id: WebhookId, revision: int) -> bool:
    """Whether the webhook was at ``revision`` and is gone now, with its secrets and its log."""
    done = await session.execute(
        delete(Webhook)
        .where(Webhook.id == webhook_id, Webhook.revision == revision)
        .returning(Webhook.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def rotate(
    session: Session, webhook_id: WebhookId, secret: bytes, overlap: dt.timedelta
) -> bool:
    """Whether ``secret`` is the webhook's now: no earlier one was still in use beside it."""
    done = await session.execute(
        update(Webhook)
        .where(
            Webhook.id == webhook_id,
            func.coalesce(Webhook.previous_until <= func.now(), True),
        )
        .values(
            secret=secret,
            previous_secret=Webhook.secret,
            previous_until=func.now() + literal(overlap),
            revision=Webhook.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(Webhook.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def insert_delivery(session: Session, delivery: Delivery) -> None:
    """Add a delivery that waits for its first attempt."""
    session.add(delivery)
    await session.flush()


async def ask_again(session: Session, webhook_id: WebhookId, delivery_id: DeliveryId) -> int | None:
    """The turn of the attempt that is due now, the schedule from its start; None: no delivery."""
    done = await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
        .values(
            state=DeliveryState.PENDING,
            turn=Delivery.turn + 1,
            tries=0,
            next_at=func.now(),
            finished_at=None,
        )
        .returning(Delivery.turn)
        .execution_options(synchronize_session=False)
    )
    turn: int | None = done.scalar_one_or_none()
    return turn


async def find_delivery(session: ReadSession, delivery_id: DeliveryId) -> Logged | None:
    """The delivery of this id with its attempts."""
    rows = await _logged(session, select(Delivery.id).where(Delivery.id == delivery_id), 1)
    return rows[0] if rows else None


async def list_deliveries(
    session: ReadSession,
    webhook_id: WebhookId,
    *,
    state: DeliveryState | None,
    after: UUID | None,
    limit: int,
) -> list[Logged]:
    """Up to ``limit`` deliveries of a webhook, newest first, older than the delivery ``after``."""
    chosen = select(Delivery.id).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        chosen = chosen.where(Delivery.state == state)
    if after is not None:
        chosen = chosen.where(Delivery.id < after)
    return await _logged(session, chosen, limit)


async def _logged(session: ReadSession, chosen: Any, limit: int) -> list[Logged]:  # noqa: ANN401
    """The deliveries whose ids ``chosen`` selects, newest first."""
    rows = (
        await session.execute(
            select(Delivery, EventRow.kind)
            .join(EventRow, EventRow.position == Delivery.position)
            .where(Delivery.id.in_(chosen.order_by(Delivery.id.desc()).limit(limit)))
            .order_by(Delivery.id.desc())
            .execution_options(populate_existing=True)
        )
    ).all()
    attempts: dict[DeliveryId, list[Attempt]] = {delivery.id: [] for delivery, _ in rows}
    for attempt in await session.scalars(
        select(Attempt)
        .where(Attempt.delivery_id.in_(attempts))
        .order_by(Attempt.delivery_id, Attempt.turn)
    ):
        attempts[attempt.delivery_id].append(attempt)
    return [Logged(delivery, kind, attempts[delivery.id]) for delivery, kind in rows]
