"""What a firm has stated can be erased: versions and the runs that read them, emptied once.

Revision ID: 20261130_erasure
Revises: 20261124_credit_code
"""

from __future__ import annotations

import json
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "20261130_erasure"
down_revision = "20261124_credit_code"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
# The SHA-256 is that of the canonical form of no facts.
_EMPTIED: Final[dict[str, dict[str, object]]] = {
    "profile_version": {
        "facts": {},
        "scale": None,
        "scale_basis": None,
        "scale_scheme": None,
        "scale_edition": None,
        "stage": None,
        "completeness": 0,
        "missing": [],
        "content_hash": "\\x44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    },
    "match_run": {"input": {}, "body": {}, "answers": {}},
}
_BOTH = "ck_match_run_answers_in_both_languages"
_TRIGGER = """
    create function mm.refuse_but_erasure() returns trigger language plpgsql as $$
    declare
        emptied jsonb := tg_argv[0]::jsonb || jsonb_build_object('erased_at', now());
    begin
        if tg_op = 'UPDATE' and old.erased_at is null
            and to_jsonb(new) = to_jsonb(old) || emptied then
            return new;
        end if;
        raise exception '% of mm.% refused: its rows are immutable', tg_op, tg_table_name
            using errcode = 'restrict_violation';
    end $$
"""
# The application has no right to change these tables; it may call these three.
_FUNCTIONS: Final = {
    "mm.erase_profile_versions(uuid, integer)": """
        create function mm.erase_profile_versions(firm uuid, until integer) returns bigint
        language sql security definer set search_path = pg_catalog, pg_temp as $$
            with erased as (
                update mm.profile_version set facts = '{}', scale = null, scale_basis = null,
                    scale_scheme = null, scale_edition = null, stage = null, completeness = 0,
                    missing = '[]', content_hash = sha256('{}'), erased_at = now()
                where organisation_id = firm and number < until and erased_at is null
                returning 1
            )
            select count(*) from erased
        $$
    """,
    "mm.erase_match_runs(uuid)": """
        create function mm.erase_match_runs(firm uuid) returns bigint
        language sql security definer set search_path = pg_catalog, pg_temp as $$
            with erased as (
                update mm.match_run set input = '{}', body = '{}', answers = '{}',
                    erased_at = now()
                where erased_at is null and (
                    profile_version_id in (
                        select id from mm.profile_version
                        where organisation_id = firm and profile_version.erased_at is not null
                    ) or organisation_id = firm and jsonb_typeof(input -> 'profile') = 'object'
                )
                returning 1
            )
            select count(*) from erased
        $$
    """,
    "mm.keep_profile_version(uuid)": """
        create function mm.keep_profile_version(version uuid) returns boolean
        language sql security definer set search_path = pg_catalog, pg_temp as $$
            select erased_at is null from mm.profile_version where id = version for share
        $$
    """,
}


def upgrade() -> None:
    """Add when a row was emptied, and what empties it, once; nothing else gets through."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute(_TRIGGER)
    for table, emptied in _EMPTIED.items():
        op.add_column(
            table, sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True), schema=_SCHEMA
        )
        _freeze(table, f"refuse_but_erasure('{json.dumps(emptied)}')")
    _check("answers ?& '{zh,en}' or erased_at is not null")
    for name, function in _FUNCTIONS.items():
        op.execute(function)
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to mm_app")


def downgrade() -> None:
    """Drop the times and the functions; what was erased is lost already.

    Raises:
        IntegrityError: a match run was erased, and has no answers.
    """
    op.execute("set local lock_timeout = '200ms'")
    _check("answers ?& '{zh,en}'")
    for name in _FUNCTIONS:
        op.execute(f"drop function {name}")
    for table in _EMPTIED:
        _freeze(table, "refuse_change()")
        op.drop_column(table, "erased_at", schema=_SCHEMA)
    op.execute("drop function mm.refuse_but_erasure()")


def _freeze(table: str, function: str) -> None:
    op.execute(f"drop trigger {table}_immutable on mm.{table}")
    op.execute(
        f"create trigger {table}_immutable before update or delete on mm.{table}"
        f" for each row execute function mm.{function}"
    )


def _check(answers: str) -> None:
    op.drop_constraint(op.f(_BOTH), "match_run", schema=_SCHEMA, type_="check")
    op.create_check_constraint(op.f(_BOTH), "match_run", answers, schema=_SCHEMA)
