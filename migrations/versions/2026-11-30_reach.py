"""Agencies have a jurisdiction: in it firms that agree are named, and all are counted.

Revision ID: 20261130_reach
Revises: 20261130_tokens
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261130_reach"
down_revision = "20261130_tokens"
branch_labels = None
depends_on = None

_SCHEMA = "mm"
# What an agency reads of a firm beside what everybody does; the firm says so, and can unsay it.
_REACHES: Final = """
    create function mm.reaches(firm uuid) returns boolean
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
                and exists (
                    select from mm.consent where organisation_id = named.id
                    and purpose = 'share_with_agency' and withdrawn_at is null
                )
                and (
                    exists (
                        select from jsonb_array_elements_text(
                            agency.jurisdiction -> 'regions'
                        ) place
                        where starts_with(
                            coalesce(named.region, said.facts ->> 'region'),
                            regexp_replace(place, '(00)+$', '')
                        )
                    )
                    or said.facts -> 'clusters' ?| array(
                        select jsonb_array_elements_text(agency.jurisdiction -> 'clusters')
                    )
                )
        )
    $$
"""
_NAMED: Final = "(select mm.holds('agency')) and mm.reaches(organisation_id)"
_POLICIES: Final = {
    "profile": _NAMED,
    # Only what the firm states now: what it stated before it agreed is not shown.
    "profile_version": f"{_NAMED} and exists (select from mm.profile now"
    " where now.organisation_id = profile_version.organisation_id"
    " and now.current_version_id = profile_version.id)",
    "consent": f"withdrawn_at is null and {_NAMED}",
}
_INSTALLATION: Final = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"
_OWN: Final = "organisation_id = (select mm.org()) or (select mm.oversees())"
_TABLES: Final = ("counted_firm", "firm_count")


def upgrade() -> None:
    """Add the column, the tables, and the wall with its one new door."""
    op.execute("set local lock_timeout = '200ms'")
    op.add_column("organisation", sa.Column("jurisdiction", postgresql.JSONB()), schema=_SCHEMA)
    op.create_check_constraint(
        op.f("ck_organisation_jurisdiction_of_an_agency"),
        "organisation",
        "jurisdiction is null or 'agency' = any (roles)",
        schema=_SCHEMA,
    )
    _create_tables()
    op.execute(_REACHES)
    op.execute("revoke execute on function mm.reaches(uuid) from public")
    op.execute("grant execute on function mm.reaches(uuid) to mm_app, mm_worker")
    for table, using in _POLICIES.items():
        op.execute(f"create policy reached on mm.{table} for select to mm_app using ({using})")
    for table in _TABLES:
        op.execute(f"grant select, insert, delete on mm.{table} to mm_app, mm_worker")
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        op.execute(
            f"create policy maintained on mm.{table} for all to mm_owner"
            " using (true) with check (true)"
        )
        op.execute(
            f"create policy counted on mm.{table} for all to mm_app"
            f" using ({_INSTALLATION}) with check ({_INSTALLATION})"
        )
        op.execute(
            f"create policy worked_on on mm.{table} for all to mm_worker"
            " using (true) with check (true)"
        )
    op.execute(f"create policy own on mm.firm_count for select to mm_app using ({_OWN})")


def downgrade() -> None:
    """Drop all of it."""
    op.execute("set local lock_timeout = '200ms'")
    for table in _POLICIES:
        op.execute(f"drop policy reached on mm.{table}")
    op.execute("drop function mm.reaches(uuid)")
    for table in _TABLES:
        op.drop_table(table, schema=_SCHEMA)
    op.drop_column("organisation", "jurisdiction", schema=_SCHEMA)


def _create_tables() -> None:
    op.create_table(
        "counted_firm",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("traits", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_counted_firm")),
        _owned("counted_firm"),
        schema=_SCHEMA,
    )
    op.create_table(
        "firm_count",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("firms", sa.BigInteger(), nullable=False),
        sa.Column(
            "counted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("organisation_id", "dimension", "code", name=op.f("pk_firm_count")),
        _owned("firm_count"),
        sa.CheckConstraint("firms >= 0", name=op.f("ck_firm_count_firms_from_zero")),
        sa.CheckConstraint(
            "dimension in ('', 'region', 'industry', 'scale', 'stage')",
            name=op.f("ck_firm_count_dimension_known"),
        ),
        schema=_SCHEMA,
    )


def _owned(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"],
        ["mm.organisation.id"],
        name=op.f(f"fk_{table}_organisation_id"),
    )
