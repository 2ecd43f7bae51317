"""A key may name the networks that it is taken from.

Revision ID: 20261130_key_networks
Revises: 20261130_limits
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_key_networks"
down_revision = "20261130_limits"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_SOMEWHERE = "ck_api_key_allowed_from_somewhere"


def upgrade() -> None:
    """Add the column; the keys that there are stay good from anywhere."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column(
        "api_key",
        sa.Column("allowed_from", postgresql.ARRAY(sa.Text()), nullable=True),
        schema=_SCHEMA,
    )
    op.create_check_constraint(
        op.f(_SOMEWHERE), "api_key", "cardinality(allowed_from) > 0", schema=_SCHEMA
    )


def downgrade() -> None:
    """Drop the column."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_column("api_key", "allowed_from", schema=_SCHEMA)
