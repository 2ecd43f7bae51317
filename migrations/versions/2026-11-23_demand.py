"""Needs, their versions and members; versions cannot be changed.

Revision ID: 20261123_demand
Revises: 20261123_enterprise
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_demand"
down_revision = "20261123_enterprise"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_CURRENT = "fk_need_current_version_id_id"


def upgrade() -> None:
    """Create the tables, refuse changes of versions, grant what the roles need."""
    op.execute("set local lock_timeout = '200ms'")
    _create_need()
    _create_version()
    _create_member()
    op.create_foreign_key(
        op.f(_CURRENT),
        "need",
        "need_version",
        ["current_version_id", "id"],
        ["id", "need_id"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    for what, each in (("update or delete", "row"), ("truncate", "statement")):
        name = "need_version_not_truncated" if what == "truncate" else "need_version_immutable"
        op.execute(
            f"create trigger {name} before {what} on mm.need_version"
            f" for each {each} execute function mm.refuse_change()"
        )
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute("revoke all on mm.need, mm.need_version, mm.need_member from mm_app, mm_worker")
    op.execute("grant select, insert on mm.need, mm.need_version, mm.need_member to mm_app")
    op.execute(
        "grant update (visibility, pools, state, current_version_id, opened_at, expires_on,"
        " note, revision, changed_at) on mm.need to mm_app"
    )
    op.execute(
        "grant update (state, note, revision, changed_at), delete on mm.need_member to mm_app"
    )
    op.execute("grant select on mm.need, mm.need_version, mm.need_member to mm_worker")
    op.execute("grant update (state, note, revision, changed_at) on mm.need to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_constraint(op.f(_CURRENT), "need", schema=_SCHEMA, type_="foreignkey")
    for table in ("need_member", "need_version", "need"):
        op.drop_table(table, schema=_SCHEMA)


def _create_need() -> None:
    op.create_table(
        "need",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("pools", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
        _belongs_to_organisation("need"),
        sa.UniqueConstraint(
            "organisation_id", "external_id", name=op.f("uq_need_organisation_id_external_id")
        ),
        sa.UniqueConstraint(
            "id", "organisation_id", "kind", name=op.f("uq_need_id_organisation_id_kind")
        ),
        sa.CheckConstraint(
            "kind in ('solution', 'advisory', 'research', 'talent', 'finance')",
            name=op.f("ck_need_kind_known"),
        ),
        sa.CheckConstraint(
            "visibility in ('private', 'pool', 'public', 'open_call')",
            name=op.f("ck_need_visibility_known"),
        ),
        sa.CheckConstraint(
            "(visibility = 'pool') = (cardinality(pools) > 0)",
            name=op.f("ck_need_pools_where_visible_to_them"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'open', 'engaged', 'fulfilled', 'withdrawn', 'expired')",
            name=op.f("ck_need_state_known"),
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_need_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_need_organisation_id_id"), "need", ["organisation_id", "id"], schema=_SCHEMA
    )
    op.create_index(
        op.f("ix_need_found_by_all"),
        "need",
        ["id"],
        schema=_SCHEMA,
        postgresql_where=sa.text("state = 'open' and visibility in ('public', 'open_call')"),
    )


def _create_version() -> None:
    op.create_table(
        "need_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("open_call", postgresql.JSONB(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_version")),
        sa.UniqueConstraint("need_id", "number", name=op.f("uq_need_version_need_id_number")),
        sa.UniqueConstraint("id", "need_id", name=op.f("uq_need_version_id_need_id")),
        sa.ForeignKeyConstraint(
            ["need_id", "organisation_id", "kind"],
            ["mm.need.id", "mm.need.organisation_id", "mm.need.kind"],
            name=op.f("fk_need_version_need_id_organisation_id_kind"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_need_version_number_from_one")),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_need_version_content_hash_is_sha256")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_need_version_organisation_id"),
        "need_version",
        ["organisation_id"],
        schema=_SCHEMA,
    )


def _create_member() -> None:
    op.create_table(
        "need_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        *_revised(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_member")),
        sa.ForeignKeyConstraint(["need_id"], ["mm.need.id"], name=op.f("fk_need_member_need_id")),
        _belongs_to_organisation("need_member"),
        sa.UniqueConstraint(
            "need_id", "organisation_id", name=op.f("uq_need_member_need_id_organisation_id")
        ),
        sa.CheckConstraint(
            "state in ('invited', 'accepted')", name=op.f("ck_need_member_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_need_member_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_need_member_organisation_id_need_id"),
        "need_member",
        ["organisation_id", "need_id"],
        schema=_SCHEMA,
    )


def _revised() -> tuple[sa.Column[object], ...]:
    revision_of_row: sa.Column[object] = sa.Column("revision", sa.BigInteger(), nullable=False)
    return revision_of_row, _now("created_at"), _now("changed_at")


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _belongs_to_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"],
        ["mm.organisation.id"],
        name=op.f(f"fk_{table}_organisation_id"),
    )
