"""Every statement about providers, offerings, versions and packages, the import's apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Row, Select, Text, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by

from matchmaker.catalog import texts
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import (
    Offering,
    OfferingId,
    OfferingPackage,
    OfferingVersion,
    Provider,
    VersionId,
    Visibility,
)
from matchmaker.identity.models import Organisation, OrganisationId, OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterator
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.ranking.tokens import TokenCount

_ROWS_AT_A_TIME = 1000
_ALL = "all"
_SECTION = 1


class PublishedOffering(NamedTuple):
    """A published offering with everything an index is built from; JSON and tokens are decoded."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    provider_name: dict[str, Any]
    version_id: VersionId
    number: int
    kind: str
    visibility: str
    attested: dt.date | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    document: dict[str, Any]
    must: dict[str, Any] | None
    tokens: dict[str, TokenCount]
    """By language."""
    text_version: str
    title: dict[str, Any]
    summary: dict[str, Any] | None
    packages: list[dict[str, Any]]
    """In package order: ``code``, ``title``, ``document``."""


class ListedOffering(NamedTuple):
    """A published offering as a list shows it."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    provider_name: dict[str, Any]
    number: int
    title: dict[str, Any]
    summary: dict[str, Any] | None
    document: dict[str, Any]


class ProviderCard(NamedTuple):
    """A verified provider with its supply card."""

    organisation_id: OrganisationId
    name: dict[str, Any]
    provider_kind: str | None
    region: str | None
    summary: dict[str, Any] | None
    website: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingFilter:
    """What a list is narrowed to: who serves an industry names it, a wider one or all."""

    kind: str | None = None
    category: str | None = None
    industry: str | None = None
    region: str | None = None


async def list_offerings(
    session: ReadSession,
    wanted: OfferingFilter,
    *,
    today: dt.date,
    after: UUID | None,
    limit: int,
) -> list[ListedOffering]:
    """Up to ``limit`` public offerings live on ``today``, by id, after the offering ``after``."""
    statement = select(
        Offering.id,
        Offering.organisation_id,
        Organisation.name,
        OfferingVersion.number,
        OfferingVersion.title,
        OfferingVersion.summary,
        OfferingVersion.document,
    )
    statement = _published(statement).where(*_public(today), *_matching(wanted))
    if after is not None:
        statement = statement.where(Offering.id > after)
    rows = await session.execute(statement.order_by(Offering.id).limit(limit))
    return [ListedOffering(*row) for row in rows]


async def find_offering(
    session: ReadSession, offering_id: OfferingId, *, today: dt.date
) -> PublishedOffering | None:
    """The offering if it is public and live on ``today``."""
    statement = _whole().where(*_public(today), Offering.id == offering_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _whole_row(row)


async def published_offerings(session: ReadSession) -> AsyncIterator[PublishedOffering]:
    """Every published offering by id, whatever its dates and visibility, fetched as consumed."""
    rows = await session.stream(
        _whole().order_by(Offering.id), execution_options={"yield_per": _ROWS_AT_A_TIME}
    )
    async for row in rows:
        yield _whole_row(row)


async def position(session: ReadSession) -> int:
    """How many versions were ever written: versions are immutable, so it only grows."""
    return await session.scalar(select(func.count()).select_from(OfferingVersion)) or 0


async def content(session: ReadSession) -> str:
    """What is published now as a hash: it changes with versions, states, visibility and names."""
    parts = func.concat_ws(
        "|", Offering.id, Offering.published_version_id, Offering.visibility, Organisation.name
    )
    listed = func.string_agg(parts, aggregate_order_by(literal(","), Offering.id))
    found = await session.scalar(_published(select(func.md5(func.coalesce(listed, "")))))
    return str(found)


async def list_providers(
    session: ReadSession, *, after: UUID | None, limit: int
) -> list[ProviderCard]:
    """Up to ``limit`` verified providers, by id, after the organisation ``after``."""
    statement = _provider_cards()
    if after is not None:
        statement = statement.where(Provider.organisation_id > after)
    rows = await session.execute(statement.order_by(Provider.organisation_id).limit(limit))
    return [ProviderCard(*row) for row in rows]


async def find_provider(
    session: ReadSession, organisation_id: OrganisationId
) -> ProviderCard | None:
    """The provider if it is verified."""
    statement = _provider_cards().where(Provider.organisation_id == organisation_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else ProviderCard(*row)


async def offering_state(session: ReadSession, offering_id: OfferingId) -> OfferingState | None:
    """Where the offering stands; None if there is none."""
    return cast(  # a scalar of an enumerated column is Any to the type checker
        "OfferingState | None",
        await session.scalar(select(Offering.state).where(Offering.id == offering_id)),
    )


async def change_state(
    session: Session, offering_id: OfferingId, *, expected: OfferingState, target: OfferingState
) -> bool:
    """Whether it went from ``expected`` to ``target`` now: of several callers one wins."""
    changed = await session.execute(
        update(Offering)
        .where(Offering.id == offering_id, Offering.state == expected)
        .values(state=target)
        .returning(Offering.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


def _whole_row(row: Row[*tuple[Any, ...]]) -> PublishedOffering:
    found = PublishedOffering(*row)
    return found._replace(tokens=texts.unpack(found.tokens))


def _whole() -> Select[*tuple[Any, ...]]:
    packages = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("code", OfferingPackage.code),
                        *("title", OfferingPackage.title),
                        *("document", OfferingPackage.document),
                    ),
                    OfferingPackage.position,
                ),
                type_=JSONB,
            )
        )
        .where(OfferingPackage.version_id == OfferingVersion.id)
        .correlate(OfferingVersion)
        .scalar_subquery()
    )
    return _published(
        select(
            Offering.id,
            Offering.organisation_id,
            Organisation.name,
            OfferingVersion.id,
            OfferingVersion.number,
            OfferingVersion.kind,
            Offering.visibility,
            OfferingVersion.attested,
            OfferingVersion.valid_from,
            OfferingVersion.valid_to,
            OfferingVersion.document,
            OfferingVersion.must,
            OfferingVersion.tokens,
            OfferingVersion.text_version,
            OfferingVersion.title,
            OfferingVersion.summary,
            packages,
        )
    )


def _published(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        statement.select_from(Offering)
        .join(OfferingVersion, OfferingVersion.id == Offering.published_version_id)
        .join(Organisation, Organisation.id == Offering.organisation_id)
        .where(
            Offering.state == OfferingState.PUBLISHED,
            Organisation.state == OrganisationState.VERIFIED,
        )
    )


def _public(today: dt.date) -> tuple[ColumnElement[bool], ...]:
    return (
        Offering.visibility == Visibility.PUBLIC,
        or_(OfferingVersion.valid_from.is_(None), OfferingVersion.valid_from <= today),
        or_(OfferingVersion.valid_to.is_(None), OfferingVersion.valid_to >= today),
    )


def _matching(wanted: OfferingFilter) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        rules.append(Offering.kind == wanted.kind)
    if wanted.category is not None:
        rules.append(_declares("categories", [wanted.category]))
    if wanted.industry is not None:
        rules.append(_declares("industries", _industry_and_wider(wanted.industry)))
    if wanted.region is not None:
        rules.append(_declares("regions", [wanted.region, wanted.region[:2] + "0000"]))
    return rules


def _declares(name: str, codes: list[str]) -> ColumnElement[bool]:
    accepted = literal([*dict.fromkeys((*codes, _ALL))], ARRAY(Text))
    return OfferingVersion.document[name].bool_op("?|")(accepted)


def _industry_and_wider(code: str) -> list[str]:
    """``C331`` gives C331, C33 and C: section, division (two digits), group, class (GB/T 4754)."""
    division = _SECTION + 2
    return [code[:length] for length in (_SECTION, *range(division, len(code) + 1))]


def _provider_cards() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Provider.organisation_id,
            Organisation.name,
            Organisation.provider_kind,
            Organisation.region,
            Provider.summary,
            Provider.website,
        )
        .join(Organisation, Organisation.id == Provider.organisation_id)
        .where(Organisation.state == OrganisationState.VERIFIED)
    )
