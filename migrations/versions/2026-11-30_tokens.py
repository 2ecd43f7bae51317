"""Keys that public keys prove, and assertions that were used.

Revision ID: 20261130_tokens
Revises: 20261130_suspects
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_tokens"
down_revision = "20261130_suspects"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_INSTALLATION = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    """Create the table, which is the installation's own; keys have secrets so far."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column("api_key", sa.Column("jwks", postgresql.JSONB()), schema=_SCHEMA)
    op.create_table(
        "client_assertion",
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("jti_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("api_key_id", "jti_hash", name=op.f("pk_client_assertion")),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["mm.api_key.id"],
            name=op.f("fk_client_assertion_api_key_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "octet_length(jti_hash) = 32", name=op.f("ck_client_assertion_jti_hash_is_sha256")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_client_assertion_expires_at"), "client_assertion", ["expires_at"], schema=_SCHEMA
    )
    op.execute("grant select, insert, delete on mm.client_assertion to mm_app")
    op.execute("alter table mm.client_assertion enable row level security")
    op.execute("alter table mm.client_assertion force row level security")
    op.execute(
        "create policy maintained on mm.client_assertion to mm_owner using (true) with check (true)"
    )
    op.execute(
        "create policy own on mm.client_assertion to mm_app, mm_worker"
        f" using ({_INSTALLATION}) with check ({_INSTALLATION})"
    )


def downgrade() -> None:
    """Drop the table; keys without a secret are good for nothing from then on."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_table("client_assertion", schema=_SCHEMA)
    op.drop_column("api_key", "jwks", schema=_SCHEMA)
