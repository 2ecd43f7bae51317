"""Every statement about offerings as their owner and their reviewers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

from matchmaker.catalog.machine import CHANGEABLE, ChangeState, OfferingState
from matchmaker.catalog.models import (
    Kind,
    Offering,
    OfferingId,
    OfferingLive,
    OfferingPackage,
    OfferingVersion,
    VersionId,
    Visibility,
)
from matchmaker.catalog.queries import packages_of_version
from matchmaker.core.living import held_at
from matchmaker.identity.models import (
    CARD,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.core.db import ReadSession, Session


class Stored(NamedTuple):
    """An offering as it stands, whatever its state."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    provider_name: dict[str, Any]
    provider_state: OrganisationState
    external_id: str
    kind: Kind
    visibility: Visibility
    state: OfferingState
    change_state: ChangeState | None
    published_version_id: VersionId | None
    draft_version_id: VersionId | None
    note: str | None
    revision: int
    created_at: dt.datetime
    changed_at: dt.datetime

    @property
    def latest(self) -> VersionId:
        """The version that was written last: the draft, or else what is published."""
        found = self.draft_version_id or self.published_version_id
        if found is None:
            raise ValueError("a check of the table lets no offering be without a version")
        return found

    @property
    def live(self) -> VersionId | None:
        """The version that is matched; None where none is."""
        return self.published_version_id if self.state is OfferingState.PUBLISHED else None


class Version(NamedTuple):
    """What an offering declared at one time, JSON decoded."""

    version_id: VersionId
    number: int
    kind: Kind
    title: dict[str, Any]
    summary: dict[str, Any] | None
    document: dict[str, Any]
    must: dict[str, Any] | None
    valid_to: dt.date | None
    content_hash: bytes
    created_at: dt.datetime
    packages: list[dict[str, Any]]
    """In package order: ``code``, ``title``, ``document``."""


class ListedVersion(NamedTuple):
    """A version as a list shows it."""

    version_id: VersionId
    number: int
    title: dict[str, Any]
    created_at: dt.datetime


class OwnOffering(NamedTuple):
    """An offering as a list of its owner shows it, with its latest version."""

    stored: Stored
    number: int
    title: dict[str, Any]


class NamedOffering(NamedTuple):
    """An offering as a file names it, with what its latest version declares."""

    stored: Stored
    content_hash: bytes
    document: dict[str, Any]


class Written(NamedTuple):
    """What is to be a version."""

    version_id: VersionId
    offering_id: OfferingId
    number: int
    prepared: PreparedOffering


_decode = msgspec.json.decode
_STORED = (
    Offering.id,
    Offering.organisation_id,
    CARD.c.name,
    CARD.c.state,
    Offering.external_id,
    Offering.kind,
    Offering.visibility,
    Offering.state,
    Offering.change_state,
    Offering.published_version_id,
    Offering.draft_version_id,
    Offering.note,
    Offering.revision,
    Offering.created_at,
    Offering.changed_at,
)
_WIDTH = len(_STORED)
_LATEST = func.coalesce(Offering.draft_version_id, Offering.published_version_id)


