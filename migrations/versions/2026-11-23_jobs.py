"""Jobs, the limits of their queues and the cron rows.

Revision ID: 20261123_jobs
Revises: 20261123_catalog
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_jobs"
down_revision = "20261123_events"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the three tables and let both roles work on them."""
    op.execute("set local lock_timeout = '200ms'")
    _create_job()
    _index_job()
    op.create_table(
        "job_queue",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("running_limit", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_queue")),
        sa.CheckConstraint("running_limit >= 0", name=op.f("ck_job_queue_limit_counts")),
        schema=_SCHEMA,
    )
    op.create_table(
        "job_cron",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("every_seconds", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_cron")),
        sa.CheckConstraint("every_seconds > 0", name=op.f("ck_job_cron_time_passes")),
        schema=_SCHEMA,
    )
    # Each job is changed three times and more: dead rows must not wait for a fifth of the table.
    op.execute("alter table mm.job set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)")
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute("revoke all on mm.job, mm.job_queue, mm.job_cron from mm_app, mm_worker")
    op.execute("grant select, insert, update, delete on mm.job to mm_app, mm_worker")
    op.execute("grant select, insert, update on mm.job_queue, mm.job_cron to mm_app, mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    for table in ("job_cron", "job_queue", "job"):
        op.drop_table(table, schema=_SCHEMA)


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("max_attempts", sa.BigInteger(), nullable=False),
        sa.Column("lapses", sa.BigInteger(), nullable=False),
        _time("run_at", server_default=sa.func.now(), nullable=False),
        _time("leased_until"),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("progress", postgresql.JSONB(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _time("cancel_requested_at"),
        _time("created_at", server_default=sa.func.now(), nullable=False),
        _time("finished_at"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_job_{name}")) for name, rule in _CHECKS),
        schema=_SCHEMA,
    )


def _index_job() -> None:
    for name, columns, where in _INDEXES:
        op.create_index(
            op.f(name),
            "job",
            columns,
            schema=_SCHEMA,
            unique=name.startswith("uq_"),
            postgresql_where=sa.text(where),
        )


def _time(name: str, *, server_default: object = None, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=server_default,  # type: ignore[arg-type]
        nullable=nullable,
    )


_CHECKS = (
    ("state_known", "state in ('queued', 'running', 'done', 'failed', 'cancelled')"),
    ("lease_runs", "(state = 'running') = (leased_until is not null)"),
    (
        "end_is_known",
        "(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)",
    ),
    ("attempts_counted", "attempt >= 0 and max_attempts > 0"),
)
_INDEXES = (
    ("ix_job_due", ["run_at", "id"], "state = 'queued'"),
    ("ix_job_queue_due", ["queue", "run_at", "id"], "state = 'queued'"),
    ("ix_job_lease", ["queue", "leased_until"], "state = 'running'"),
    ("ix_job_finished", ["finished_at"], "state in ('done', 'failed', 'cancelled')"),
    ("ix_job_organisation_id", ["organisation_id", "id"], "organisation_id is not null"),
    ("uq_job_kind_key", ["kind", "key"], "state = 'queued' and attempt = 0"),
)
