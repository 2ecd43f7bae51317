"""The second wall: forced row-level security on everything that is an organisation's.

Revision ID: 20261130_walls
Revises: 20261130_people

Who acts stands in the setting ``mm.org_id`` of a transaction: an organisation, or the nil UUID for
the installation itself (the console, the jobs, the publisher). Nothing set means nobody: what is
published can be read, and nothing can be written.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from alembic import op

revision = "20261130_walls"
down_revision = "20261130_people"
branch_labels = None
depends_on = None


class _Policy(NamedTuple):
    """Which rows a role reads with one command, and which it may leave behind."""

    table: str
    name: str
    command: str
    using: str | None = None
    check: str | None = None
    role: str = "mm_app"


_PINNED: Final = "set search_path = pg_catalog, pg_temp"
# Those that look into other tables run as the owner: a policy that did so itself would ask the
# policies of those tables, which ask back.
_FUNCTIONS: Final = {
    "mm.org()": """
        create function mm.org() returns uuid language sql stable parallel safe
        return nullif(current_setting('mm.org_id', true), '')::uuid
    """,
    "mm.holds(text)": """
        create function mm.holds(role text) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.organisation
                where id = mm.org() and state = 'verified' and role = any (roles)
            )
        $$
    """,
    "mm.oversees()": """
        create function mm.oversees() returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select coalesce(mm.org() = '00000000-0000-0000-0000-000000000000', false) or exists (
                select from mm.organisation
                where id = mm.org() and state = 'verified' and 'operator' = any (roles)
            )
        $$
    """,
    "mm.event_head()": """
        create function mm.event_head() returns bigint
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select coalesce(max(position), 0) from mm.event
        $$
    """,
    # Of the chain everybody may know the hashes: what a proof is made of.
    "mm.event_hashes(bigint, bigint)": """
        create function mm.event_hashes(after bigint, until bigint) returns setof bytea
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select hash from mm.event where position > after and position <= until
            order by position
        $$
    """,
    "mm.owns_need(uuid)": """
        create function mm.owns_need(need uuid) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (select from mm.need where id = $1 and organisation_id = mm.org())
        $$
    """,
    "mm.shares_need(uuid)": """
        create function mm.shares_need(need uuid) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.need_member where need_id = $1 and organisation_id = mm.org()
            )
        $$
    """,
    "mm.keeps_pool(uuid)": """
        create function mm.keeps_pool(pool uuid) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.pool kept where kept.id = $1 and organisation_id = mm.org()
            ) and mm.holds('agency')
        $$
    """,
    "mm.deals_in(uuid)": """
        create function mm.deals_in(offering uuid) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.shortlist_entry entry
                join mm.shortlist list on list.id = entry.shortlist_id
                where entry.offering_id = $1 and list.organisation_id = mm.org()
            ) or exists (
                select from mm.admission where offering_id = $1 and mm.keeps_pool(pool_id)
            )
        $$
    """,
    "mm.shows(uuid)": """
        create function mm.shows(version uuid) returns boolean
        language sql stable parallel safe security definer
        set search_path = pg_catalog, pg_temp as $$
            select exists (
                select from mm.offering_version said
                join mm.offering on offering.id = said.offering_id
                where said.id = $1 and (
                    offering.published_version_id = said.id or exists (
                        select from mm.offering_live live
                        where live.offering_id = offering.id and live.version_id = said.id
                    )
                ) and (
                    offering.visibility = 'public' or mm.holds('agency')
                    or mm.deals_in(offering.id)
                )
            )
        $$
    """,
}
_OVERSEES: Final = "(select mm.oversees())"
_AGENCY: Final = "(select mm.holds('agency'))"
_OWN: Final = f"organisation_id = (select mm.org()) or {_OVERSEES}"
_INSTALLATION: Final = "(select mm.org()) = '00000000-0000-0000-0000-000000000000'"
_OWNED: Final = {
    "organisation": f"id = (select mm.org()) or {_OVERSEES}",
    "admission": f"{_OWN} or mm.keeps_pool(pool_id)",
    "admission_decision": f"{_OWN} or mm.keeps_pool(pool_id)",
    "admission_live": f"{_OWN} or exists (select from mm.admission kept"
    " where kept.id = admission_id and mm.keeps_pool(kept.pool_id))",
    **dict.fromkeys(
        (
            *("api_key", "component", "consent", "event", "evidence", "export_file"),
            *("import_file", "job", "kept_reply", "match", "match_run", "member", "need"),
            *("need_version",),
            *("offering", "offering_live", "offering_package", "offering_version"),
            *("organisation_live", "pool", "pool_version", "profile", "profile_version"),
            *("provider", "shortlist", "shortlist_entry", "webhook", "webhook_delivery"),
        ),
        _OWN,
    ),
    # A person is of no one organisation, and no organisation is told who can log in, or how: no
    # operator either. What people do about themselves the installation does for them.
    **dict.fromkeys(("person", "person_session"), _INSTALLATION),
}
"""By table whose rows a caller reads and writes; which of the four, the grants say."""
_FIRM: Final = f"{_OWN} or mm.owns_need(need_id)"
_VISIBLE: Final = "exists (select from mm.offering seen where seen.id = offering_id)"
_DELIVERED: Final = "exists (select from mm.webhook_delivery sent where sent.id = delivery_id)"
# A row is tried by the policies in the reverse order of their names: the cheap ones come first.
_FURTHER: Final = (
    # Who was asked to share a need answers for itself; only its owner asks.
    _Policy("need_member", "asked", "select", _FIRM),
    _Policy("need_member", "ask", "insert", None, f"mm.owns_need(need_id) or {_OVERSEES}"),
    _Policy("need_member", "answer", "update", _FIRM, _FIRM),
    _Policy("need_member", "leave", "delete", _FIRM),
    _Policy("need", "found", "select", "state = 'open' and visibility in ('public', 'open_call')"),
    _Policy("need", "asked", "select", "mm.shares_need(id)"),
    # A row is locked by the right to change it; whoever shares a need changes nothing of it.
    _Policy("need", "held", "update", "mm.shares_need(id)", "false"),
    _Policy(
        "need_version",
        "found",
        "select",
        "exists (select from mm.need seen where seen.id = need_id"
        " and seen.current_version_id = need_version.id)",
    ),
    _Policy(
        "need_version",
        "asked",
        "select",
        "mm.shares_need(need_id)"
        " or exists (select from mm.match_run run where run.need_version_id = need_version.id"
        " and run.need_id = need_version.need_id)",
    ),
    _Policy(
        "offering",
        "found",
        "select",
        f"visibility = 'public' and published_version_id is not null or {_AGENCY}",
    ),
    _Policy("offering", "dealt", "select", "mm.deals_in(id)"),
    _Policy(
        "offering_version",
        "found",
        "select",
        "exists (select from mm.offering seen where seen.id = offering_id"
        " and seen.published_version_id = offering_version.id)",
    ),
    _Policy("offering_version", "dealt", "select", "mm.shows(id)"),
    _Policy("offering_package", "found", "select", "mm.shows(version_id)"),
    _Policy("offering_live", "found", "select", _VISIBLE),
    _Policy("component", "found", "select", f"offering_id is not null and {_VISIBLE}"),
    _Policy(
        "provider",
        "found",
        "select",
        "exists (select from mm.organisation_card card"
        " where card.id = organisation_id and card.state = 'verified')",
    ),
    _Policy("evidence", "found", "select", f"state = 'verified' or {_AGENCY}"),
    _Policy("evidence", "judged", "update", _AGENCY, _AGENCY),
    _Policy(
        "event",
        "concerned",
        "select",
        "actor_organisation_id = (select mm.org())"
        " or subject_type = 'need' and mm.shares_need(subject_id)"
        " or subject_type = 'admission' and exists (select from mm.admission kept"
        " where kept.id = subject_id and mm.keeps_pool(kept.pool_id))",
    ),
    _Policy("webhook_attempt", "own", "all", _DELIVERED, _DELIVERED),
    _Policy("pool", "found", "select", "true"),
    _Policy("pool_version", "found", "select", "true"),
    _Policy("admission", "listed", "select", "state in ('admitted', 'warned')"),
    _Policy(
        "admission_decision",
        "listed",
        "select",
        "exists (select from mm.admission seen where seen.id = admission_id)",
    ),
)
"""What else is read and written: what is published, shared, asked for or judged."""
_TABLES: Final = (*_OWNED, "need_member", "webhook_attempt")
_WORKED_ON: Final = (
    *("admission", "admission_decision", "admission_live", "evidence", "export_file"),
    *("import_file", "job", "need", "offering", "offering_live"),
)
"""What jobs write, under grants of their own."""
_WORKED_WITH: Final = (
    *("component", "consent", "event", "match", "match_run", "need_member", "need_version"),
    *("offering_package", "offering_version", "organisation", "organisation_live", "pool"),
    *("pool_version", "profile", "profile_version", "provider", "shortlist", "shortlist_entry"),
)
"""What jobs read: keys and members are no business of theirs."""
# What everybody may know of an organisation; the rest of the row is its own and the operators'.
_CARD: Final = """
    create view mm.organisation_card as
    select id, name, roles, provider_kind, region, state from mm.organisation
