"""What was answered to requests that carried an Idempotency-Key.

Revision ID: 20261130_idempotency
Revises: 20261130_webhooks
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_idempotency"
down_revision = "20261130_webhooks"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the table; only requests work on it, and a job that removes what is old."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "kept_reply",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("made", sa.Text(), nullable=True),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "method", "route", "key", name=op.f("pk_kept_reply")
        ),
        schema=_SCHEMA,
    )
    op.create_index(op.f("ix_kept_reply_claimed_at"), "kept_reply", ["claimed_at"], schema=_SCHEMA)
    # Each row is written twice, and removed after a week.
    op.execute("alter table mm.kept_reply set (autovacuum_vacuum_scale_factor = 0.05)")
    op.execute("revoke all on mm.kept_reply from mm_app, mm_worker")
    op.execute("grant select, insert, update, delete on mm.kept_reply to mm_app")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kept_reply", schema=_SCHEMA)
