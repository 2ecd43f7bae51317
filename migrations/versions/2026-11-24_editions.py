"""The released data that indexes were built with, kept for replays.

Revision ID: 20261124_editions
Revises: 20261124_organisation_live
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_editions"
down_revision = "20261124_organisation_live"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the table; what was released before is kept with the next index."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "edition_part",
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("texts", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("part", "name", name=op.f("pk_edition_part")),
        sa.CheckConstraint(
            "part in ('model', 'taxonomy', 'glossary')", name=op.f("ck_edition_part_part_known")
        ),
        schema=_SCHEMA,
    )
    op.execute(
        "create trigger edition_part_immutable before update or delete on mm.edition_part"
        " for each row execute function mm.refuse_change()"
    )
    op.execute(
        "create trigger edition_part_not_truncated before truncate on mm.edition_part"
        " for each statement execute function mm.refuse_change()"
    )
    op.execute("revoke all on mm.edition_part from mm_app, mm_worker")
    op.execute("grant select, insert on mm.edition_part to mm_app")
    op.execute("grant select on mm.edition_part to mm_worker")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("edition_part", schema=_SCHEMA)