"""
_MINE: Final = "(firm = mm.org() or mm.oversees())"
_ERASURE: Final = {
    "mm.erase_profile_versions(firm uuid, until integer) returns bigint": (
        """
            with erased as (
                update mm.profile_version set facts = '{{}}', scale = null, scale_basis = null,
                    scale_scheme = null, scale_edition = null, stage = null, completeness = 0,
                    missing = '[]', content_hash = sha256('{{}}'), erased_at = now()
                where organisation_id = firm and number < until and erased_at is null{also}
                returning 1
            )
            select count(*) from erased
        """,
        f" and {_MINE}",
    ),
    "mm.erase_match_runs(firm uuid) returns bigint": (
        """
            with erased as (
                update mm.match_run set input = '{{}}', body = '{{}}', answers = '{{}}',
                    erased_at = now()
                where erased_at is null{also} and (
                    profile_version_id in (
                        select id from mm.profile_version
                        where organisation_id = firm and profile_version.erased_at is not null
                    ) or organisation_id = firm and jsonb_typeof(input -> 'profile') = 'object'
                )
                returning 1
            )
            select count(*) from erased
        """,
        f" and {_MINE}",
    ),
    "mm.keep_profile_version(version uuid) returns boolean": (
        "select erased_at is null from mm.profile_version where id = version{also} for share",
        " and (organisation_id = mm.org() or mm.oversees())",
    ),
}


def upgrade() -> None:
    """Raise the wall, and give new tables no right that their migration does not name."""
    op.execute("set local lock_timeout = '200ms'")
    for name, function in _FUNCTIONS.items():
        op.execute(function)
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to mm_app, mm_worker")
    op.execute(_CARD)
    op.execute("revoke all on mm.organisation_card from mm_app, mm_worker")
    op.execute("grant select on mm.organisation_card to mm_app, mm_worker")
    for table in _TABLES:
        op.execute(f"alter table mm.{table} enable row level security")
        op.execute(f"alter table mm.{table} force row level security")
        _create(_Policy(table, "maintained", "all", "true", "true", role="mm_owner"))
    for table, own in _OWNED.items():
        _create(_Policy(table, "own", "all", own, own))
    for policy in _FURTHER:
        _create(policy)
    for table in _WORKED_ON:
        _create(_Policy(table, "worked_on", "all", "true", "true", role="mm_worker"))
    for table in _WORKED_WITH:
        _create(_Policy(table, "worked_with", "select", "true", role="mm_worker"))
    _write_erasure(is_guarded=True)
    _defaults("revoke all on {objects} from")


def downgrade() -> None:
    """Take the wall down."""
    op.execute("set local lock_timeout = '200ms'")
    _defaults("grant {rights} on {objects} to")
    _write_erasure(is_guarded=False)
    for table in _WORKED_WITH:
        op.execute(f"drop policy worked_with on mm.{table}")
    for table in _WORKED_ON:
        op.execute(f"drop policy worked_on on mm.{table}")
    for policy in _FURTHER:
        op.execute(f"drop policy {policy.name} on mm.{policy.table}")
    for table in _OWNED:
        op.execute(f"drop policy own on mm.{table}")
    for table in _TABLES:
        op.execute(f"drop policy maintained on mm.{table}")
        op.execute(f"alter table mm.{table} no force row level security")
        op.execute(f"alter table mm.{table} disable row level security")
    op.execute("drop view mm.organisation_card")
    for name in reversed(_FUNCTIONS):
        op.execute(f"drop function {name}")


def _create(policy: _Policy) -> None:
    reads = "" if policy.using is None else f" using ({policy.using})"
    writes = "" if policy.check is None else f" with check ({policy.check})"
    op.execute(
        f"create policy {policy.name} on mm.{policy.table} for {policy.command} to {policy.role}"
        f"{reads}{writes}"
    )


def _write_erasure(*, is_guarded: bool) -> None:
    """The functions of the erasure, which pass the wall: for the firm itself and overseers."""
    for signature, (body, guard) in _ERASURE.items():
        statement = body.format(also=guard if is_guarded else "")
        op.execute(
            f"create or replace function {signature} language sql security definer {_PINNED}"
            f" as $${statement}$$"
        )


def _defaults(action: str) -> None:
    for objects, rights in (
        ("tables", "select, insert, update, delete"),
        ("sequences", "usage, select"),
    ):
        op.execute(
            "alter default privileges for role mm_owner in schema mm "
            f"{action.format(objects=objects, rights=rights)} mm_app, mm_worker"
        )
