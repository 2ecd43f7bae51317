"""Every statement of workers about deliveries; each is true under concurrency by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ARRAY, Text, cast, delete, func, insert, literal, or_, select, update

from matchmaker.core.events import EventRow
from matchmaker.feed.events.queries import visible_to
from matchmaker.feed.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    FeedPosition,
    Webhook,
)
from matchmaker.identity.access import INACTIVE
from matchmaker.identity.models import Organisation, OrganisationRole, OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.feed.sharing import Shared
    from matchmaker.feed.webhooks.models import DeliveryId, WebhookId
    from matchmaker.identity.models import OrganisationId

READER: Final = "webhooks"
TESTED: Final = "webhook.tested"
"""An event for one webhook alone, delivered where it is asked for."""


class Wish(NamedTuple):
    """An event that an endpoint wants."""

    webhook_id: WebhookId
    organisation_id: OrganisationId
    position: int


class Due(NamedTuple):
    """A delivery whose turn has come, with all that an attempt needs."""

    delivery: Delivery
    webhook: Webhook
    event: EventRow
    is_heard: bool
    """Whether the organisation is one that anything is sent to."""
    now: dt.datetime
    """By the database's clock."""


async def take_position(session: Session) -> int | None:
    """How far the fan-out has come, held until the transaction ends; None: another holds it."""
    found: int | None = await session.scalar(
        select(FeedPosition.position)
        .where(FeedPosition.reader == READER)
        .with_for_update(skip_locked=True)
    )
    return found


async def move_position(session: Session, position: int) -> None:
    """Let the fan-out have come this far."""
    await session.execute(
        update(FeedPosition).where(FeedPosition.reader == READER).values(position=position)
    )


async def wishes(session: ReadSession, after: int, until: int, shared: Shared) -> list[Wish]:
    """Which endpoints want which of the events after one position up to another."""
    is_operator = Organisation.roles.contains([OrganisationRole.OPERATOR.value]) & (
        Organisation.state == OrganisationState.VERIFIED
    )
    rows = await session.execute(
        select(Webhook.id, Webhook.organisation_id, EventRow.position)
        .join(Organisation, Organisation.id == Webhook.organisation_id)
        .join(EventRow, or_(is_operator, visible_to(Webhook.organisation_id, shared)))
        .where(
            EventRow.position > after,
            EventRow.position <= until,
            EventRow.position > Webhook.since,
            EventRow.kind != TESTED,
            Webhook.disabled.is_(None),
            Organisation.state.not_in(INACTIVE),
            or_(Webhook.kinds == cast([], ARRAY(Text)), EventRow.kind == func.any(Webhook.kinds)),
        )
        .order_by(EventRow.position, Webhook.id)
    )
    return [Wish(*row) for row in rows]


async def insert_deliveries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add deliveries that wait for their first attempt."""
    if rows:
        await session.execute(insert(Delivery), rows)


async def due(session: ReadSession, delivery_id: DeliveryId, turn: int) -> Due | None:
    """The delivery, if it still waits for the attempt of this turn."""
    row = (
        await session.execute(
            select(Delivery, Webhook, EventRow, Organisation.state.not_in(INACTIVE), func.now())
            .join(Webhook, Webhook.id == Delivery.webhook_id)
            .join(EventRow, EventRow.position == Delivery.position)
            .join(Organisation, Organisation.id == Delivery.organisation_id)
            .where(
                Delivery.id == delivery_id,
                Delivery.turn == turn,
                Delivery.state == DeliveryState.PENDING,
            )
        )
    ).one_or_none()
    return None if row is None else Due(*row)


async def settle(
    session: Session,
    delivery_id: DeliveryId,
    turn: int,
    *,
    state: DeliveryState,
    pause: dt.timedelta | None = None,
) -> bool:
    """Whether the turn was still the delivery's, which has now come to ``state``."""
    is_over = state is not DeliveryState.PENDING
    done = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.turn == turn,
            Delivery.state == DeliveryState.PENDING,
        )
        .values(
            state=state,
            turn=Delivery.turn + 1,
            tries=Delivery.tries + 1,
            next_at=None if is_over else func.now() + literal(pause),
            finished_at=func.now() if is_over else None,
        )
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def insert_attempt(session: Session, values: Mapping[str, Any]) -> None:
    """Note how an attempt went."""
    await session.execute(insert(Attempt).values(**values))


async def note_success(session: Session, webhook_id: WebhookId) -> None:
    """Something has arrived; only what was failing is written to."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.failing_since.is_not(None))
        .values(failing_since=None)
        .execution_options(synchronize_session=False)
    )


async def note_failure(session: Session, webhook_id: WebhookId, since: dt.datetime) -> None:
    """An attempt has failed; the first one after a success tells since when."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.failing_since.is_(None))
        .values(failing_since=since)
        .execution_options(synchronize_session=False)
    )


async def disable(
    session: Session, webhook_id: WebhookId, reason: DisabledReason, failing_for: dt.timedelta
) -> int | None:
    """The new revision where it is disabled now: it was not, and has failed for so long."""
    statement = (
        update(Webhook)
        .where(
            Webhook.id == webhook_id,
            Webhook.disabled.is_(None),
            Webhook.failing_since <= func.now() - literal(failing_for),
        )
        .values(disabled=reason, revision=Webhook.revision + 1, changed_at=func.clock_timestamp())
        .returning(Webhook.revision)
        .execution_options(synchronize_session=False)
    )
    found: int | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def prune(session: Session, age: dt.timedelta) -> int:
    """How many deliveries that were over for longer than ``age`` were removed."""
    done = await session.execute(
        delete(Delivery).where(Delivery.finished_at < func.now() - literal(age))
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
