"""Firms take part in programmes, and are known by name to whose programmes those are.

Revision ID: 20261130_participations
Revises: 20261130_programmes
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_participations"
down_revision = "20261130_programmes"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_JOINABLE: Final = f"({_OWN}) and state = 'joined' and mm.is_joinable(programme_id, agency_id)"
# Nobody is back in by a change.
_OVER: Final = f"({_OWN}) and state <> 'joined'"
_KEPT: Final = (
    "state = 'joined' and (select mm.holds('agency')) and mm.keeps(programme_id, agency_id)"
)
_MOVED: Final = "state, note, revision, changed_at"
_FUNCTIONS: Final = {
    # Whether it is published by that keeper; held until the end of the transaction, or a firm
    # joined while it is being archived and stayed in for ever.
    "mm.is_joinable(programme uuid, keeper uuid)": """
        returns boolean language plpgsql volatile security definer
        set search_path = pg_catalog, pg_temp as $$
        begin
            perform from mm.programme where id = $1 and organisation_id = $2
                and state = 'published' for share;
            return found;
        end $$
    """,
    # Whether the firms in it are the business of the agency that acts: it keeps the programme, or
    # an operator has put it into its jurisdiction.
    "mm.keeps(programme uuid, keeper uuid)": """
        returns boolean language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.organisation own
                where own.id = mm.org() and own.state = 'verified' and 'agency' = any (own.roles)
                and (own.id = $2 or own.jurisdiction -> 'programmes' ? $1::text)
            )
        $$
    """,
    # Whoever calls it: of a programme that is not archived it ends nothing.
    "mm.end_participations(programme uuid)": """
        returns table (id uuid, organisation_id uuid, revision bigint) language sql security definer
        set search_path = pg_catalog, pg_temp as $$
            update mm.participation part
            set state = 'ended', revision = part.revision + 1, changed_at = clock_timestamp()
            where part.programme_id = $1 and part.state = 'joined' and exists (
                select from mm.programme over where over.id = $1 and over.state = 'archived'
            )
            returning part.id, part.organisation_id, part.revision
        $$
    """,
    # For the firm itself and overseers, as the other functions of the erasure.
    "mm.erase_participations(firm uuid)": """
        returns bigint language sql security definer
        set search_path = pg_catalog, pg_temp as $$
            with erased as (
                delete from mm.participation
                where ($1 = mm.org() or mm.oversees()) and organisation_id = $1
                returning 1
            )
            select count(*) from erased
        $$
    """,
}
_JOINED: Final = """
    exists (
        select from mm.participation part where part.organisation_id = named.id
        and part.state = 'joined' and mm.keeps(part.programme_id, part.agency_id)
    ) or
"""
# What an agency reads of a firm beside what everybody does. The firm says so, by its consent within
# the jurisdiction or by joining, and can unsay it.
_REACHES: Final = """
    create or replace function mm.reaches(firm uuid) returns boolean
    language sql stable parallel safe security definer
    set search_path = pg_catalog, pg_temp as $$
        select exists (
            select from mm.organisation agency
            join mm.organisation named on named.id = $1
            left join mm.profile on profile.organisation_id = named.id
            left join mm.profile_version said on said.id = profile.current_version_id
            where agency.id = mm.org() and agency.state = 'verified'
                and 'agency' = any (agency.roles)
                and named.state = 'verified' and 'sme' = any (named.roles)
                and ({joined} exists (
                    select from mm.consent where organisation_id = named.id
                    and purpose = 'share_with_agency' and withdrawn_at is null
                )
                and (
                    exists (
                        select from jsonb_array_elements_text(
                            agency.jurisdiction -> 'regions'
                        ) place
                        where place !~ '^(00)*$' and starts_with(
                            coalesce(named.region, said.facts ->> 'region'),
                            regexp_replace(place, '(00)+$', '')
                        )
                    )
                    or said.facts -> 'clusters' ?| array(
                        select jsonb_array_elements_text(agency.jurisdiction -> 'clusters')
                    )
                ))
        )
    $$
"""
_POLICIES: Final = (
    "maintained on mm.participation for all to mm_owner using (true) with check (true)",
    f"own on mm.participation for select to mm_app using ({_OWN})",
    f"moved on mm.participation for update to mm_app using ({_OWN}) with check ({_OVER})",
    # For its own firm alone, and in nothing but what is published by that keeper.
    f"joined on mm.participation for insert to mm_app with check ({_JOINABLE})",
    # Of those that are over an agency sees none.
    f"reached on mm.participation for select to mm_app using ({_KEPT})",
    "worked_on on mm.participation for all to mm_worker using (true) with check (true)",
)


def upgrade() -> None:
    """Create the table with its wall, and let agencies reach who joined."""
    op.execute("set local lock_timeout = '200ms'")
    _create_table()
    for name, body in _FUNCTIONS.items():
        op.execute(f"create function {name} {body}")
        signature = f"{name.partition('(')[0]}({', '.join(['uuid'] * name.count('uuid'))})"
        op.execute(f"revoke execute on function {signature} from public")
        op.execute(f"grant execute on function {signature} to mm_app")
    op.execute("grant select, insert on mm.participation to mm_app")
    op.execute(f"grant update ({_MOVED}) on mm.participation to mm_app")
    op.execute("grant select on mm.participation to mm_worker")
    op.execute("alter table mm.participation enable row level security")
    op.execute("alter table mm.participation force row level security")
    for policy in _POLICIES:
        op.execute(f"create policy {policy}")
    op.execute(_REACHES.format(joined=_JOINED))
    op.add_column(
        "sighting",
        sa.Column("programmes", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        schema=_SCHEMA,
    )


def downgrade() -> None:
    """Drop all of it; who joined is reached by consent alone again."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute(_REACHES.format(joined=""))
    op.drop_column("sighting", "programmes", schema=_SCHEMA)
    op.drop_table("participation", schema=_SCHEMA)
    for name in _FUNCTIONS:
        op.execute(f"drop function {name}")


def _create_table() -> None:
    op.create_table(
        "participation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        # Of a higher room: no key points there, the wall lets in only what is there.
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _now("created_at"),
        _now("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participation")),
        *(
            sa.ForeignKeyConstraint(
                [column], ["mm.organisation.id"], name=op.f(f"fk_participation_{column}")
            )
            for column in ("organisation_id", "agency_id")
        ),
        sa.CheckConstraint(
            "state in ('joined', 'left', 'ended')", name=op.f("ck_participation_state_known")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_participation_revision_from_one")),
        schema=_SCHEMA,
    )
    for name, columns, is_unique in (
        ("ix_participation_organisation_id_id", ["organisation_id", "id"], False),
        ("ix_participation_agency_id", ["agency_id"], False),
        ("uq_participation_joined", ["programme_id", "organisation_id"], True),
    ):
        is_whole = name.endswith("_id_id")
        op.create_index(
            op.f(name),
            "participation",
            columns,
            unique=is_unique,
            schema=_SCHEMA,
            postgresql_where=None if is_whole else sa.text("state = 'joined'"),
        )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
