"""When each organisation was verified, and under which name: what an index of a position reads.

Revision ID: 20261124_organisation_live
Revises: 20261124_admission_live
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_organisation_live"
down_revision = "20261124_admission_live"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_LIVE = ("offering_live", "organisation_live", "admission_live")
_POSITIONS = ("from_position", "to_position")


def upgrade() -> None:
    """Create the table; who is verified now was so before the first event."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "organisation_live",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "organisation_id", "from_position", name=op.f("pk_organisation_live")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_organisation_live_organisation_id"),
        ),
        sa.CheckConstraint(
            "from_position >= 0", name=op.f("ck_organisation_live_from_position_from_zero")
        ),
        sa.CheckConstraint(
            "from_position < to_position", name=op.f("ck_organisation_live_positions_in_order")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("uq_organisation_live_organisation_id_open"),
        "organisation_live",
        ["organisation_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("to_position is null"),
    )
    op.execute(
        "insert into mm.organisation_live (organisation_id, name, from_position)"
        " select id, name, 0 from mm.organisation where state = 'verified'"
    )
    for what, each in (("update or delete", "row"), ("truncate", "statement")):
        name = "organisation_live_" + ("not_truncated" if what == "truncate" else "past_is_kept")
        op.execute(
            f"create trigger {name} before {what} on mm.organisation_live"
            f" for each {each} execute function mm.refuse_other_times()"
        )
    op.execute("revoke all on mm.organisation_live from mm_app, mm_worker")
    op.execute("grant select, insert, update (to_position) on mm.organisation_live to mm_app")
    op.execute("grant select on mm.organisation_live to mm_worker")
    # What has turned since a position is asked again and again.
    for table in _LIVE:
        for column in _POSITIONS:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema=_SCHEMA)


def downgrade() -> None:
    """Drop the table and the indexes."""
    for table in _LIVE:
        for column in _POSITIONS:
            op.drop_index(op.f(f"ix_{table}_{column}"), table, schema=_SCHEMA)
    op.drop_table("organisation_live", schema=_SCHEMA)
