"""The organisation table.

Revision ID: 20261123_organisation
Revises: 20261123_roles
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_organisation"
down_revision = "20261123_roles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and let the application read, add and change rows of it."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("provider_kind", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("external_id", name=op.f("uq_organisation_external_id")),
        sa.UniqueConstraint("uscc", name=op.f("uq_organisation_uscc")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_organisation_{name}")) for name, rule in _CHECKS),
        schema="mm",
    )
    # Rows are granted to both roles by default; this table gets only what is needed.
    op.execute("revoke all on mm.organisation from mm_app, mm_worker")
    op.execute("grant select, insert, update on mm.organisation to mm_app")
    op.execute("grant select on mm.organisation to mm_worker")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("organisation", schema="mm")


_CHECKS = (
    ("name_in_a_language", "jsonb_typeof(name) = 'object' and name ?| '{zh,en}'"),
    ("roles_known", "roles <@ '{sme,provider,agency,operator}'"),
    ("has_a_role", "cardinality(roles) > 0"),
    ("kind_of_a_provider", "provider_kind is null or 'provider' = any (roles)"),
    ("region_is_a_code", "region ~ '^[0-9]{6}$'"),
    ("uscc_is_a_code", "uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'"),
    (
        "state_known",
        (
            "state in ('draft', 'submitted', 'changes_requested', 'rejected', 'verified',"
            " 'suspended', 'closed')"
        ),
    ),
)
