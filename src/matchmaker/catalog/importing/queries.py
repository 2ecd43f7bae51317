"""Every statement of the import: COPY to temporary tables, then INSERT ... SELECT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from matchmaker.catalog.machine import IMPORTABLE
from matchmaker.catalog.models import OfferingId, Provider, VersionId
from matchmaker.identity.models import Organisation, OrganisationId
from matchmaker.identity.queries import is_known_by, key_in_files

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Sequence

    import asyncpg

    from matchmaker.core.db import ReadSession, Session


class OfferingRow(NamedTuple):
    """A row of the temporary table of offerings; texts and documents are JSON."""

    offering_id: OfferingId
    version_id: VersionId
    organisation_id: OrganisationId
    revision: int
    """At which it is expected; 0: it is new."""
    number: int
    external_id: str
    kind: str
    visibility: str
    title: str
    summary: str | None
    document: str
    attested: dt.date | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    must: str | None
    tokens: str
    content_hash: bytes


class PackageRow(NamedTuple):
    """A row of the temporary table of packages; title and document are JSON."""

    version_id: VersionId
    position: int
    organisation_id: OrganisationId
    code: str
    title: str
    document: str


class Stored(NamedTuple):
    """An offering with the number of its latest version and what its published one declared."""

    offering_id: OfferingId
    revision: int
    number: int
    content_hash: bytes | None
    """None: nothing of it was published yet."""


class Kept(NamedTuple):
    """An offering that no import publishes, with what it last published."""

    provider: str
    external_id: str
    state: str
    content_hash: bytes | None


_TEMPORARY = (
    """
    create temporary table if not exists import_offering (
        offering_id uuid, version_id uuid, organisation_id uuid, revision bigint,
        number bigint, external_id text, kind varchar(32), visibility varchar(32), title jsonb,
        summary jsonb, document jsonb, attested date, valid_from date, valid_to date, must jsonb,
        tokens jsonb, content_hash bytea
    ) with (toast_tuple_target = 8160) on commit drop
    """,
    """
    create temporary table if not exists import_package (
        version_id uuid, position smallint, organisation_id uuid, code text, title jsonb,
        document jsonb
    ) on commit drop
    """,
    """
    create temporary table if not exists import_live (
        offering_id uuid, version_id uuid, organisation_id uuid, is_new boolean
    ) on commit drop
    """,
)
# The limit keeps the planner from joining the whole table: each name is one look into an index.
_LATEST = text(
    """
    select k.organisation_id, k.external_id, o.id, o.revision, v.number,
        (select content_hash from mm.offering_version where id = o.published_version_id)
    from unnest(:organisation_ids, :external_ids) as k (organisation_id, external_id)
    cross join lateral (
        select id, revision, published_version_id from mm.offering
        where organisation_id = k.organisation_id and external_id = k.external_id limit 1
    ) o
    cross join lateral (
        select number from mm.offering_version
        where offering_id = o.id order by number desc limit 1
    ) v
    """
).bindparams(
    bindparam("organisation_ids", type_=ARRAY(Uuid)), bindparam("external_ids", type_=ARRAY(Text))
)
_KEPT = text(
    """
    select p.external_id, o.external_id, o.state, v.content_hash
    from mm.offering o
    join mm.organisation p on p.id = o.organisation_id
    left join mm.offering_version v on v.id = o.published_version_id
    where p.external_id = any (:providers) and o.state <> all (:importable)
    """
).bindparams(bindparam("providers", type_=ARRAY(Text)), bindparam("importable", type_=ARRAY(Text)))
_ADD_OFFERINGS = text(
    """
    insert into mm.offering
        (id, organisation_id, external_id, kind, visibility, state, published_version_id, revision)
    select offering_id, organisation_id, external_id, kind, visibility, 'published', version_id, 1
    from import_offering where revision = 0
    """
)
_PUBLISH_CHANGED = text(
    """
    update mm.offering o
    set kind = i.kind, visibility = i.visibility, state = 'published',
        published_version_id = i.version_id, draft_version_id = null, note = null,
        change_state = case when o.change_state in ('draft', 'in_review', 'changes_requested')
            then 'discarded' else o.change_state end,
        revision = o.revision + 1, changed_at = clock_timestamp()
    from import_offering i
    where i.revision > 0 and o.id = i.offering_id and o.revision = i.revision
        and o.state = any (:importable)
    returning o.id
    """
).bindparams(bindparam("importable", type_=ARRAY(Text)))
_ADD_VERSIONS = text(
    """
    insert into mm.offering_version
        (id, offering_id, organisation_id, number, kind, title, summary, document, attested,
         valid_from, valid_to, must, tokens, text_version, content_hash)
    select version_id, offering_id, organisation_id, number, kind, title, summary, document,
        attested, valid_from, valid_to, must, tokens, :text_version, content_hash
    from import_offering
    """
).bindparams(bindparam("text_version", type_=Text))
_ADD_PACKAGES = text(
    """
    insert into mm.offering_package (version_id, position, organisation_id, code, title, document)
    select version_id, position, organisation_id, code, title, document from import_package
    """
)
_NOTE_LIVE = text(
    """
    insert into import_live (offering_id, version_id, organisation_id, is_new)
    select offering_id, version_id, organisation_id, revision = 0 from import_offering
    """
)
_END_LIVE = text(
    """
    update mm.offering_live l set to_position = :position
    from import_live i
    where not i.is_new and l.offering_id = i.offering_id and l.to_position is null
    """
)
_BEGIN_LIVE = text(
    """
    insert into mm.offering_live (offering_id, from_position, version_id, organisation_id)
    select offering_id, :position, version_id, organisation_id from import_live
    """
)
_STATES = [state.value for state in IMPORTABLE]


async def claim_import(session: Session) -> bool:
    """Whether this transaction is now the only one that imports."""
    claim = text("select pg_try_advisory_xact_lock(hashtext('matchmaker.catalog.import'))")
    return bool(await session.scalar(claim))


async def providers_by_external_id(
    session: ReadSession, external_ids: Collection[str]
) -> dict[str, OrganisationId]:
    """The organisations with a supply card known by ``external_ids``."""
    rows = await session.execute(
        select(key_in_files(), Organisation.id)
        .join(Provider, Provider.organisation_id == Organisation.id)
        .where(is_known_by(external_ids))
    )
    return {row[0]: row[1] for row in rows}


async def kept_offerings(session: ReadSession, providers: Collection[str]) -> list[Kept]:
    """The offerings of ``providers`` (external ids) whose state no import leaves."""
    rows = await session.execute(_KEPT, {"providers": list(providers), "importable": _STATES})
    return [Kept(*row) for row in rows]


async def supply_cards(
    session: ReadSession, organisation_ids: Collection[OrganisationId]
) -> dict[OrganisationId, tuple[dict[str, Any] | None, str | None]]:
    """Summary and website by organisation."""
    rows = await session.execute(
        select(Provider.organisation_id, Provider.summary, Provider.website).where(
            Provider.organisation_id.in_(organisation_ids)
        )
    )
    return {id_: (summary, website) for id_, summary, website in rows}


async def insert_cards(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add supply cards."""
    if rows:
        await session.execute(insert(Provider), rows)


