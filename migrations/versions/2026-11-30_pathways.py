"""Pathways: what was asked and computed is kept as it was, and emptied with the profile.

Revision ID: 20261130_pathways
Revises: 20261130_rights
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_pathways"
down_revision = "20261130_rights"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_TRIGGER: Final = """
    create function mm.refuse_computed() returns trigger language plpgsql as $$
    declare
        emptied jsonb := jsonb_build_object('asked', '{}'::jsonb, 'way', '{}'::jsonb,
            'note', null, 'erased_at', now());
        passing text[] := array['state', 'revision', 'changed_at', 'note'];
    begin
        if tg_op = 'UPDATE' then
            if old.erased_at is null and to_jsonb(new) = to_jsonb(old) || emptied then
                return new;
            elsif to_jsonb(new) - passing = to_jsonb(old) - passing then
                return new;
            end if;
        end if;
        raise exception '% of mm.% refused: what was computed stays', tg_op, tg_table_name
            using errcode = 'restrict_violation';
    end $$
"""
# A way is computed from an assessment and a profile: what is said there goes from here too.
_ERASE: Final = """
    create or replace function mm.erase_assessments(firm uuid) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
        {ways}
        with erased as (
            update mm.assessment set content = '{{}}', result = null, peers = null,
                assessor = null, assessed_on = null, note = null, erased_at = now()
            where organisation_id = firm and erased_at is null
                and (firm = mm.org() or mm.oversees())
            returning 1
        )
        select count(*) from erased
    $$
"""
_WAYS: Final = """
        update mm.pathway set asked = '{}', way = '{}', note = null, erased_at = now()
        where organisation_id = firm and erased_at is null
            and (firm = mm.org() or mm.oversees());
"""


def upgrade() -> None:
    """Create the table with its wall."""
    op.execute("set local lock_timeout = '200ms'")
    _create_pathway()
    op.execute(_TRIGGER)
    op.execute(
        "create trigger pathway_kept before update or delete on mm.pathway"
        " for each row execute function mm.refuse_computed()"
    )
    op.execute(
        "create trigger pathway_not_truncated before truncate on mm.pathway"
        " for each statement execute function mm.refuse_change()"
    )
    op.execute(_ERASE.format(ways=_WAYS))
    op.execute("alter table mm.pathway enable row level security")
    op.execute("alter table mm.pathway force row level security")
    for name, role, command, rule in (
        ("maintained", "mm_owner", "all", "true"),
        ("own", "mm_app", "all", _OWN),
    ):
        op.execute(
            f"create policy {name} on mm.pathway for {command} to {role}"
            f" using ({rule}) with check ({rule})"
        )
    op.execute("grant select, insert on mm.pathway to mm_app")
    op.execute("grant update (state, revision, changed_at, note) on mm.pathway to mm_app")


def downgrade() -> None:
    """Drop the table."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute(_ERASE.format(ways=""))
    op.drop_table("pathway", schema=_SCHEMA)
    op.execute("drop function mm.refuse_computed()")


def _create_pathway() -> None:
    op.create_table(
        "pathway",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=True),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("way", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        _time("erased_at"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _time("created_at", is_now=True),
        _time("changed_at", is_now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pathway")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_pathway_id_organisation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_pathway_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["assessment_id", "organisation_id"],
            ["mm.assessment.id", "mm.assessment.organisation_id"],
            name=op.f("fk_pathway_assessment_id_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_id", "organisation_id"],
            ["mm.pathway.id", "mm.pathway.organisation_id"],
            name=op.f("fk_pathway_previous_id_organisation_id"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'adopted', 'in_progress', 'completed', 'superseded')",
            name=op.f("ck_pathway_state_known"),
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_pathway_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_pathway_organisation_id_id"), "pathway", ["organisation_id", "id"], schema=_SCHEMA
    )
    op.create_index(op.f("ix_pathway_assessment_id"), "pathway", ["assessment_id"], schema=_SCHEMA)


def _time(name: str, *, is_now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=sa.func.now() if is_now else None,
        nullable=not is_now,
    )
