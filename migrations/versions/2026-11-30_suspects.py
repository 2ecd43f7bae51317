"""Jobs that may end their worker are found without reading the others.

Revision ID: 20261130_suspects
Revises: 20261130_walls
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_suspects"
down_revision = "20261130_walls"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the index; workers ask for suspects every second."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_index(
        op.f("ix_job_suspect"),
        "job",
        ["run_at"],
        schema=_SCHEMA,
        postgresql_where=sa.text("state = 'queued' and lapses > 1"),
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(op.f("ix_job_suspect"), "job", schema=_SCHEMA)
