"""When each admission was listed, by events: what an index of a position reads.

Revision ID: 20261124_admission_live
Revises: 20261123_exchange
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124_admission_live"
down_revision = "20261123_exchange"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the table; what is listed now was so before the first event."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "admission_live",
        sa.Column("admission_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("admission_id", "from_position", name=op.f("pk_admission_live")),
        sa.ForeignKeyConstraint(
            ["admission_id", "organisation_id"],
            ["mm.admission.id", "mm.admission.organisation_id"],
            name=op.f("fk_admission_live_admission_id_organisation_id"),
        ),
        sa.CheckConstraint(
            "from_position >= 0", name=op.f("ck_admission_live_from_position_from_zero")
        ),
        sa.CheckConstraint(
            "from_position < to_position", name=op.f("ck_admission_live_positions_in_order")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("uq_admission_live_admission_id_open"),
        "admission_live",
        ["admission_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("to_position is null"),
    )
    op.execute(
        "insert into mm.admission_live (admission_id, organisation_id, from_position)"
        " select id, organisation_id, 0 from mm.admission where state in ('admitted', 'warned')"
    )
    _keep_the_past()
    op.execute("revoke all on mm.admission_live from mm_app, mm_worker")
    # The worker lets admissions expire.
    op.execute(
        "grant select, insert, update (to_position) on mm.admission_live to mm_app, mm_worker"
    )


def downgrade() -> None:
    """Drop the table and what kept its past."""
    op.drop_table("admission_live", schema=_SCHEMA)
    op.execute("drop function mm.refuse_other_times()")


def _keep_the_past() -> None:
    # For every table of this kind: a row is what it began as, and ends once.
    op.execute(
        """
        create function mm.refuse_other_times() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' and old.to_position is null and new.to_position is not null
                and to_jsonb(new) - 'to_position' = to_jsonb(old) - 'to_position'
            then
                return new;
            end if;
            raise exception '% of mm.% refused: a row begins once and ends once',
                tg_op, tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )
    for what, each in (("update or delete", "row"), ("truncate", "statement")):
        name = "admission_live_" + ("not_truncated" if what == "truncate" else "past_is_kept")
        op.execute(
            f"create trigger {name} before {what} on mm.admission_live"
            f" for each {each} execute function mm.refuse_other_times()"
        )
