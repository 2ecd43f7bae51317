"""Providers, offerings, versions and packages; versions and packages cannot be changed.

Revision ID: 20261123_catalog
Revises: 20261123_organisation
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_catalog"
down_revision = "20261123_organisation"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_KIND_KNOWN = "kind in ('solution', 'advisory', 'research', 'talent', 'finance')"
_TITLE = "jsonb_typeof(title) = 'object' and title ?| '{zh,en}'"
_FROZEN = ("offering_version", "offering_package")


def upgrade() -> None:
    """Create the tables, refuse changes of what is immutable, grant what the application needs."""
    op.execute("set local lock_timeout = '200ms'")
    _create_provider()
    _create_offering()
    _create_version()
    _create_package()
    op.create_foreign_key(
        op.f("fk_offering_published_version_id_id"),
        "offering",
        "offering_version",
        ["published_version_id", "id"],
        ["id", "offering_id"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    _freeze()
    _close_versions()
    # An import goes through temporary tables.
    op.execute(_temporary("grant", "to"))
    # Rows are granted to both roles by default; these tables get only what is needed.
    op.execute(
        "revoke all on mm.provider, mm.offering, mm.offering_version, mm.offering_package"
        " from mm_app, mm_worker"
    )
    op.execute("grant select, insert, update on mm.provider, mm.offering to mm_app")
    op.execute("grant select, insert on mm.offering_version, mm.offering_package to mm_app")
    op.execute(
        "grant select on mm.provider, mm.offering, mm.offering_version, mm.offering_package"
        " to mm_worker"
    )


def downgrade() -> None:
    """Drop the tables."""
    op.execute(_temporary("revoke", "from"))
    op.drop_constraint(
        op.f("fk_offering_published_version_id_id"), "offering", schema=_SCHEMA, type_="foreignkey"
    )
    for table in ("offering_package", "offering_version", "offering", "provider"):
        op.drop_table(table, schema=_SCHEMA)
    for function in ("refuse_change", "refuse_time", "refuse_late_packages"):
        op.execute(f"drop function mm.{function}()")


def _temporary(verb: str, preposition: str) -> str:
    # Where mm_owner does not own the database this only warns: whoever does has granted it, or not.
    statement = f"{verb} temporary on database %I {preposition} mm_app"
    return f"do $$ begin execute format('{statement}', current_database()); end $$"


def _create_provider() -> None:
    op.create_table(
        "provider",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_provider")),
        _belongs_to_organisation("provider"),
        schema=_SCHEMA,
    )


def _create_offering() -> None:
    op.create_table(
        "offering",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("published_version_id", sa.Uuid(), nullable=True),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offering")),
        _belongs_to_organisation("offering"),
        sa.UniqueConstraint(
            "organisation_id", "external_id", name=op.f("uq_offering_organisation_id_external_id")
        ),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_offering_id_organisation_id")),
        sa.CheckConstraint(_KIND_KNOWN, name=op.f("ck_offering_kind_known")),
        sa.CheckConstraint(
            "visibility in ('public', 'pool')", name=op.f("ck_offering_visibility_known")
        ),
        sa.CheckConstraint(
            "state in ('draft', 'in_review', 'changes_requested', 'published', 'paused',"
            " 'expired', 'suspended', 'retired')",
            name=op.f("ck_offering_state_known"),
        ),
        sa.CheckConstraint(
            "state <> 'published' or published_version_id is not null",
            name=op.f("ck_offering_published_has_a_version"),
        ),
        schema=_SCHEMA,
    )


def _create_version() -> None:
    op.create_table(
        "offering_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), nullable=True),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("attested", sa.Date(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("must", postgresql.JSONB(), nullable=True),
        sa.Column("tokens", postgresql.JSONB(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offering_version")),
        sa.UniqueConstraint(
            "offering_id", "number", name=op.f("uq_offering_version_offering_id_number")
        ),
        sa.UniqueConstraint("id", "offering_id", name=op.f("uq_offering_version_id_offering_id")),
        sa.UniqueConstraint(
            "id", "organisation_id", name=op.f("uq_offering_version_id_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["offering_id", "organisation_id"],
            ["mm.offering.id", "mm.offering.organisation_id"],
            name=op.f("fk_offering_version_offering_id_organisation_id"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_offering_version_number_from_one")),
        sa.CheckConstraint(_KIND_KNOWN, name=op.f("ck_offering_version_kind_known")),
        sa.CheckConstraint(_TITLE, name=op.f("ck_offering_version_title_in_a_language")),
        sa.CheckConstraint(
            "valid_from <= valid_to", name=op.f("ck_offering_version_valid_in_order")
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32",
            name=op.f("ck_offering_version_content_hash_is_sha256"),
        ),
        schema=_SCHEMA,
        # Rows of 2 to 4 kB stay whole in their page: compressing them took an eighth of an import.
        postgresql_with={"toast_tuple_target": 8160},
    )
    op.create_index(
        op.f("ix_offering_version_organisation_id"),
        "offering_version",
        ["organisation_id"],
        schema=_SCHEMA,
    )


def _create_package() -> None:
    op.create_table(
        "offering_package",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "position", name=op.f("pk_offering_package")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_offering_package_version_id_code")),
        sa.ForeignKeyConstraint(
            ["version_id", "organisation_id"],
            ["mm.offering_version.id", "mm.offering_version.organisation_id"],
            name=op.f("fk_offering_package_version_id_organisation_id"),
        ),
        sa.CheckConstraint("position >= 0", name=op.f("ck_offering_package_position_from_zero")),
        sa.CheckConstraint(_TITLE, name=op.f("ck_offering_package_title_in_a_language")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_offering_package_organisation_id"),
        "offering_package",
        ["organisation_id"],
        schema=_SCHEMA,
    )


def _freeze() -> None:
    # Rights alone are not enough: a later grant, or the owner by mistake, would open the rows.
    op.execute(
        """
        create function mm.refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% of mm.% refused: its rows are immutable', tg_op, tg_table_name
                using errcode = 'restrict_violation';
        end $$
        """
    )
    for table in _FROZEN:
        op.execute(
            f"create trigger {table}_immutable before update or delete on mm.{table}"
            " for each row execute function mm.refuse_change()"
        )
        op.execute(
            f"create trigger {table}_not_truncated before truncate on mm.{table}"
            " for each statement execute function mm.refuse_change()"
        )


def _close_versions() -> None:
    # A version is open in the transaction that makes it; its created_at tells which that was.
    op.execute(
        """
        create function mm.refuse_time() returns trigger language plpgsql as $$
        begin
            raise exception 'created_at of mm.% is the time of its transaction', tg_table_name
                using errcode = 'restrict_violation';
        end $$
        """
    )
    op.execute(
        "create trigger offering_version_made_now before insert on mm.offering_version"
        " for each row when (new.created_at is distinct from transaction_timestamp())"
        " execute function mm.refuse_time()"
    )
    # A subquery for each package, by index: a join may be planned as a scan of every version. A
    # version that cannot be seen is refused too.
    op.execute(
        """
        create function mm.refuse_late_packages() returns trigger language plpgsql
        set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
        begin
            if exists (
                select from added
                where (select v.created_at from mm.offering_version v where v.id = added.version_id)
                    is distinct from transaction_timestamp()
            ) then
                raise exception 'insert into mm.% refused: the version is immutable', tg_table_name
                    using errcode = 'restrict_violation';
            end if;
            return null;
        end $$
        """
    )
    op.execute(
        "create trigger offering_package_with_its_version after insert on mm.offering_package"
        " referencing new table as added"
        " for each statement execute function mm.refuse_late_packages()"
    )


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
    )


def _belongs_to_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"],
        ["mm.organisation.id"],
        name=op.f(f"fk_{table}_organisation_id"),
    )
