"""Files that were handed in to be imported, and files that were made to be taken away.

Revision ID: 20261123_exchange
Revises: 20261123_pools
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_exchange"
down_revision = "20261123_pools"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLES = "mm.import_file, mm.export_file"


def upgrade() -> None:
    """Create both tables and let requests and jobs work on them."""
    op.execute("set local lock_timeout = '200ms'")
    _create(
        "import_file",
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(), nullable=True),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(outcome is null) = (report is null)", name=op.f("ck_import_file_outcome_has_a_report")
        ),
    )
    _create(
        "export_file",
        sa.Column("lines", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "content is null or refusal is null", name=op.f("ck_export_file_made_or_refused")
        ),
    )
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute(f"revoke all on {_TABLES} from mm_app, mm_worker")
    op.execute(f"grant select, insert, delete on {_TABLES} to mm_app, mm_worker")
    op.execute("grant update (outcome, report) on mm.import_file to mm_app, mm_worker")
    op.execute("grant update (lines, refusal, content) on mm.export_file to mm_app, mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    for table in ("export_file", "import_file"):
        op.drop_table(table, schema=_SCHEMA)


def _create(table: str, *own: sa.Column[object] | sa.CheckConstraint) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        *own,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f(f"fk_{table}_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["mm.api_key.id"], name=op.f(f"fk_{table}_requested_by")
        ),
        sa.CheckConstraint(
            "kind in ('providers', 'offerings', 'profiles', 'needs')",
            name=op.f(f"ck_{table}_kind_known"),
        ),
        sa.CheckConstraint(
            "format in ('jsonl', 'csv', 'xlsx')", name=op.f(f"ck_{table}_format_known")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f(f"ix_{table}_organisation_id_id"), table, ["organisation_id", "id"], schema=_SCHEMA
    )
    op.create_index(op.f(f"ix_{table}_created_at"), table, ["created_at"], schema=_SCHEMA)
