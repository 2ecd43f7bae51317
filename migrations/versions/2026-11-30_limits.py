"""What callers have used up of their limits.

Revision ID: 20261130_limits
Revises: 20261130_idempotency
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_limits"
down_revision = "20261130_idempotency"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the table; it is logged, for a crash must not give everybody their limits back."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "rate_limit",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "subject", name=op.f("pk_rate_limit")),
        schema=_SCHEMA,
    )
    op.create_index(op.f("ix_rate_limit_full_at"), "rate_limit", ["full_at"], schema=_SCHEMA)
    # The same rows are changed again and again: dead ones must not wait for a fifth of the table.
    op.execute(
        "alter table mm.rate_limit set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)"
    )
    op.execute("revoke all on mm.rate_limit from mm_app, mm_worker")
    op.execute("grant select, insert, update, delete on mm.rate_limit to mm_app")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("rate_limit", schema=_SCHEMA)
