"""People who log in, their sessions, and what members do that only keys did.

Revision ID: 20261130_people
Revises: 20261130_key_networks
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_people"
down_revision = "20261130_key_networks"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_ROLES = ("owner", "admin", "editor", "viewer")
_ROLE_KNOWN = "ck_member_role_known"
_GRANTED_BY_ONE = "ck_consent_granted_by_one"
_BY_KEY = {"consent": "granted_by", "import_file": "requested_by", "export_file": "requested_by"}
"""What was said by a key alone, and may now be by a member."""


def upgrade() -> None:
    """Create the tables; every row that there is was written by a key."""
    op.execute("set local lock_timeout = '200ms'")
    _create_person()
    _create_person_session()
    op.execute("revoke all on mm.person, mm.person_session from mm_app, mm_worker")
    op.execute("grant select, insert on mm.person, mm.person_session to mm_app")
    op.execute(
        "grant update (name, password_hash, totp, totp_step, recovery), delete on mm.person"
        " to mm_app"
    )
    op.execute(
        "grant update (token_hash, organisation_id, seen_at, ended_at), delete on mm.person_session"
        " to mm_app"
    )
    _know_roles(*_ROLES, "auditor")
    op.create_index(op.f("ix_member_email"), "member", ["email"], schema=_SCHEMA)
    op.add_column("api_key", sa.Column("created_by_member", sa.Uuid()), schema=_SCHEMA)
    for table, column in _BY_KEY.items():
        op.alter_column(table, column, nullable=True, schema=_SCHEMA)
        op.add_column(table, sa.Column(f"{column}_member", sa.Uuid()), schema=_SCHEMA)
    op.add_column("consent", sa.Column("withdrawn_by_member", sa.Uuid()), schema=_SCHEMA)
    op.create_check_constraint(
        op.f(_GRANTED_BY_ONE),
        "consent",
        "num_nonnulls(granted_by, granted_by_member) = 1",
        schema=_SCHEMA,
    )
    op.execute("grant update (withdrawn_by_member) on mm.consent to mm_app")


def downgrade() -> None:
    """Drop the tables and the columns.

    Raises:
        IntegrityError: a member consented, handed in or asked for something; or there is an
            auditor.
    """
    op.execute("set local lock_timeout = '200ms'")
    op.drop_constraint(op.f(_GRANTED_BY_ONE), "consent", schema=_SCHEMA, type_="check")
    op.drop_column("consent", "withdrawn_by_member", schema=_SCHEMA)
    for table, column in _BY_KEY.items():
        op.drop_column(table, f"{column}_member", schema=_SCHEMA)
        op.alter_column(table, column, nullable=False, schema=_SCHEMA)
    op.drop_column("api_key", "created_by_member", schema=_SCHEMA)
    op.drop_index(op.f("ix_member_email"), "member", schema=_SCHEMA)
    _know_roles(*_ROLES)
    op.drop_table("person_session", schema=_SCHEMA)
    op.drop_table("person", schema=_SCHEMA)


def _know_roles(*roles: str) -> None:
    op.drop_constraint(op.f(_ROLE_KNOWN), "member", schema=_SCHEMA, type_="check")
    known = ", ".join(f"'{role}'" for role in roles)
    op.create_check_constraint(op.f(_ROLE_KNOWN), "member", f"role in ({known})", schema=_SCHEMA)


def _create_person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_in_lower_case")),
        sa.CheckConstraint("totp_step >= 0", name=op.f("ck_person_totp_step_from_zero")),
        schema=_SCHEMA,
    )


def _create_person_session() -> None:
    op.create_table(
        "person_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        _now("created_at"),
        _now("seen_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_person_session_token_hash")),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["mm.person.id"],
            name=op.f("fk_person_session_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["mm.organisation.id"],
            name=op.f("fk_person_session_organisation_id"),
        ),
        sa.CheckConstraint(
            "octet_length(token_hash) = 32", name=op.f("ck_person_session_token_hash_is_sha256")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_person_session_person_id"), "person_session", ["person_id"], schema=_SCHEMA
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
