"""What people ask about themselves; and what a firm stated can be emptied, needs too.

Revision ID: 20261130_rights
Revises: 20261130_encoded_blocks
"""

from __future__ import annotations

import json
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_rights"
down_revision = "20261130_encoded_blocks"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_TABLE = "rights_request"
# The SHA-256 is that of the canonical form of no facts.
_EMPTIED: Final[dict[str, object]] = {
    "title": None,
    "facts": {},
    "open_call": None,
    "content_hash": "\\x44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
}
_PINNED: Final = "language sql security definer set search_path = pg_catalog, pg_temp"
# For the firm itself and overseers, as the other functions of the erasure.
_FUNCTIONS: Final = {
    "mm.erase_needs(firm uuid)": """
        update mm.need_member set note = null
        where (firm = mm.org() or mm.oversees()) and note is not null and (
            organisation_id = firm
            or need_id in (select id from mm.need where organisation_id = firm)
        );
        update mm.need set external_id = null, note = null,
            state = case when state in ('draft', 'open', 'engaged') then 'withdrawn' else state end
        where (firm = mm.org() or mm.oversees()) and organisation_id = firm;
        with erased as (
            update mm.need_version set title = null, facts = '{}', open_call = null,
                content_hash = sha256('{}'), erased_at = now()
            where (firm = mm.org() or mm.oversees()) and organisation_id = firm
                and erased_at is null
            returning 1
        )
        select count(*) from erased
    """,
    "mm.erase_matches(firm uuid)": """
        update mm.shortlist set title = null, note = null
        where (firm = mm.org() or mm.oversees()) and organisation_id = firm;
        update mm.shortlist_entry set note = null
        where (firm = mm.org() or mm.oversees()) and organisation_id = firm and note is not null;
        with erased as (
            update mm.match_run set input = '{}', body = '{}', answers = '{}', erased_at = now()
            where (firm = mm.org() or mm.oversees()) and erased_at is null and (
                organisation_id = firm
                or need_id in (select id from mm.need where organisation_id = firm)
            )
            returning 1
        )
        select count(*) from erased
    """,
}
_KEPT: Final = """
    create or replace function mm.refuse_closed_shortlist() returns trigger
    language plpgsql set search_path = mm, pg_catalog as $$
    declare
        touched uuid := case when tg_op = 'INSERT' then new.shortlist_id
            else old.shortlist_id end;
    begin
        {unless}if exists (select 1 from mm.shortlist where id = touched and state <> 'open') then
            raise exception '% of mm.shortlist_entry refused: the shortlist is closed', tg_op
                using errcode = 'restrict_violation';
        end if;
        return case when tg_op = 'DELETE' then old else new end;
    end $$
"""
# What an entry of a closed list says may be taken away, by whoever erases.
_UNLESS: Final = """if tg_op = 'UPDATE' and to_jsonb(new) = to_jsonb(old) || '{"note": null}' then
            return new;
        end if;
        """
_ITSELF: Final = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"
_DONE: Final = "kind = 'erasure' and done_at is not null"
_POLICIES: Final = (
    "maintained on mm.rights_request for all to mm_owner using (true) with check (true)",
    f"own on mm.rights_request for all to mm_app using ({_ITSELF}) with check ({_ITSELF})",
    # A receipt names nobody, and its number is told to the person alone.
    f"receipt on mm.rights_request for select to mm_app using ({_DONE})",
)


def upgrade() -> None:
    """Create the table, and let the versions of needs be emptied, once."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("with_firms", sa.Boolean(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("counts", postgresql.JSONB(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
        sa.CheckConstraint(
            "kind in ('export', 'erasure')", name=op.f("ck_rights_request_kind_known")
        ),
        schema=_SCHEMA,
    )
    op.create_index(op.f("ix_rights_request_person_id"), _TABLE, ["person_id"], schema=_SCHEMA)
    op.execute("grant select, insert on mm.rights_request to mm_app")
    op.execute("grant update (content, counts, done_at) on mm.rights_request to mm_app")
    op.execute("grant update (name) on mm.api_key to mm_app")
    op.execute("alter table mm.rights_request enable row level security")
    op.execute("alter table mm.rights_request force row level security")
    for policy in _POLICIES:
        op.execute(f"create policy {policy}")
    op.add_column(
        "need_version",
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        schema=_SCHEMA,
    )
    _freeze(f"refuse_but_erasure('{json.dumps(_EMPTIED)}')")
    op.execute(_KEPT.format(unless=_UNLESS))
    for signature, body in _FUNCTIONS.items():
        name = signature.replace("firm ", "")
        op.execute(f"create function {signature} returns bigint {_PINNED} as $${body}$$")
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to mm_app")


def downgrade() -> None:
    """Drop the table and the functions; what was erased is lost already."""
    op.execute("set local lock_timeout = '200ms'")
    for signature in _FUNCTIONS:
        op.execute(f"drop function {signature.replace('firm ', '')}")
    op.execute(_KEPT.format(unless=""))
    _freeze("refuse_change()")
    op.drop_column("need_version", "erased_at", schema=_SCHEMA)
    op.execute("revoke update (name) on mm.api_key from mm_app")
    op.drop_table(_TABLE, schema=_SCHEMA)


def _freeze(function: str) -> None:
    op.execute("drop trigger need_version_immutable on mm.need_version")
    op.execute(
        "create trigger need_version_immutable before update or delete on mm.need_version"
        f" for each row execute function mm.{function}"
    )
