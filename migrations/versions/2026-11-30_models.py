"""Learned models with their files, and what the gate found of them.

Revision ID: 20261130_models
Revises: 20261130_feedback
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_models"
down_revision = "20261130_feedback"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OVERSEES: Final = "(select mm.oversees())"
_MOVED: Final = "state, revision, changed_at, note, replaced_id, promoted_at"


def upgrade() -> None:
    """Create the tables: everybody reads them, who runs the marketplace writes them."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column(
        "match_run",
        sa.Column("shadow", postgresql.JSONB(none_as_null=True), nullable=True),
        schema=_SCHEMA,
    )
    _create_model()
    op.create_table(
        "model_file",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "name", name=op.f("pk_model_file")),
        sa.ForeignKeyConstraint(["model_id"], ["mm.model.id"], name=op.f("fk_model_file_model_id")),
        schema=_SCHEMA,
    )
    _create_evaluation()
    for table in ("model", "model_file", "evaluation"):
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        for name, role, command, rule in (
            ("maintained", "mm_owner", "all", "using (true) with check (true)"),
            ("found", "mm_app", "select", "using (true)"),
            ("own", "mm_app", "all", f"using ({_OVERSEES}) with check ({_OVERSEES})"),
            ("worked_on", "mm_worker", "all", "using (true) with check (true)"),
        ):
            op.execute(f"create policy {name} on mm.{table} for {command} to {role} {rule}")
        op.execute(f"grant select, insert on mm.{table} to mm_app, mm_worker")
    op.execute(f"grant update ({_MOVED}) on mm.model to mm_app, mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.job where kind in ('model.train', 'model.evaluate')")
    op.execute("delete from mm.job_cron where kind in ('model.train', 'model.evaluate')")
    op.drop_column("match_run", "shadow", schema=_SCHEMA)
    for table in ("evaluation", "model_file", "model"):
        op.drop_table(table, schema=_SCHEMA)


def _create_model() -> None:
    op.create_table(
        "model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("replaced_id", sa.Uuid(), nullable=True),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("name", name=op.f("uq_model_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_model_sha256")),
        sa.ForeignKeyConstraint(
            ["replaced_id"], ["mm.model.id"], name=op.f("fk_model_replaced_id")
        ),
        sa.CheckConstraint(
            "state in ('trained', 'shadow', 'champion', 'retired')",
            name=op.f("ck_model_state_known"),
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_model_sha256_is_one")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_model_revision_from_one")),
        schema=_SCHEMA,
    )
    for state in ("champion", "shadow"):
        op.create_index(
            f"ix_model_{state}",
            "model",
            ["state"],
            unique=True,
            schema=_SCHEMA,
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def _create_evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("against_id", sa.Uuid(), nullable=True),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        *(
            sa.ForeignKeyConstraint([name], ["mm.model.id"], name=op.f(f"fk_evaluation_{name}"))
            for name in ("model_id", "against_id")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_evaluation_model_id_id"), "evaluation", ["model_id", "id"], schema=_SCHEMA
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
