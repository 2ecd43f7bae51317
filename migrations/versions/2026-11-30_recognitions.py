"""Recognitions: levels and titles that authorities granted; of a row only where it stands changes.

Revision ID: 20261130_recognitions
Revises: 20261130_pathways
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "20261130_recognitions"
down_revision = "20261130_pathways"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_MOVED: Final = "state, revision, changed_at, note"


def upgrade() -> None:
    """Create the table with its wall."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "recognition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_recognition_organisation_id"),
        ),
        sa.CheckConstraint(
            "state in ('claimed', 'verified', 'expired')", name=op.f("ck_recognition_state_known")
        ),
        sa.CheckConstraint(
            "granted_on <= valid_until", name=op.f("ck_recognition_ends_after_it_begins")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_recognition_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_recognition_organisation_id_id"),
        "recognition",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_recognition_due",
        "recognition",
        ["valid_until"],
        schema=_SCHEMA,
        postgresql_where=sa.text("state in ('claimed', 'verified')"),
    )
    op.execute("alter table mm.recognition enable row level security")
    op.execute("alter table mm.recognition force row level security")
    for name, role, rule in (
        ("maintained", "mm_owner", "true"),
        ("own", "mm_app", _OWN),
        ("worked_on", "mm_worker", "true"),
    ):
        op.execute(
            f"create policy {name} on mm.recognition for all to {role}"
            f" using ({rule}) with check ({rule})"
        )
    op.execute("grant select, insert on mm.recognition to mm_app")
    op.execute(f"grant update ({_MOVED}) on mm.recognition to mm_app")
    op.execute(f"grant select, update ({_MOVED}) on mm.recognition to mm_worker")


def downgrade() -> None:
    """Drop the table."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.job where kind = 'recognition.expire'")
    op.execute("delete from mm.job_cron where kind = 'recognition.expire'")
    op.drop_table("recognition", schema=_SCHEMA)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
