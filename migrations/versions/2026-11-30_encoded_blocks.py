"""Published versions as an encoder coded them, kept so that an index is built fast.

Revision ID: 20261130_encoded_blocks
Revises: 20261130_identities
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_encoded_blocks"
down_revision = "20261130_identities"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_INSTALLATION = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    """Create the table; the next build of an index fills it."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "encoded_block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encoded_block")),
        sa.CheckConstraint("octet_length(seal) = 32", name=op.f("ck_encoded_block_seal_is_sha256")),
        schema=_SCHEMA,
    )
    op.create_index(op.f("ix_encoded_block_encoder"), "encoded_block", ["encoder"], schema=_SCHEMA)
    # Numbers in their smallest types hardly shrink, and to unpack them costs the server time.
    op.execute("alter table mm.encoded_block alter column body set storage external")
    op.execute("revoke all on mm.encoded_block from mm_app, mm_worker")
    op.execute("grant select, insert, delete on mm.encoded_block to mm_app")
    # Offerings of pools are in it, so it is for the publisher alone.
    op.execute("alter table mm.encoded_block enable row level security")
    op.execute("alter table mm.encoded_block force row level security")
    op.execute(
        "create policy maintained on mm.encoded_block for all to mm_owner"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy own on mm.encoded_block for all to mm_app"
        f" using ({_INSTALLATION}) with check ({_INSTALLATION})"
    )


def downgrade() -> None:
    """Drop the table; indexes are built of the versions."""
    op.drop_table("encoded_block", schema=_SCHEMA)
