"""A credit code is held by the one organisation that was verified with it; others may state it.

Revision ID: 20261124_credit_code
Revises: 20261124_editions
"""

from __future__ import annotations

from alembic import op

revision = "20261124_credit_code"
down_revision = "20261124_editions"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLE = "organisation"


def upgrade() -> None:
    """Keep codes apart among the verified alone."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_constraint(op.f("uq_organisation_uscc"), _TABLE, schema=_SCHEMA, type_="unique")
    op.create_index(op.f("ix_organisation_uscc"), _TABLE, ["uscc"], schema=_SCHEMA)
    op.create_index(
        "uq_organisation_uscc_held",
        _TABLE,
        ["uscc"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where="state in ('verified', 'suspended')",
    )


def downgrade() -> None:
    """Keep them apart among all again; that fails where two state the same."""
    op.execute("set local lock_timeout = '200ms'")
    for name in ("uq_organisation_uscc_held", "ix_organisation_uscc"):
        op.drop_index(name, table_name=_TABLE, schema=_SCHEMA)
    op.create_unique_constraint(op.f("uq_organisation_uscc"), _TABLE, ["uscc"], schema=_SCHEMA)
