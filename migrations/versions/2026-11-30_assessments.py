"""Assessments, kept as they are once completed, and the batches of firms that peers are told by.

Revision ID: 20261130_assessments
Revises: 20261130_delegations
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_assessments"
down_revision = "20261130_delegations"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
# A draft may change and be completed. What is completed only moves on, is counted, or is emptied.
_TRIGGER: Final = """
    create function mm.refuse_assessed() returns trigger language plpgsql as $$
    declare
        emptied jsonb := jsonb_build_object('content', '{}'::jsonb, 'result', null,
            'peers', null, 'assessor', null, 'assessed_on', null, 'note', null,
            'erased_at', now());
        passing text[] := array['state', 'revision', 'changed_at', 'note', 'counted_at'];
    begin
        if tg_op = 'UPDATE' then
            if old.erased_at is null and new.erased_at is not null then
                if to_jsonb(new) = to_jsonb(old) || emptied then
                    return new;
                end if;
            elsif old.state = 'draft' and new.erased_at is not distinct from old.erased_at then
                return new;
            elsif to_jsonb(new) - passing = to_jsonb(old) - passing then
                return new;
            end if;
        end if;
        raise exception '% of mm.% refused: what is completed stays', tg_op, tg_table_name
            using errcode = 'restrict_violation';
    end $$
"""
_ERASE: Final = """
    create function mm.erase_assessments(firm uuid) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
        with erased as (
            update mm.assessment set content = '{}', result = null, peers = null,
                assessor = null, assessed_on = null, note = null, erased_at = now()
            where organisation_id = firm and erased_at is null
                and (firm = mm.org() or mm.oversees())
            returning 1
        )
        select count(*) from erased
    $$
"""


def upgrade() -> None:
    """Create the tables with their wall, and keep what is completed."""
    op.execute("set local lock_timeout = '200ms'")
    _create_assessment()
    _create_batch()
    op.execute(_TRIGGER)
    op.execute(
        "create trigger assessment_kept before update or delete on mm.assessment"
        " for each row execute function mm.refuse_assessed()"
    )
    op.execute(
        "create trigger assessment_not_truncated before truncate on mm.assessment"
        " for each statement execute function mm.refuse_change()"
    )
    op.execute(_ERASE)
    op.execute("revoke execute on function mm.erase_assessments(uuid) from public")
    op.execute("grant execute on function mm.erase_assessments(uuid) to mm_app")
    op.execute("alter table mm.assessment enable row level security")
    op.execute("alter table mm.assessment force row level security")
    for name, role, rule in (
        ("maintained", "mm_owner", "true"),
        ("own", "mm_app", _OWN),
        ("worked_on", "mm_worker", "true"),
    ):
        op.execute(
            f"create policy {name} on mm.assessment for all to {role}"
            f" using ({rule}) with check ({rule})"
        )
    op.execute("grant select, insert, update on mm.assessment to mm_app")
    op.execute("grant select, update (counted_at) on mm.assessment to mm_worker")
    op.execute("grant select on mm.peer_batch to mm_app")
    op.execute("grant select, insert on mm.peer_batch to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("delete from mm.job where kind = 'assessment.count'")
    op.execute("delete from mm.job_cron where kind = 'assessment.count'")
    op.execute("drop function mm.erase_assessments(uuid)")
    op.drop_table("peer_batch", schema=_SCHEMA)
    op.drop_table("assessment", schema=_SCHEMA)
    op.execute("drop function mm.refuse_assessed()")


def _create_assessment() -> None:
    op.create_table(
        "assessment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.SmallInteger(), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=True),
        sa.Column("assessor", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("peers", postgresql.JSONB(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        _time("completed_at"),
        _time("counted_at"),
        _time("erased_at"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _time("created_at", is_now=True),
        _time("changed_at", is_now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_assessment_id_organisation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_assessment_organisation_id")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'completed', 'verified', 'superseded')",
            name=op.f("ck_assessment_state_known"),
        ),
        sa.CheckConstraint(
            "mode in ('self', 'assisted', 'on_site')", name=op.f("ck_assessment_mode_known")
        ),
        sa.CheckConstraint(
            "checkpoint between 0 and 9", name=op.f("ck_assessment_checkpoint_counted")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_assessment_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_assessment_organisation_id_id"),
        "assessment",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )
    op.create_index(
        "ix_assessment_stands",
        "assessment",
        ["organisation_id", "scheme", "checkpoint"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("state in ('completed', 'verified')"),
    )
    op.create_index(
        "ix_assessment_uncounted",
        "assessment",
        ["completed_at"],
        schema=_SCHEMA,
        postgresql_where=sa.text(
            "completed_at is not null and counted_at is null and erased_at is null"
        ),
    )


def _create_batch() -> None:
    op.create_table(
        "peer_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.SmallInteger(), nullable=False),
        sa.Column("division", sa.Text(), nullable=True),
        sa.Column("scale", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("firms", sa.Integer(), nullable=False),
        sa.Column("sums", postgresql.JSONB(), nullable=False),
        _time("created_at", is_now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_batch")),
        sa.CheckConstraint("firms > 0", name=op.f("ck_peer_batch_firms_counted")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_peer_batch_scheme_checkpoint_division_scale_province"),
        "peer_batch",
        ["scheme", "checkpoint", "division", "scale", "province"],
        schema=_SCHEMA,
    )


def _time(name: str, *, is_now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=sa.func.now() if is_now else None,
        nullable=not is_now,
    )
