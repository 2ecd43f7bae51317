"""Match runs and what they showed, which nobody changes; shortlists, which are frozen.

Revision ID: 20261123_matching
Revises: 20261123_offering_life
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_matching"
down_revision = "20261123_offering_life"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_FROZEN = ("match_run", "match")
_NOW = sa.text("now()")


def upgrade() -> None:
    """Create the tables, refuse changes of what is immutable, grant what is needed."""
    op.execute("set local lock_timeout = '200ms'")
    _create_run()
    _create_match()
    _create_shortlist()
    _create_entry()
    _freeze()
    op.execute(
        "revoke all on mm.match_run, mm.match, mm.shortlist, mm.shortlist_entry"
        " from mm_app, mm_worker"
    )
    op.execute("grant select, insert on mm.match_run, mm.match to mm_app")
    op.execute("grant select, insert, update on mm.shortlist to mm_app")
    op.execute("grant select, insert, delete on mm.shortlist_entry to mm_app")
    op.execute(
        "grant select on mm.match_run, mm.match, mm.shortlist, mm.shortlist_entry to mm_worker"
    )


def downgrade() -> None:
    """Drop the tables."""
    op.execute("set local lock_timeout = '200ms'")
    for table in ("shortlist_entry", "shortlist", "match", "match_run"):
        op.drop_table(table, schema=_SCHEMA)
    op.execute("drop function mm.refuse_closed_shortlist()")


def _create_run() -> None:
    op.create_table(
        "match_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=True),
        sa.Column("need_version_id", sa.Uuid(), nullable=True),
        sa.Column("profile_version_id", sa.Uuid(), nullable=True),
        sa.Column("caller_pools", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("input", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_run")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_match_run_id_organisation_id")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"mm.{target}.id"], name=op.f(f"fk_match_run_{column}")
            )
            for column, target in (
                ("organisation_id", "organisation"),
                ("asked_by", "organisation"),
                ("profile_version_id", "profile_version"),
            )
        ),
        sa.ForeignKeyConstraint(
            ["need_version_id", "need_id"],
            ["mm.need_version.id", "mm.need_version.need_id"],
            name=op.f("fk_match_run_need_version_id_need_id"),
        ),
        sa.CheckConstraint(
            "(need_id is null) = (need_version_id is null)",
            name=op.f("ck_match_run_need_in_a_version"),
        ),
        sa.CheckConstraint(
            "digest ~ '^sha256:[0-9a-f]{64}$'", name=op.f("ck_match_run_digest_is_sha256")
        ),
        sa.CheckConstraint(
            "answers ?& '{zh,en}'", name=op.f("ck_match_run_answers_in_both_languages")
        ),
        schema=_SCHEMA,
    )
    for column in ("organisation_id", "asked_by", "need_id"):
        op.create_index(
            op.f(f"ix_match_run_{column}_id"), "match_run", [column, "id"], schema=_SCHEMA
        )


def _create_match() -> None:
    op.create_table(
        "match",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("fit", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "rank", name=op.f("pk_match")),
        sa.UniqueConstraint("run_id", "offering_id", name=op.f("uq_match_run_id_offering_id")),
        sa.ForeignKeyConstraint(
            ["run_id", "organisation_id"],
            ["mm.match_run.id", "mm.match_run.organisation_id"],
            name=op.f("fk_match_run_id_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
            name=op.f("fk_match_version_id_offering_id"),
        ),
        sa.CheckConstraint("rank > 0", name=op.f("ck_match_rank_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_match_offering_id_run_id"), "match", ["offering_id", "run_id"], schema=_SCHEMA
    )


def _create_shortlist() -> None:
    op.create_table(
        "shortlist",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlist")),
        sa.UniqueConstraint("id", "organisation_id", name=op.f("uq_shortlist_id_organisation_id")),
        sa.UniqueConstraint("id", "run_id", name=op.f("uq_shortlist_id_run_id")),
        sa.ForeignKeyConstraint(
            ["run_id", "organisation_id"],
            ["mm.match_run.id", "mm.match_run.organisation_id"],
            name=op.f("fk_shortlist_run_id_organisation_id"),
        ),
        sa.CheckConstraint(
            "state in ('open', 'frozen', 'discarded')", name=op.f("ck_shortlist_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_shortlist_revision_from_one")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_shortlist_organisation_id_id"),
        "shortlist",
        ["organisation_id", "id"],
        schema=_SCHEMA,
    )


def _create_entry() -> None:
    op.create_table(
        "shortlist_entry",
        sa.Column("shortlist_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("shortlist_id", "position", name=op.f("pk_shortlist_entry")),
        sa.UniqueConstraint(
            "shortlist_id",
            "offering_id",
            name=op.f("uq_shortlist_entry_shortlist_id_offering_id"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["shortlist_id", column],
                ["mm.shortlist.id", f"mm.shortlist.{column}"],
                name=op.f(f"fk_shortlist_entry_shortlist_id_{column}"),
            )
            for column in ("run_id", "organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "offering_id"],
            ["mm.match.run_id", "mm.match.offering_id"],
            name=op.f("fk_shortlist_entry_run_id_offering_id"),
        ),
        sa.CheckConstraint("position >= 0", name=op.f("ck_shortlist_entry_position_from_zero")),
        schema=_SCHEMA,
    )


def _freeze() -> None:
    for table in _FROZEN:
        op.execute(
            f"create trigger {table}_immutable before update or delete on mm.{table}"
            " for each row execute function mm.refuse_change()"
        )
        op.execute(
            f"create trigger {table}_not_truncated before truncate on mm.{table}"
            " for each statement execute function mm.refuse_change()"
        )
    op.execute(
        """
        create function mm.refuse_closed_shortlist() returns trigger
        language plpgsql set search_path = mm, pg_catalog as $$
        declare
            touched uuid := case when tg_op = 'INSERT' then new.shortlist_id
                else old.shortlist_id end;
        begin
            if exists (select 1 from mm.shortlist where id = touched and state <> 'open') then
                raise exception '% of mm.shortlist_entry refused: the shortlist is closed', tg_op
                    using errcode = 'restrict_violation';
            end if;
            return case when tg_op = 'DELETE' then old else new end;
        end $$
        """
    )
    op.execute(
        "create trigger shortlist_entry_kept before insert or update or delete"
        " on mm.shortlist_entry for each row execute function mm.refuse_closed_shortlist()"
    )
