"""Guides: what is recommended to whom and by whom; of a row only where it stands changes.

Revision ID: 20261130_guides
Revises: 20261130_own_rows
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_guides"
down_revision = "20261130_own_rows"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_MOVED: Final = "state, revision, changed_at, note"


def upgrade() -> None:
    """Create the table with its wall: drafts are their owner's, the rest is everyone's to read."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "guide",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("issuer", postgresql.JSONB(), nullable=False),
        sa.Column("source", postgresql.JSONB(), nullable=False),
        sa.Column("industries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("scenes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("pitfalls", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guide")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_guide_organisation_id")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'published', 'superseded')", name=op.f("ck_guide_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_guide_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_guide_organisation_id_id"), "guide", ["organisation_id", "id"], schema=_SCHEMA
    )
    op.create_index(
        "uq_guide_published_code",
        "guide",
        ["organisation_id", "code"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.execute("alter table mm.guide enable row level security")
    op.execute("alter table mm.guide force row level security")
    for name, role, rule in (
        ("maintained", "mm_owner", "true"),
        ("own", "mm_app", _OWN),
        ("worked_on", "mm_worker", "true"),
    ):
        op.execute(
            f"create policy {name} on mm.guide for all to {role} using ({rule}) with check ({rule})"
        )
    op.execute("create policy published on mm.guide for select to mm_app using (state <> 'draft')")
    op.execute("grant select, insert on mm.guide to mm_app")
    op.execute(f"grant update ({_MOVED}) on mm.guide to mm_app")


def downgrade() -> None:
    """Drop the table."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_table("guide", schema=_SCHEMA)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
