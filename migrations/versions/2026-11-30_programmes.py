"""Programmes, their versions, and when which of them was published.

Revision ID: 20261130_programmes
Revises: 20261130_experiments
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_programmes"
down_revision = "20261130_experiments"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
# What was published once stays everybody's to read, in the versions that were; drafts do not.
_SEEN: Final = {
    "programme": "exists (select from mm.programme_live live"
    " where live.programme_id = programme.id)",
    "programme_version": "exists (select from mm.programme_live live"
    " where live.programme_id = programme_version.programme_id"
    " and live.number = programme_version.number)",
    "programme_live": "true",
}
_MOVED: Final = "state, version, note, revision, changed_at"


def upgrade() -> None:
    """Create the tables, each with its wall; versions and the past are kept."""
    op.execute("set local lock_timeout = '200ms'")
    _create_programme()
    _create_version()
    _create_live()
    op.create_foreign_key(
        op.f("fk_programme_id_version"),
        "programme",
        "programme_version",
        ["id", "version"],
        ["programme_id", "number"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    for table, function, names in (
        ("programme_version", "refuse_change", ("immutable", "not_truncated")),
        ("programme_live", "refuse_other_times", ("past_is_kept", "not_truncated")),
    ):
        for (what, each), name in zip(
            (("update or delete", "row"), ("truncate", "statement")), names, strict=True
        ):
            op.execute(
                f"create trigger {table}_{name} before {what} on mm.{table}"
                f" for each {each} execute function mm.{function}()"
            )
    for table, seen in _SEEN.items():
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
        op.execute(f"create policy published on mm.{table} for select to mm_app using ({seen})")
    op.execute("grant select, insert on mm.programme, mm.programme_version to mm_app")
    op.execute(f"grant update ({_MOVED}) on mm.programme to mm_app")
    op.execute("grant select, insert, update (to_position) on mm.programme_live to mm_app")
    op.execute("grant select on mm.programme, mm.programme_version, mm.programme_live to mm_worker")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    for table in _SEEN:
        op.execute(f"drop policy published on mm.{table}")
    op.drop_constraint("fk_programme_id_version", "programme", schema=_SCHEMA)
    for table in ("programme_live", "programme_version", "programme"):
        op.drop_table(table, schema=_SCHEMA)


def _create_programme() -> None:
    op.create_table(
        "programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_programme_id_organisation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["mm.organisation.id"], name=op.f("fk_programme_organisation_id")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'published', 'archived')", name=op.f("ck_programme_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_programme_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_programme_organisation_id_id"),
        "programme",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )


def _create_version() -> None:
    op.create_table(
        "programme_version",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_programme_version")),
        _of_programme("programme_version"),
        sa.CheckConstraint("number > 0", name=op.f("ck_programme_version_number_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_programme_version_organisation_id"),
        "programme_version",
        ["organisation_id"],
        schema=_SCHEMA,
    )


def _create_live() -> None:
    op.create_table(
        "programme_live",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("programme_id", "from_position", name=op.f("pk_programme_live")),
        _of_programme("programme_live"),
        sa.CheckConstraint(
            "from_position >= 0", name=op.f("ck_programme_live_from_position_from_zero")
        ),
        sa.CheckConstraint(
            "from_position < to_position", name=op.f("ck_programme_live_positions_in_order")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("uq_programme_live_programme_id_open"),
        "programme_live",
        ["programme_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("to_position is null"),
    )
    for column in ("from_position", "to_position"):
        op.create_index(
            op.f(f"ix_programme_live_{column}"), "programme_live", [column], schema=_SCHEMA
        )


def _of_programme(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["programme_id", "organisation_id"],
        ["mm.programme.id", "mm.programme.organisation_id"],
        name=op.f(f"fk_{table}_programme_id_organisation_id"),
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
