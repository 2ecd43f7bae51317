"""Events: one append-only chain with positions from 1 that have no gap.

Revision ID: 20261123_events
Revises: 20261123_catalog
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_events"
down_revision = "20261123_catalog"
branch_labels = None
depends_on = None

_SCHEMA = "mm"

# Position, time and hash are the database's to give, so nobody has the right to insert a row. The
# lock is held until the commit is on disk and visible: whoever takes it next continues the chain,
# and a snapshot that sees an event sees all before it. Each statement of a volatile function sees
# what was committed before it began, except under a fixed snapshot, which is refused. What is
# hashed after the previous hash is RFC 8785 JSON as long as the bodies are.
# 1835885942 is "mmev" in ASCII.
_APPEND = r"""
create function mm.append_events(bodies text[]) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    last bigint;
    seal bytea;
    body text;
    event jsonb;
    moment text := to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"');
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'events are appended under read committed only'
            using errcode = 'invalid_transaction_state';
    end if;
    perform pg_advisory_xact_lock(1835885942);
    select e.position, e.hash into last, seal from mm.event e order by e.position desc limit 1;
    last := coalesce(last, 0);
    seal := coalesce(seal, decode(repeat('00', 32), 'hex'));
    foreach body in array bodies loop
        last := last + 1;
        seal := sha256(seal || convert_to(
            '{"event"\:' || body || ',"position"\:' || last
            || ',"recorded_at"\:"' || moment || '"}', 'UTF8'));
        event := body::jsonb;
        insert into mm.event (
            position, recorded_at, kind, subject_type, subject_id, organisation_id, actor, data,
            request_id, hash
        ) values (
            last, now(), event->>'kind', event->>'subject_type', (event->>'subject_id')::uuid,
            (event->>'organisation_id')::uuid, event->'actor', event->'data',
            event->>'request_id', seal
        );
    end loop;
    perform pg_notify('mm_event', last::text);
    return last;
end $$
"""


def upgrade() -> None:
    """Create the table, refuse every change of it, let both roles read it and append."""
    op.execute("set local lock_timeout = '200ms'")
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("actor", postgresql.JSONB(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event")),
        sa.CheckConstraint("position > 0", name=op.f("ck_event_position_from_one")),
        sa.CheckConstraint(
            "kind ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'", name=op.f("ck_event_kind_is_noun_and_verb")
        ),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_event_hash_is_sha256")),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("ix_event_subject_id_position"), "event", ["subject_id", "position"], schema=_SCHEMA
    )
    op.create_index(
        op.f("ix_event_organisation_id_position"),
        "event",
        ["organisation_id", "position"],
        schema=_SCHEMA,
    )
    for what, each in (("update or delete", "row"), ("truncate", "statement")):
        name = "event_not_truncated" if what == "truncate" else "event_immutable"
        op.execute(
            f"create trigger {name} before {what} on mm.event"
            f" for each {each} execute function mm.refuse_change()"
        )
    op.execute(_APPEND)
    op.execute("revoke all on mm.event from mm_app, mm_worker")
    op.execute("grant select on mm.event to mm_app, mm_worker")
    op.execute("revoke all on function mm.append_events(text[]) from public")
    op.execute("grant execute on function mm.append_events(text[]) to mm_app, mm_worker")


def downgrade() -> None:
    """Drop the function and the table with every event."""
    op.execute("drop function mm.append_events(text[])")
    op.drop_table("event", schema=_SCHEMA)
