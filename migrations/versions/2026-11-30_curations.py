"""Curations, their versions, and when which of them was in force.

Revision ID: 20261130_curations
Revises: 20261130_recognition_erasure
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_curations"
down_revision = "20261130_recognition_erasure"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_IN_FORCE: Final = "state = 'active'"
# Of a curation in force everybody reads what it asks for, and asked for before.
_SEEN: Final = (
    "exists (select from mm.curation kept where kept.id = curation_id and kept.state = 'active')"
)
_MOVED: Final = "state, version, note, revision, changed_at"


def upgrade() -> None:
    """Create the tables, each with its wall; versions and the past are kept."""
    op.execute("set local lock_timeout = '200ms'")
    _create_curation()
    _create_version()
    _create_live()
    op.create_foreign_key(
        op.f("fk_curation_id_version"),
        "curation",
        "curation_version",
        ["id", "version"],
        ["curation_id", "number"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    for table, function, names in (
        ("curation_version", "refuse_change", ("immutable", "not_truncated")),
        ("curation_live", "refuse_other_times", ("past_is_kept", "not_truncated")),
    ):
        for (what, each), name in zip(
            (("update or delete", "row"), ("truncate", "statement")), names, strict=True
        ):
            op.execute(
                f"create trigger {table}_{name} before {what} on mm.{table}"
                f" for each {each} execute function mm.{function}()"
            )
    for table, seen in (
        ("curation", _IN_FORCE),
        ("curation_version", _SEEN),
        ("curation_live", _SEEN),
    ):
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        for name, role, rule in (
            ("maintained", "mm_owner", "true"),
            ("own", "mm_app", _OWN),
            ("worked_on", "mm_worker", "true"),
        ):
            op.execute(
                f"create policy {name} on mm.{table} for all to {role}"
                f" using ({rule}) with check ({rule})"
            )
        op.execute(f"create policy found on mm.{table} for select to mm_app using ({seen})")
    op.execute("grant select, insert on mm.curation, mm.curation_version to mm_app")
    op.execute(f"grant update ({_MOVED}) on mm.curation to mm_app")
    op.execute("grant select, insert, update (to_position) on mm.curation_live to mm_app")
    op.execute("grant select on mm.curation, mm.curation_version, mm.curation_live to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    op.drop_constraint("fk_curation_id_version", "curation", schema=_SCHEMA)
    for table in ("curation_live", "curation_version", "curation"):
        op.drop_table(table, schema=_SCHEMA)


def _create_curation() -> None:
    op.create_table(
        "curation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("of_operator", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curation")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_curation_id_organisation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_curation_organisation_id")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'active', 'archived')", name=op.f("ck_curation_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_curation_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_curation_organisation_id_id"),
        "curation",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )


def _create_version() -> None:
    op.create_table(
        "curation_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("curation_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curation_version")),
        sa.UniqueConstraint(
            "curation_id", "number", name=op.f("uq_curation_version_curation_id_number")
        ),
        _of_curation("curation_version"),
        sa.CheckConstraint("number > 0", name=op.f("ck_curation_version_number_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_curation_version_organisation_id"),
        "curation_version",
        ["organisation_id"],
        schema=_SCHEMA,
    )


def _create_live() -> None:
    op.create_table(
        "curation_live",
        sa.Column("curation_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("curation_id", "from_position", name=op.f("pk_curation_live")),
        _of_curation("curation_live"),
        sa.CheckConstraint(
            "from_position >= 0", name=op.f("ck_curation_live_from_position_from_zero")
        ),
        sa.CheckConstraint(
            "from_position < to_position", name=op.f("ck_curation_live_positions_in_order")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("uq_curation_live_curation_id_open"),
        "curation_live",
        ["curation_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("to_position is null"),
    )
    for column in ("from_position", "to_position"):
        op.create_index(
            op.f(f"ix_curation_live_{column}"), "curation_live", [column], schema=_SCHEMA
        )


def _of_curation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["curation_id", "organisation_id"],
        ["mm.curation.id", "mm.curation.organisation_id"],
        name=op.f(f"fk_{table}_curation_id_organisation_id"),
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
