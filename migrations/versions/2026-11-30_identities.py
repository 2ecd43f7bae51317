"""As whom identity providers know people.

Revision ID: 20261130_identities
Revises: 20261130_assessments
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_identities"
down_revision = "20261130_assessments"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_INSTALLATION = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    """Create the table; no organisation is told who can log in, or how."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "person_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_person_identity")),
        sa.UniqueConstraint(
            "person_id", "issuer", name=op.f("uq_person_identity_person_id_issuer")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["mm.person.id"],
            name=op.f("fk_person_identity_person_id"),
            ondelete="CASCADE",
        ),
        schema=_SCHEMA,
    )
    op.execute("grant select, insert, delete on mm.person_identity to mm_app")
    op.execute("alter table mm.person_identity enable row level security")
    op.execute("alter table mm.person_identity force row level security")
    op.execute(
        "create policy maintained on mm.person_identity to mm_owner using (true) with check (true)"
    )
    op.execute(
        "create policy own on mm.person_identity to mm_app, mm_worker"
        f" using ({_INSTALLATION}) with check ({_INSTALLATION})"
    )


def downgrade() -> None:
    """Drop the table: people log in with their passwords, or not at all."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_table("person_identity", schema=_SCHEMA)
