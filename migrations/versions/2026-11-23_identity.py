"""Revisions of organisations, API keys, members and consents.

Revision ID: 20261123_identity
Revises: 20261123_jobs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_identity"
down_revision = "20261123_jobs"
branch_labels = None
depends_on = None

_SCHEMA = "mm"


def upgrade() -> None:
    """Create the tables; what was once said of a key or a consent is not said differently later."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column("organisation", _revision(server_default="1"), schema=_SCHEMA)
    op.add_column("organisation", _now("changed_at"), schema=_SCHEMA)
    op.add_column("organisation", sa.Column("note", sa.Text(), nullable=True), schema=_SCHEMA)
    op.create_check_constraint(
        op.f("ck_organisation_revision_from_one"), "organisation", "revision > 0", schema=_SCHEMA
    )
    _create_api_key()
    _create_member()
    _create_consent()
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute("revoke all on mm.api_key, mm.member, mm.consent from mm_app, mm_worker")
    op.execute("grant select, insert on mm.api_key, mm.member, mm.consent to mm_app")
    op.execute(
        "grant update (expires_at, replaced_by, revoked_at, last_used_at) on mm.api_key to mm_app"
    )
    op.execute("grant update (name, role, revision, changed_at), delete on mm.member to mm_app")
    op.execute("grant update (withdrawn_by, withdrawn_at) on mm.consent to mm_app")
    op.execute("grant select on mm.consent to mm_worker")


def downgrade() -> None:
    """Drop the tables and the columns."""
    op.execute("set local lock_timeout = '200ms'")
    for table in ("consent", "member", "api_key"):
        op.drop_table(table, schema=_SCHEMA)
    op.drop_constraint(op.f("ck_organisation_revision_from_one"), "organisation", schema=_SCHEMA)
    for column in ("note", "changed_at", "revision"):
        op.drop_column("organisation", column, schema=_SCHEMA)


def _create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _time("expires_at"),
        _now("created_at"),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        _time("revoked_at"),
        _time("last_used_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_api_key_id_organisation_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_key_public_id")),
        sa.UniqueConstraint("replaced_by", name=op.f("uq_api_key_replaced_by")),
        _belongs_to_organisation("api_key"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["mm.api_key.id"], name=op.f("fk_api_key_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by", "organisation_id"],
            ["mm.api_key.id", "mm.api_key.organisation_id"],
            name=op.f("fk_api_key_replaced_by_organisation_id"),
        ),
        sa.CheckConstraint(
            "public_id ~ '^[0-9A-Za-z]{8}$'", name=op.f("ck_api_key_public_id_is_short")
        ),
        sa.CheckConstraint(
            "octet_length(secret_hash) = 32", name=op.f("ck_api_key_secret_hash_is_sha256")
        ),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_key_good_for_something")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_api_key_organisation_id"), "api_key", ["organisation_id"], schema=_SCHEMA
    )


def _create_member() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        _revision(),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint(
            "organisation_id", "email", name=op.f("uq_member_organisation_id_email")
        ),
        _belongs_to_organisation("member"),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_member_email_in_lower_case")),
        sa.CheckConstraint(
            "role in ('owner', 'admin', 'editor', 'viewer')", name=op.f("ck_member_role_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_member_revision_from_one")),
        schema=_SCHEMA,
    )


def _create_consent() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        _now("granted_at"),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        _time("withdrawn_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        _belongs_to_organisation("consent"),
        *(
            sa.ForeignKeyConstraint([column], ["mm.api_key.id"], name=op.f(f"fk_consent_{column}"))
            for column in ("granted_by", "withdrawn_by")
        ),
        sa.CheckConstraint(
            "purpose in ('share_with_agency', 'share_with_matched_providers', 'contact')",
            name=op.f("ck_consent_purpose_known"),
        ),
        sa.CheckConstraint(
            "withdrawn_at >= granted_at", name=op.f("ck_consent_withdrawn_after_granted")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_consent_organisation_id_id"), "consent", ["organisation_id", "id"], schema=_SCHEMA
    )
    # A purpose is allowed once at a time.
    op.create_index(
        op.f("uq_consent_organisation_id_purpose"),
        "consent",
        ["organisation_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
        schema=_SCHEMA,
    )


def _revision(server_default: str | None = None) -> sa.Column[int]:
    return sa.Column("revision", sa.BigInteger(), server_default=server_default, nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _belongs_to_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"], ["mm.organisation.id"], name=op.f(f"fk_{table}_organisation_id")
    )
