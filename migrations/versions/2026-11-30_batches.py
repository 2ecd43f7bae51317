"""Cohorts of firms, and batches of matches over them.

Revision ID: 20261130_batches
Revises: 20261130_guides
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_batches"
down_revision = "20261130_guides"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLES: Final = ("batch", "cohort")
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"


def upgrade() -> None:
    """Create both tables, each with its wall."""
    op.execute("set local lock_timeout = '200ms'")
    _create(
        "cohort",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("criteria", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("changed_at"),
        sa.CheckConstraint(
            "jsonb_typeof(criteria) = 'object'", name=op.f("ck_cohort_criteria_by_name")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_cohort_revision_from_one")),
    )
    _create(
        "batch",
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_by_member", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.Column("lines", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["mm.api_key.id"], name=op.f("fk_batch_requested_by")
        ),
        sa.CheckConstraint("(report is null) = (lines is null)", name=op.f("ck_batch_done_or_not")),
    )
    op.create_index(op.f("ix_batch_created_at"), "batch", ["created_at"], schema=_SCHEMA)
    for table in _TABLES:
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        for name, role, rule in (
            ("maintained", "mm_owner", "true"),
            ("own", "mm_app", _OWN),
            ("worked_on", "mm_worker", "true"),
        ):
            op.execute(
                f"create policy {name} on mm.{table} for all to {role}"
                f" using ({rule}) with check ({rule})"
            )
    op.execute("grant select, insert on mm.cohort to mm_app")
    op.execute("grant select on mm.cohort to mm_worker")
    op.execute(
        "grant update (name, criteria, revision, changed_at) on mm.cohort to mm_app, mm_worker"
    )
    op.execute("grant select, insert, delete on mm.batch to mm_app")
    op.execute("grant select, delete on mm.batch to mm_worker")
    op.execute("grant update (report, lines) on mm.batch to mm_app, mm_worker")


def downgrade() -> None:
    """Drop both tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.job where kind in ('match.batch', 'match.batch.prune')")
    op.execute("delete from mm.job_cron where kind = 'match.batch.prune'")
    for table in _TABLES:
        op.drop_table(table, schema=_SCHEMA)


def _create(table: str, *own: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        _now("created_at"),
        *own,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f(f"fk_{table}_organisation_id")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f(f"ix_{table}_organisation_id_id"), table, ["organisation_id", "id"], schema=_SCHEMA
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
