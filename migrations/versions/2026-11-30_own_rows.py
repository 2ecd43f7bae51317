"""What an operator says of an organisation the organisation does not write into its own row.

Revision ID: 20261130_own_rows
Revises: 20261130_expert_cards

Its row is its own behind the second wall, and decides what it may do: roles, jurisdiction and state
open the wall to whoever has them. A code of zeros is no place, and holds no firm.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "20261130_own_rows"
down_revision = "20261130_expert_cards"
branch_labels = None
depends_on = None

# The steps an owner takes; a test holds them equal to the machine of the room.
_STEPS: Final = (
    "(old.state = 'draft' and new.state = 'submitted')"
    " or (old.state = 'changes_requested' and new.state = 'submitted')"
    " or (old.state = 'submitted' and new.state = 'draft')"
    " or new.state = 'closed'"
)
_REFUSE: Final = f"""
    create function mm.refuse_self_made() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        -- Operators and the installation; and whoever maintains the schema.
        if mm.oversees() or pg_has_role(current_user, 'mm_owner', 'member') then
            return new;
        end if;
        if tg_op = 'UPDATE'
            and new.id = old.id
            and new.external_id is not distinct from old.external_id
            and new.roles = old.roles
            and new.jurisdiction is not distinct from old.jurisdiction
            and (new.state = old.state or {_STEPS})
            and (old.state in ('draft', 'changes_requested') or (
                new.name = old.name
                and new.uscc is not distinct from old.uscc
                and new.region is not distinct from old.region
            ))
        then
            return new;
        end if;
        raise exception '% of mm.organisation refused: an operator says this', tg_op
            using errcode = 'insufficient_privilege';
    end $$
"""
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
                and exists (
                    select from mm.consent where organisation_id = named.id
                    and purpose = 'share_with_agency' and withdrawn_at is null
                )
                and (
                    exists (
                        select from jsonb_array_elements_text(
                            agency.jurisdiction -> 'regions'
                        ) place
                        where {unless}starts_with(
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


def upgrade() -> None:
    """Refuse what an organisation writes of itself, and what begins with nothing."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute(_REFUSE)
    op.execute(
        "create trigger organisation_not_self_made before insert or update on mm.organisation"
        " for each row execute function mm.refuse_self_made()"
    )
    op.execute(_REACHES.format(unless="place !~ '^(00)*$' and "))


def downgrade() -> None:
    """Leave the row to its organisation."""
    op.execute("set local lock_timeout = '200ms'")
    op.execute("drop trigger organisation_not_self_made on mm.organisation")
    op.execute("drop function mm.refuse_self_made()")
    op.execute(_REACHES.format(unless=""))
