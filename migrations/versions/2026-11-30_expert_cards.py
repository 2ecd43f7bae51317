"""Expert cards: what members say of themselves, for those who look for experts.

Revision ID: 20261130_expert_cards
Revises: 20261130_recognitions
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_expert_cards"
down_revision = "20261130_recognitions"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLE = "expert_card"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_SOUGHT: Final = (
    "(select mm.holds('agency')) and exists (select from mm.organisation_card card"
    " where card.id = organisation_id and card.state = 'verified')"
)
_POLICIES: Final = (
    "maintained on mm.expert_card for all to mm_owner using (true) with check (true)",
    f"own on mm.expert_card for all to mm_app using ({_OWN}) with check ({_OWN})",
    f"found on mm.expert_card for select to mm_app using ({_SOUGHT})",
)
_STATED: Final = "name, titles, skills, conflicts, consented_at, revision, changed_at"
_SUBJECTS: Final = ("profile", "need", "match_run")
_SUBJECT_KNOWN: Final = "ck_sighting_subject_known"


def upgrade() -> None:
    """Create the table with its wall; a look at a card is one that is noted."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("titles", postgresql.JSONB(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("conflicts", postgresql.JSONB(), nullable=False),
        _now("consented_at"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_card")),
        # What is said goes with whoever said it.
        sa.ForeignKeyConstraint(
            ["id"], ["mm.member.id"], name=op.f("fk_expert_card_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_expert_card_organisation_id"),
        ),
        *(
            sa.CheckConstraint(said, name=op.f(f"ck_expert_card_{name}"))
            for name, said in {
                "good_for_something": "cardinality(skills) > 0",
                "titles_are_a_list": "jsonb_typeof(titles) = 'array'",
                "conflicts_are_a_list": "jsonb_typeof(conflicts) = 'array'",
                "revision_from_one": "revision > 0",
            }.items()
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_expert_card_organisation_id_id"),
        _TABLE,
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )
    op.execute("grant select, insert, delete on mm.expert_card to mm_app")
    op.execute(f"grant update ({_STATED}) on mm.expert_card to mm_app")
    op.execute("alter table mm.expert_card enable row level security")
    op.execute("alter table mm.expert_card force row level security")
    for policy in _POLICIES:
        op.execute(f"create policy {policy}")
    _know_subjects(*_SUBJECTS, "expert_card")


def downgrade() -> None:
    """Drop the table, and the notes of who saw a card."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.sighting where subject_type = 'expert_card'")
    _know_subjects(*_SUBJECTS)
    op.drop_table(_TABLE, schema=_SCHEMA)


def _know_subjects(*subjects: str) -> None:
    op.drop_constraint(op.f(_SUBJECT_KNOWN), "sighting", schema=_SCHEMA, type_="check")
    known = ", ".join(f"'{each}'" for each in subjects)
    op.create_check_constraint(
        op.f(_SUBJECT_KNOWN), "sighting", f"subject_type in ({known})", schema=_SCHEMA
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