async def update_cards(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Replace supply cards; each row names its organisation as ``of``."""
    if rows:
        connection = await session.connection()
        await connection.execute(
            update(Provider)
            .where(Provider.organisation_id == bindparam("of"))
            .values(
                summary=bindparam("summary"),
                website=bindparam("website"),
                revision=Provider.revision + 1,
                changed_at=func.clock_timestamp(),
            ),
            rows,
        )


async def latest_versions(
    session: ReadSession, keys: Sequence[tuple[OrganisationId, str]]
) -> dict[tuple[OrganisationId, str], Stored]:
    """The offerings named by organisation and external id, as they stand."""
    if not keys:
        return {}
    rows = await session.execute(
        _LATEST,
        {
            "organisation_ids": [organisation_id for organisation_id, _ in keys],
            "external_ids": [external_id for _, external_id in keys],
        },
    )
    return {(owner, name): Stored(*row) for owner, name, *row in rows}


async def open_tables(session: Session) -> None:
    """Create the temporary tables; they go with the transaction."""
    for statement in _TEMPORARY:
        await session.execute(text(statement))
    # Another file of the same transaction may have left its rows.
    await session.execute(text("truncate import_live"))


async def copy_in(
    session: Session, offerings: Iterable[OfferingRow], packages: Iterable[PackageRow]
) -> None:
    """Fill the temporary tables; rows are made while the server takes in the ones before."""
    await session.execute(text("truncate import_offering, import_package"))
    driver = await _driver(session)
    await _copy(driver, "import_offering", OfferingRow._fields, offerings)
    await _copy(driver, "import_package", PackageRow._fields, packages)


async def publish(session: Session) -> int:
    """How many stored offerings were published anew; fewer than copied: one moved meanwhile."""
    await session.execute(_ADD_OFFERINGS)
    published = await session.execute(_PUBLISH_CHANGED, {"importable": _STATES})
    return len(published.all())


async def add_versions(session: Session, *, text_version: str) -> None:
    """Write the versions and packages that were copied, and keep in mind what will be live."""
    await session.execute(_ADD_VERSIONS, {"text_version": text_version})
    await session.execute(_ADD_PACKAGES)
    await session.execute(_NOTE_LIVE)


async def go_live(session: Session, position: int) -> None:
    """Let everything that was written be live from the event at ``position``."""
    await session.execute(_END_LIVE, {"position": position})
    await session.execute(_BEGIN_LIVE, {"position": position})


async def _driver(session: Session) -> asyncpg.Connection:
    """The driver's connection, inside the transaction of ``session``.

    Raises:
        RuntimeError: no statement has begun the transaction: a COPY would commit by itself.
    """
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    # The dialect is asyncpg by settled decision; SQLAlchemy types every driver as Any.
    driver = cast("asyncpg.Connection", raw.driver_connection)
    if not driver.is_in_transaction():
        raise RuntimeError("the driver has not begun the transaction of this session")
    return driver


async def _copy(
    driver: asyncpg.Connection,
    table: str,
    columns: Sequence[str],
    records: Iterable[tuple[object, ...]],
) -> None:
    await driver.copy_records_to_table(
        table, records=records, columns=list(columns), schema_name="pg_temp"
    )
