"""Recognitions can be emptied, and pathways by themselves.

Revision ID: 20261130_recognition_erasure
Revises: 20261130_models
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "20261130_recognition_erasure"
down_revision = "20261130_models"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_PINNED: Final = "language sql security definer set search_path = pg_catalog, pg_temp"
# For the firm itself and overseers, as the other functions of the erasure.
_FUNCTIONS: Final = {
    "mm.erase_recognitions": """
        with erased as (
            update mm.recognition set scheme = '', level = '', issuer = '', number = null,
                granted_on = null, valid_until = null, note = null, erased_at = now()
            where (firm = mm.org() or mm.oversees()) and organisation_id = firm
                and erased_at is null
            returning 1
        )
        select count(*) from erased
    """,
    "mm.erase_pathways": """
        with erased as (
            update mm.pathway set asked = '{}', way = '{}', note = null, erased_at = now()
            where (firm = mm.org() or mm.oversees()) and organisation_id = firm
                and erased_at is null
            returning 1
        )
        select count(*) from erased
    """,
}


def upgrade() -> None:
    """Add when a recognition was emptied, and the functions that the application may call."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column(
        "recognition",
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        schema=_SCHEMA,
    )
    for name, body in _FUNCTIONS.items():
        op.execute(f"create function {name}(firm uuid) returns bigint {_PINNED} as $${body}$$")
        op.execute(f"revoke execute on function {name}(uuid) from public")
        op.execute(f"grant execute on function {name}(uuid) to mm_app")


def downgrade() -> None:
    """Drop the functions and the column; what was erased is lost already."""
    op.execute("set local lock_timeout = '200ms'")
    for name in _FUNCTIONS:
        op.execute(f"drop function {name}(uuid)")
    op.drop_column("recognition", "erased_at", schema=_SCHEMA)
