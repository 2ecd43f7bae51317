"""Feedback on what runs showed, judgements of it, and how likely each offering was to be shown.

Revision ID: 20261130_feedback
Revises: 20261130_batches
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "20261130_feedback"
down_revision = "20261130_batches"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_NOT_ITS_OWN: Final = "provider_id not in (organisation_id, said_by)"
_ACTIONS: Final = "'opened', 'shortlisted', 'contacted', 'quoted', 'contracted', 'dismissed'"
_REASONS: Final = (
    "'scene_fit', 'category', 'text', 'price', 'industry', 'scale', 'stage', 'region', 'prefer',"
    " 'weeks', 'cases', 'acceptance', 'freshness', 'other'"
)


def upgrade() -> None:
    """Create both tables with their walls; what was shown so far was shown for certain."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column(
        "match",
        sa.Column("propensity", sa.Double(), server_default="1", nullable=False),
        schema=_SCHEMA,
    )
    # Not valid and validated apart: the rows are there, and each has the default.
    op.execute(
        "alter table mm.match add constraint ck_match_propensity_is_a_share"
        " check (propensity > 0 and propensity <= 1) not valid"
    )
    op.execute("alter table mm.match validate constraint ck_match_propensity_is_a_share")
    _create_feedback()
    _create_judgement()
    for table in ("feedback", "judgement"):
        _wall(table)


def downgrade() -> None:
    """Drop both tables, and the propensities."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_table("judgement", schema=_SCHEMA)
    op.drop_table("feedback", schema=_SCHEMA)
    op.drop_column("match", "propensity", schema=_SCHEMA)


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        *_columns(),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.ForeignKeyConstraint(
            ["run_id", "organisation_id"],
            ["mm.match_run.id", "mm.match_run.organisation_id"],
            name=op.f("fk_feedback_run_id_organisation_id"),
        ),
        *_shared("feedback"),
        sa.UniqueConstraint(
            "run_id", "offering_id", "action", name=op.f("uq_feedback_run_id_offering_id_action")
        ),
        sa.CheckConstraint(f"action in ({_ACTIONS})", name=op.f("ck_feedback_action_known")),
        sa.CheckConstraint(f"reason in ({_REASONS})", name=op.f("ck_feedback_reason_known")),
        sa.CheckConstraint(
            "reason is null or action = 'dismissed'",
            name=op.f("ck_feedback_reason_of_a_dismissal"),
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_feedback_organisation_id_id"),
        "feedback",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )


def _create_judgement() -> None:
    op.create_table(
        "judgement",
        *_columns(),
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_judgement_organisation_id"),
        ),
        *_shared("judgement"),
        sa.CheckConstraint("grade between 0 and 4", name=op.f("ck_judgement_grade_on_the_scale")),
        schema=_SCHEMA,
    )
    for columns in (["run_id", "offering_id", "id"], ["organisation_id", "id"]):
        op.create_index(
            op.f(f"ix_judgement_{'_'.join(columns)}"), "judgement", columns, schema=_SCHEMA
        )


def _columns() -> tuple[sa.Column[Any], ...]:
    names = ("id", "organisation_id", "said_by", "run_id", "offering_id", "provider_id")
    return (
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in names),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
    )


def _shared(table: str) -> tuple[sa.Constraint, ...]:
    return (
        *(
            sa.ForeignKeyConstraint([name], ["mm.organisation.id"], name=op.f(f"fk_{table}_{name}"))
            for name in ("said_by", "provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "offering_id"],
            ["mm.match.run_id", "mm.match.offering_id"],
            name=op.f(f"fk_{table}_run_id_offering_id"),
        ),
        sa.CheckConstraint(_NOT_ITS_OWN, name=op.f(f"ck_{table}_not_of_its_own_offering")),
    )


def _wall(table: str) -> None:
    op.execute(f"alter table mm.{table} enable row level security")
    op.execute(f"alter table mm.{table} force row level security")
    for name, role, command, rule in (
        ("maintained", "mm_owner", "all", "using (true) with check (true)"),
        ("own", "mm_app", "all", f"using ({_OWN}) with check ({_OWN})"),
        ("worked_with", "mm_worker", "select", "using (true)"),
    ):
        op.execute(f"create policy {name} on mm.{table} for {command} to {role} {rule}")
    op.execute(f"grant select, insert on mm.{table} to mm_app")
    op.execute(f"grant select on mm.{table} to mm_worker")