async def find(session: ReadSession, offering_id: OfferingId) -> Stored | None:
    """The offering as it stands now."""
    statement = (
        select(*_STORED)
        .join(CARD, CARD.c.id == Offering.organisation_id)
        .where(Offering.id == offering_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Stored(*row)


async def of_provider(
    session: ReadSession,
    organisation_id: OrganisationId,
    *,
    state: OfferingState | None,
    after: UUID | None,
    limit: int,
) -> list[OwnOffering]:
    """Up to ``limit`` offerings of the provider, by id after ``after``; of one state if named."""
    statement = (
        select(*_STORED, OfferingVersion.number, OfferingVersion.title)
        .join(CARD, CARD.c.id == Offering.organisation_id)
        .join(OfferingVersion, OfferingVersion.id == _LATEST)
        .where(Offering.organisation_id == organisation_id)
    )
    if state is not None:
        statement = statement.where(Offering.state == state)
    if after is not None:
        statement = statement.where(Offering.id > after)
    rows = await session.execute(statement.order_by(Offering.id).limit(limit))
    return [OwnOffering(Stored(*row[:_WIDTH]), *row[_WIDTH:]) for row in rows]


async def named(
    session: ReadSession, organisation_id: OrganisationId, external_ids: Sequence[str]
) -> dict[str, NamedOffering]:
    """The offerings of the organisation that have these external ids, by them."""
    rows = await session.execute(
        select(*_STORED, OfferingVersion.content_hash, OfferingVersion.document)
        .join(CARD, CARD.c.id == Offering.organisation_id)
        .join(OfferingVersion, OfferingVersion.id == _LATEST)
        .where(Offering.organisation_id == organisation_id, Offering.external_id.in_(external_ids))
    )
    found = [NamedOffering(Stored(*row[:_WIDTH]), *row[_WIDTH:]) for row in rows]
    return {each.stored.external_id: each for each in found}


async def is_provider(session: ReadSession, organisation_id: OrganisationId) -> bool:
    """Whether there is an organisation of this id that provides."""
    found = await session.scalar(
        select(CARD.c.id).where(
            CARD.c.id == organisation_id,
            CARD.c.roles.contains([OrganisationRole.PROVIDER.value]),
        )
    )
    return found is not None


async def version(session: ReadSession, version_id: VersionId) -> Version:
    """What the version declares."""
    row = (await session.execute(_versions().where(OfferingVersion.id == version_id))).one()
    return Version(*row)


async def numbered(session: ReadSession, offering_id: OfferingId, number: int) -> Version | None:
    """The version of this number."""
    statement = _versions().where(
        OfferingVersion.offering_id == offering_id, OfferingVersion.number == number
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Version(*row)


async def versions(
    session: ReadSession, offering_id: OfferingId, *, after: UUID | None, limit: int
) -> list[ListedVersion]:
    """Up to ``limit`` versions, the oldest first, after the version ``after``."""
    statement = select(
        OfferingVersion.id,
        OfferingVersion.number,
        OfferingVersion.title,
        OfferingVersion.created_at,
    ).where(OfferingVersion.offering_id == offering_id)
    if after is not None:
        reached = (
            select(OfferingVersion.number)
            .where(OfferingVersion.id == after, OfferingVersion.offering_id == offering_id)
            .scalar_subquery()
        )
        statement = statement.where(OfferingVersion.number > reached)
    rows = await session.execute(statement.order_by(OfferingVersion.number).limit(limit))
    return [ListedVersion(*row) for row in rows]


async def due(session: ReadSession, today: dt.date, *, limit: int) -> list[OfferingId]:
    """Up to ``limit`` published or paused offerings whose published version is past its date."""
    rows = await session.scalars(
        select(Offering.id)
        .join(OfferingVersion, OfferingVersion.id == Offering.published_version_id)
        .where(Offering.state.in_(CHANGEABLE), OfferingVersion.valid_to < today)
        .order_by(Offering.id)
        .limit(limit)
    )
    return list(rows)


async def insert_offerings(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add offerings; there is at least one."""
    await session.execute(insert(Offering), rows)


async def next_number(session: ReadSession, offering_id: OfferingId) -> int:
    """The number of the next version; stays so while this transaction holds the offering's row."""
    last = await session.scalar(
        select(func.max(OfferingVersion.number)).where(OfferingVersion.offering_id == offering_id)
    )
    return (last or 0) + 1


async def insert_versions(
    session: Session, written: Sequence[Written], organisation_id: OrganisationId, text_version: str
) -> None:
    """Add versions of the organisation's offerings with their packages; there is at least one."""
    common = {"organisation_id": organisation_id}
    texts = {"text_version": text_version}
    await session.execute(
        insert(OfferingVersion), [{**_version_row(each), **common, **texts} for each in written]
    )
    packages = [{**row, **common} for each in written for row in _package_rows(each)]
    if packages:
        await session.execute(insert(OfferingPackage), packages)


def _version_row(written: Written) -> dict[str, Any]:
    prepared = written.prepared
    return {
        "id": written.version_id,
        "offering_id": written.offering_id,
        "number": written.number,
        "kind": Kind(prepared.kind),
        "title": _decode(prepared.title),
        "summary": None if prepared.summary is None else _decode(prepared.summary),
        "document": _decode(prepared.document),
        "attested": prepared.attested,
        "valid_from": prepared.valid_from,
        "valid_to": prepared.valid_to,
        "must": None if prepared.must is None else _decode(prepared.must),
        "tokens": _decode(prepared.tokens),
        "content_hash": prepared.content_hash,
    }


def _package_rows(written: Written) -> Iterator[dict[str, Any]]:
    for position, package in enumerate(written.prepared.packages):
        yield {
            "version_id": written.version_id,
            "position": position,
            "code": package.code,
            "title": _decode(package.title),
            "document": _decode(package.document),
        }


async def end_live(session: Session, ended: Sequence[tuple[OfferingId, int]]) -> None:
    """Let the live version of each offering end with the event at its position."""
    for offering_id, position in ended:
        await session.execute(
            update(OfferingLive)
            .where(OfferingLive.offering_id == offering_id, OfferingLive.to_position.is_(None))
            .values(to_position=position)
            .execution_options(synchronize_session=False)
        )


async def begin_live(session: Session, begun: Sequence[dict[str, object]]) -> None:
    """Add the rows: offering, version, organisation, and the position each is live from."""
    if begun:
        await session.execute(insert(OfferingLive), begun)


async def live_at(session: ReadSession, position: int) -> set[tuple[OfferingId, VersionId]]:
    """Every offering with the version that was live right after the event at ``position``."""
    rows = await session.execute(
        select(OfferingLive.offering_id, OfferingLive.version_id).where(
            *held_at(OfferingLive, position)
        )
    )
    return {(offering_id, version_id) for offering_id, version_id in rows}


def _versions() -> Select[*tuple[Any, ...]]:
    return select(
        OfferingVersion.id,
        OfferingVersion.number,
        OfferingVersion.kind,
        OfferingVersion.title,
        OfferingVersion.summary,
        OfferingVersion.document,
        OfferingVersion.must,
        OfferingVersion.valid_to,
        OfferingVersion.content_hash,
        OfferingVersion.created_at,
        func.coalesce(packages_of_version(), func.jsonb_build_array(type_=JSONB), type_=JSONB),
    )
