"""Experiments, and the part that stored runs have in them.

Revision ID: 20261130_experiments
Revises: 20261130_scopes
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_experiments"
down_revision = "20261130_scopes"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OVERSEES: Final = "(select mm.oversees())"
_OWN: Final = f"organisation_id = (select mm.org()) or {_OVERSEES}"
_MOVED: Final = "state, revision, changed_at, note, started_at, ended_at"


def upgrade() -> None:
    """Create the tables: who runs the marketplace experiments, a firm notes its own runs."""
    op.execute("set local lock_timeout = '200ms'")
    _create_experiment()
    _create_run()
    for name, each in (("update or delete", "row"), ("truncate", "statement")):
        op.execute(
            f"create trigger experiment_run_{each}_kept before {name} on mm.experiment_run"
            f" for each {each} execute function mm.refuse_change()"
        )
    for table, own in (("experiment", _OVERSEES), ("experiment_run", _OWN)):
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        for name, role, rule in (
            ("maintained", "mm_owner", "true"),
            ("own", "mm_app", own),
            ("worked_on", "mm_worker", "true"),
        ):
            op.execute(
                f"create policy {name} on mm.{table} for all to {role}"
                f" using ({rule}) with check ({rule})"
            )
        op.execute(f"grant select, insert on mm.{table} to mm_app")
        op.execute(f"grant select on mm.{table} to mm_worker")
    op.execute(f"grant update ({_MOVED}) on mm.experiment to mm_app, mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    for table in ("experiment_run", "experiment"):
        op.drop_table(table, schema=_SCHEMA)


def _create_experiment() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("design", sa.String(32), nullable=False),
        sa.Column("a_id", sa.Uuid(), nullable=True),
        sa.Column("b_id", sa.Uuid(), nullable=True),
        sa.Column("measure", sa.String(32), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("least_firms", sa.Integer(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        *(
            sa.ForeignKeyConstraint([name], ["mm.model.id"], name=op.f(f"fk_experiment_{name}"))
            for name in ("a_id", "b_id")
        ),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_experiment_{name}"))
            for name, rule in (
                ("state_known", "state in ('draft', 'running', 'ended')"),
                ("design_known", "design in ('interleaving', 'ab')"),
                ("measure_known", "measure in ('opened', 'shortlisted', 'contacted')"),
                ("two_models", "a_id is distinct from b_id"),
                ("level_is_a_share", "level > 0 and level < 1"),
                ("least_firms_from_one", "least_firms > 0"),
                ("revision_from_one", "revision > 0"),
            )
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_experiment_running",
        "experiment",
        ["state"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("state = 'running'"),
    )


def _create_run() -> None:
    op.create_table(
        "experiment_run",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("experiment_id", sa.Uuid(), nullable=False),
        sa.Column("arm", sa.String(32), nullable=True),
        sa.Column("teams", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_experiment_run")),
        sa.ForeignKeyConstraint(
            ["run_id", "organisation_id"],
            ["mm.match_run.id", "mm.match_run.organisation_id"],
            name=op.f("fk_experiment_run_run_id_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["mm.experiment.id"], name=op.f("fk_experiment_run_experiment_id")
        ),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_experiment_run_{name}"))
            for name, rule in (
                ("arm_or_teams", "(arm is null) <> (teams is null)"),
                ("arm_known", "arm in ('a', 'b')"),
                ("teams_known", "teams <@ '{a,b,-}'"),
            )
        ),
        schema=_SCHEMA,
    )
    for name in ("experiment_id", "organisation_id"):
        op.create_index(op.f(f"ix_experiment_run_{name}"), "experiment_run", [name], schema=_SCHEMA)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
