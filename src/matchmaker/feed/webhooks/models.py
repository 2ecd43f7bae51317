"""Where organisations want events sent, what is sent there, and how each attempt went."""

from __future__ import annotations

import datetime as dt
import enum
from typing import NewType
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.events import EventRow
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.feed.webhooks.sending import Outcome
from matchmaker.identity.models import Organisation, OrganisationId

WebhookId = NewType("WebhookId", UUID)
DeliveryId = NewType("DeliveryId", UUID)


class DisabledReason(enum.StrEnum):
    """Why nothing is sent to an endpoint."""

    OWNER = "owner"
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Nothing has arrived for days."""


class DeliveryState(enum.StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """It is not tried again unless somebody asks for it."""


def new_webhook_id() -> WebhookId:
    """A new id, in order of time."""
    return WebhookId(uuid7())


def new_delivery_id() -> DeliveryId:
    """A new id, in order of time."""
    return DeliveryId(uuid7())


class Webhook(Revised, Base, kw_only=True):
    """An endpoint of an organisation, with the one or two secrets it knows us by."""

    __tablename__ = "webhook"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        Index(None, "organisation_id", "id"),
        CheckConstraint("revision > 0", name="revision_from_one"),
        CheckConstraint("disabled in ('owner', 'gone', 'failing')", name="disabled_known"),
        CheckConstraint(
            "(previous_secret is null) = (previous_until is null)", name="previous_ends"
        ),
    )

    id: Mapped[WebhookId] = mapped_column(Uuid, primary_key=True, default_factory=new_webhook_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text, default=None)
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    """The kinds of events that are sent; none named: all."""
    disabled: Mapped[DisabledReason | None] = mapped_column(default=None)
    """None: it is sent to."""
    failing_since: Mapped[dt.datetime | None] = mapped_column(default=None)
    """When the first attempt failed after the last that did not."""
    since: Mapped[int]
    """Only what has a later position than this is sent."""
    secret: Mapped[bytes] = mapped_column(LargeBinary, repr=False)
    """Sealed (``core.sealing``)."""
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, repr=False)
    previous_until: Mapped[dt.datetime | None] = mapped_column(default=None)


class Delivery(Base, kw_only=True):
    """One event for one endpoint. Its id is the ``webhook-id`` of every attempt.

    ``turn`` only ever grows: an attempt names the turn it was made for, so that of two that think
    it is theirs one writes down what came of it.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "position"),
        ForeignKeyConstraint(
            ["webhook_id", "organisation_id"],
            ["mm.webhook.id", "mm.webhook.organisation_id"],
            ondelete="CASCADE",
        ),
        Index(None, "webhook_id", "id"),
        Index(
            "ix_webhook_delivery_finished_at",
            "finished_at",
            postgresql_where=literal_column("finished_at is not null"),
        ),
        CheckConstraint("state in ('pending', 'delivered', 'dead')", name="state_known"),
        CheckConstraint("(state = 'pending') = (finished_at is null)", name="end_is_known"),
        CheckConstraint("turn >= 0 and tries >= 0", name="attempts_counted"),
    )

    id: Mapped[DeliveryId] = mapped_column(Uuid, primary_key=True, default_factory=new_delivery_id)
    webhook_id: Mapped[WebhookId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(ForeignKey(EventRow.position))
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    turn: Mapped[int] = mapped_column(default=0)
    """How many attempts were made or asked for."""
    tries: Mapped[int] = mapped_column(default=0)
    """How many attempts of the schedule were made; from 0 again when somebody asks."""
    next_at: Mapped[dt.datetime | None] = mapped_column(server_default=func.now(), init=False)
    """When the next attempt is due."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    finished_at: Mapped[dt.datetime | None] = mapped_column(default=None)


class Attempt(Base, kw_only=True):
    """One attempt to deliver; nothing of the answer is kept but its status."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        ForeignKeyConstraint(["delivery_id"], ["mm.webhook_delivery.id"], ondelete="CASCADE"),
        CheckConstraint("status between 100 and 999", name="status_is_one"),
    )

    delivery_id: Mapped[DeliveryId] = mapped_column(Uuid, primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempted_at: Mapped[dt.datetime]
    outcome: Mapped[Outcome]
    status: Mapped[int | None] = mapped_column(default=None)
    milliseconds: Mapped[int]


class FeedPosition(Base, kw_only=True):
    """How far a reader of the events has come: what it made of them was committed with it."""

    __tablename__ = "feed_position"
    __table_args__ = (CheckConstraint("position >= 0", name="position_from_zero"),)

    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int]
