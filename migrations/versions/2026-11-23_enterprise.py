"""Profiles and their versions; versions cannot be changed.

Revision ID: 20261123_enterprise
Revises: 20261123_identity
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_enterprise"
down_revision = "20261123_identity"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the tables, refuse changes of versions, grant what the application needs."""
    op.execute("set local lock_timeout = '200ms'")
    _create_profile()
    _create_version()
    op.create_foreign_key(
        op.f("fk_profile_current_version_id_organisation_id"),
        "profile",
        "profile_version",
        ["current_version_id", "organisation_id"],
        ["id", "organisation_id"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    # Rights alone are not enough: a later grant, or the owner by mistake, would open the rows.
    op.execute(
        "create trigger profile_version_immutable before update or delete on mm.profile_version"
        " for each row execute function mm.refuse_change()"
    )
    op.execute(
        "create trigger profile_version_not_truncated before truncate on mm.profile_version"
        " for each statement execute function mm.refuse_change()"
    )
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute("revoke all on mm.profile, mm.profile_version from mm_app, mm_worker")
    op.execute("grant select, insert on mm.profile, mm.profile_version to mm_app")
    op.execute("grant update (current_version_id, revision, changed_at) on mm.profile to mm_app")
    op.execute("grant select on mm.profile, mm.profile_version to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_constraint(
        op.f("fk_profile_current_version_id_organisation_id"),
        "profile",
        schema=_SCHEMA,
        type_="foreignkey",
    )
    for table in ("profile_version", "profile"):
        op.drop_table(table, schema=_SCHEMA)


def _create_profile() -> None:
    op.create_table(
        "profile",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_profile")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_profile_organisation_id")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_profile_revision_from_one")),
        schema=_SCHEMA,
    )


def _create_version() -> None:
    op.create_table(
        "profile_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=True),
        sa.Column("scale_basis", sa.Text(), nullable=True),
        sa.Column("scale_scheme", sa.Text(), nullable=True),
        sa.Column("scale_edition", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("completeness", sa.SmallInteger(), nullable=False),
        sa.Column("missing", postgresql.JSONB(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("taxonomy_version", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Uuid(), nullable=True),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_version")),
        sa.UniqueConstraint(
            "organisation_id", "number", name=op.f("uq_profile_version_organisation_id_number")
        ),
        sa.UniqueConstraint(
            "id", "organisation_id", name=op.f("uq_profile_version_id_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.profile.organisation_id"],
            name=op.f("fk_profile_version_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["stated_by"], ["mm.api_key.id"], name=op.f("fk_profile_version_stated_by")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_profile_version_number_from_one")),
        sa.CheckConstraint(
            "jsonb_typeof(facts) = 'object'", name=op.f("ck_profile_version_facts_by_name")
        ),
        sa.CheckConstraint(
            "(scale is null) = (scale_basis is null)",
            name=op.f("ck_profile_version_scale_rests_on_something"),
        ),
        sa.CheckConstraint(
            "(scale_scheme is null) = (scale_edition is null)",
            name=op.f("ck_profile_version_scheme_has_an_edition"),
        ),
        sa.CheckConstraint(
            "completeness between 0 and 100",
            name=op.f("ck_profile_version_completeness_in_per_cent"),
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32",
            name=op.f("ck_profile_version_content_hash_is_sha256"),
        ),
        schema=_SCHEMA,
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
