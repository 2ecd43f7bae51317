"""Webhooks: endpoints, what is sent to them, each attempt, and how far the events were fanned out.

Revision ID: 20261130_webhooks
Revises: 20261130_erasure
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_webhooks"
down_revision = "20261130_erasure"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLES = ("webhook", "webhook_delivery", "webhook_attempt", "feed_position")


def upgrade() -> None:
    """Create the tables; what happened before there were webhooks is sent to none."""
    op.execute("set local lock_timeout = '200ms'")
    # Whom an act was by is asked as often as whose subject it was of.
    op.add_column(
        "event",
        sa.Column(
            "actor_organisation_id",
            sa.Uuid(),
            sa.Computed("(actor ->> 'organisation_id')::uuid", persisted=True),
            nullable=True,
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_event_actor_organisation_id_position"),
        "event",
        ["actor_organisation_id", "position"],
        schema=_SCHEMA,
    )
    _create_webhook()
    _create_delivery()
    _create_attempt()
    op.create_table(
        "feed_position",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_feed_position")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_feed_position_position_from_zero")),
        schema=_SCHEMA,
    )
    op.execute(
        "insert into mm.feed_position (reader, position)"
        " select 'webhooks', coalesce(max(position), 0) from mm.event"
    )
    op.execute(
        "insert into mm.job_queue (name, running_limit) values ('webhooks', 64)"
        " on conflict do nothing"
    )
    # Rows are granted to both roles by default; these tables get only what is needed.
    for table in _TABLES:
        op.execute(f"revoke all on mm.{table} from mm_app, mm_worker")
    op.execute("grant select, insert, update, delete on mm.webhook to mm_app")
    op.execute("grant select, insert, update, delete on mm.webhook_delivery to mm_app")
    op.execute("grant select, insert on mm.webhook_attempt to mm_app")
    op.execute("grant select, update on mm.feed_position to mm_app")


def downgrade() -> None:
    """Drop the tables, secrets and log with them."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.job where queue = 'webhooks'")
    op.execute("delete from mm.job_queue where name = 'webhooks'")
    for table in ("feed_position", "webhook_attempt", "webhook_delivery", "webhook"):
        op.drop_table(table, schema=_SCHEMA)
    op.drop_index(
        op.f("ix_event_actor_organisation_id_position"), table_name="event", schema=_SCHEMA
    )
    op.drop_column("event", "actor_organisation_id", schema=_SCHEMA)


def _create_webhook() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("disabled", sa.String(32), nullable=True),
        _time("failing_since"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _time("previous_until"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _time("created_at", is_now=True),
        _time("changed_at", is_now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_webhook_id_organisation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_webhook_organisation_id"),
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_webhook_revision_from_one")),
        sa.CheckConstraint(
            "disabled in ('owner', 'gone', 'failing')", name=op.f("ck_webhook_disabled_known")
        ),
        sa.CheckConstraint(
            "(previous_secret is null) = (previous_until is null)",
            name=op.f("ck_webhook_previous_ends"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_webhook_organisation_id_id"), "webhook", ["organisation_id", "id"], schema=_SCHEMA
    )


def _create_delivery() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        _time("next_at", is_now=True, nullable=True),
        _time("created_at", is_now=True),
        _time("finished_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint(
            "webhook_id", "position", name=op.f("uq_webhook_delivery_webhook_id_position")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id", "organisation_id"],
            ["mm.webhook.id", "mm.webhook.organisation_id"],
            name=op.f("fk_webhook_delivery_webhook_id_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["position"], ["mm.event.position"], name=op.f("fk_webhook_delivery_position")
        ),
        sa.CheckConstraint(
            "state in ('pending', 'delivered', 'dead')",
            name=op.f("ck_webhook_delivery_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (finished_at is null)",
            name=op.f("ck_webhook_delivery_end_is_known"),
        ),
        sa.CheckConstraint(
            "turn >= 0 and tries >= 0", name=op.f("ck_webhook_delivery_attempts_counted")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_webhook_delivery_webhook_id_id"),
        "webhook_delivery",
        ["webhook_id", "id"],
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_webhook_delivery_finished_at",
        "webhook_delivery",
        ["finished_at"],
        schema=_SCHEMA,
        postgresql_where=sa.text("finished_at is not null"),
    )


def _create_attempt() -> None:
    op.create_table(
        "webhook_attempt",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.BigInteger(), autoincrement=False, nullable=False),
        _time("attempted_at", nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "turn", name=op.f("pk_webhook_attempt")),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["mm.webhook_delivery.id"],
            name=op.f("fk_webhook_attempt_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "status between 100 and 999", name=op.f("ck_webhook_attempt_status_is_one")
        ),
        schema=_SCHEMA,
    )


def _time(name: str, *, is_now: bool = False, nullable: bool | None = None) -> sa.Column[object]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=sa.func.now() if is_now else None,
        nullable=not is_now if nullable is None else nullable,
    )
