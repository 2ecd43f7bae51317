"""Who saw what a firm stated.

Revision ID: 20261130_sightings
Revises: 20261130_reach
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "20261130_sightings"
down_revision = "20261130_reach"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLE = "sighting"
_INSTALLATION: Final = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"
# Whoever looks leaves a note with their own name on it, and does not read it again.
_NOTED: Final = "by_organisation_id = (select mm.org()) or organisation_id = (select mm.org())"
_POLICIES: Final = (
    "maintained on mm.sighting for all to mm_owner using (true) with check (true)",
    f"kept on mm.sighting for all to mm_app using ({_INSTALLATION}) with check ({_INSTALLATION})",
    "own on mm.sighting for select to mm_app using (organisation_id = (select mm.org()))",
    f"noted on mm.sighting for insert to mm_app with check ({_NOTED})",
)


def upgrade() -> None:
    """Create the table; nobody changes a row of it."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("by_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("seen_as", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        *(
            sa.ForeignKeyConstraint(
                [column], ["mm.organisation.id"], name=op.f(f"fk_sighting_{column}")
            )
            for column in ("organisation_id", "by_organisation_id")
        ),
        *(
            sa.CheckConstraint(said, name=op.f(f"ck_sighting_{name}"))
            for name, said in {
                "subject_known": "subject_type in ('profile', 'need', 'match_run')",
                "as_known": "seen_as in ('operator', 'agency', 'adviser', 'partner')",
                "way_known": "way in ('read', 'listed', 'exported')",
            }.items()
        ),
        schema=_SCHEMA,
    )
    for columns in (["organisation_id", "id"], ["seen_at"]):
        name = "_".join(["ix_sighting", *columns])
        op.create_index(op.f(name), _TABLE, columns, schema=_SCHEMA)
    op.execute("grant select, insert, delete on mm.sighting to mm_app")
    op.execute("alter table mm.sighting enable row level security")
    op.execute("alter table mm.sighting force row level security")
    for policy in _POLICIES:
        op.execute(f"create policy {policy}")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table(_TABLE, schema=_SCHEMA)
