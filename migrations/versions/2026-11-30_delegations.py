"""Advisers act in the name of an organisation that lets them.

Revision ID: 20261130_delegations
Revises: 20261130_sightings
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_delegations"
down_revision = "20261130_sightings"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLE = "delegation"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_HELD: Final = "adviser_id = (select mm.org())"
_POLICIES: Final = (
    "maintained on mm.delegation for all to mm_owner using (true) with check (true)",
    f"own on mm.delegation for all to mm_app using ({_OWN}) with check ({_OWN})",
    # Who was let may read it and hand it back; what it allows nobody changes.
    f"held on mm.delegation for select to mm_app using ({_HELD})",
    f"returned on mm.delegation for update to mm_app using ({_HELD}) with check ({_HELD})",
)


def upgrade() -> None:
    """Create the table; of a row only the end is written later."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("adviser_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "granted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        *(
            sa.ForeignKeyConstraint(
                [column], ["mm.organisation.id"], name=op.f(f"fk_delegation_{column}")
            )
            for column in ("organisation_id", "adviser_id")
        ),
        sa.CheckConstraint("organisation_id <> adviser_id", name=op.f("ck_delegation_to_another")),
        sa.CheckConstraint(
            "cardinality(scopes) > 0", name=op.f("ck_delegation_good_for_something")
        ),
        schema=_SCHEMA,
    )
    for column in ("organisation_id", "adviser_id"):
        op.create_index(op.f(f"ix_delegation_{column}_id"), _TABLE, [column, "id"], schema=_SCHEMA)
    op.create_index(
        "uq_delegation_organisation_id_adviser_id_open",
        _TABLE,
        ["organisation_id", "adviser_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.execute("grant select, insert, update (ended_at) on mm.delegation to mm_app")
    op.execute("alter table mm.delegation enable row level security")
    op.execute("alter table mm.delegation force row level security")
    for policy in _POLICIES:
        op.execute(f"create policy {policy}")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table(_TABLE, schema=_SCHEMA)
