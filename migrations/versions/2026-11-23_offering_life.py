"""The life of an offering: drafts beside what is published, and when each version was live.

Revision ID: 20261123_offering_life
Revises: 20261123_demand
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_offering_life"
down_revision = "20261123_demand"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OPEN = "change_state in ('draft', 'in_review', 'changes_requested')"
_CHECKS = {
    "offering": {
        "revision_from_one": "revision > 0",
        "says_something": "published_version_id is not null or draft_version_id is not null",
        "change_state_known": "change_state in"
        " ('draft', 'in_review', 'changes_requested', 'accepted', 'discarded')",
        "open_change_has_a_draft": f"coalesce({_OPEN}, false)"
        " = (draft_version_id is not null and state in ('published', 'paused'))",
    },
    "provider": {"revision_from_one": "revision > 0"},
}


def upgrade() -> None:
    """Add the columns and the table; what is published now was live before the first event."""
    op.execute("set local lock_timeout = '200ms'")
    for column in (_revision(), _now("changed_at")):
        op.add_column("offering", column, schema=_SCHEMA)
    for column in (_revision(), _now("created_at"), _now("changed_at")):
        op.add_column("provider", column, schema=_SCHEMA)
    op.add_column("offering", sa.Column("draft_version_id", sa.Uuid()), schema=_SCHEMA)
    op.add_column("offering", sa.Column("change_state", sa.String(32)), schema=_SCHEMA)
    op.add_column("offering", sa.Column("note", sa.Text()), schema=_SCHEMA)
    _point_drafts()
    for table, checks in _CHECKS.items():
        for name, rule in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule, schema=_SCHEMA)
    _create_live()
    op.execute("revoke all on mm.offering_live from mm_app, mm_worker")
    op.execute("grant select, insert, update (to_position) on mm.offering_live to mm_app")
    # The worker lets offerings expire.
    op.execute("grant update on mm.offering to mm_worker")
    op.execute("grant select, insert, update (to_position) on mm.offering_live to mm_worker")


def downgrade() -> None:
    """Drop the table and the columns; drafts beside a published version are left as versions."""
    op.execute("revoke update on mm.offering from mm_worker")
    op.drop_table("offering_live", schema=_SCHEMA)
    op.execute("drop function mm.refuse_other_past()")
    for table, checks in _CHECKS.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, schema=_SCHEMA, type_="check")
    op.drop_constraint(
        op.f("fk_offering_draft_version_id_id"), "offering", schema=_SCHEMA, type_="foreignkey"
    )
    for name in ("note", "change_state", "draft_version_id", "changed_at", "revision"):
        op.drop_column("offering", name, schema=_SCHEMA)
    for name in ("changed_at", "created_at", "revision"):
        op.drop_column("provider", name, schema=_SCHEMA)


def _point_drafts() -> None:
    op.create_foreign_key(
        op.f("fk_offering_draft_version_id_id"),
        "offering",
        "offering_version",
        ["draft_version_id", "id"],
        ["id", "offering_id"],
        source_schema=_SCHEMA,
        referent_schema=_SCHEMA,
        deferrable=True,
        initially="DEFERRED",
    )
    op.execute(
        "update mm.offering o set draft_version_id = (select v.id from mm.offering_version v"
        " where v.offering_id = o.id order by v.number desc limit 1)"
        " where published_version_id is null"
    )
    # Pending checks of the key would refuse the next change of the table.
    op.execute("set constraints all immediate")


def _create_live() -> None:
    op.create_table(
        "offering_live",
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_position", sa.BigInteger(), nullable=True),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("offering_id", "from_position", name=op.f("pk_offering_live")),
        sa.ForeignKeyConstraint(
            ["version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
            name=op.f("fk_offering_live_version_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["offering_id", "organisation_id"],
            ["mm.offering.id", "mm.offering.organisation_id"],
            name=op.f("fk_offering_live_offering_id_organisation_id"),
        ),
        sa.CheckConstraint(
            "from_position >= 0", name=op.f("ck_offering_live_from_position_from_zero")
        ),
        sa.CheckConstraint(
            "from_position < to_position", name=op.f("ck_offering_live_positions_in_order")
        ),
        schema=_SCHEMA,
    )
    op.create_index(
        op.f("uq_offering_live_offering_id_open"),
        "offering_live",
        ["offering_id"],
        unique=True,
        schema=_SCHEMA,
        postgresql_where=sa.text("to_position is null"),
    )
    op.execute(
        "insert into mm.offering_live (offering_id, from_position, version_id, organisation_id)"
        " select id, 0, published_version_id, organisation_id from mm.offering"
        " where state = 'published'"
    )
    _keep_the_past()


def _keep_the_past() -> None:
    # A row begins once and ends once; what an index was built of is not told otherwise later.
    op.execute(
        """
        create function mm.refuse_other_past() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' and old.to_position is null and new.to_position is not null
                and (new.offering_id, new.from_position, new.version_id, new.organisation_id)
                    = (old.offering_id, old.from_position, old.version_id, old.organisation_id)
            then
                return new;
            end if;
            raise exception '% of mm.% refused: a row begins once and ends once',
                tg_op, tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )
    for what, each in (("update or delete", "row"), ("truncate", "statement")):
        name = "offering_live_" + ("not_truncated" if what == "truncate" else "past_is_kept")
        op.execute(
            f"create trigger {name} before {what} on mm.offering_live"
            f" for each {each} execute function mm.refuse_other_past()"
        )


def _revision() -> sa.Column[object]:
    return sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
