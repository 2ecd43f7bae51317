"""Every statement about providers, offerings, versions and packages, the import's apart."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    Uuid,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, aggregate_order_by

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import (
    Offering,
    OfferingId,
    OfferingLive,
    OfferingPackage,
    OfferingVersion,
    Provider,
    VersionId,
    Visibility,
)
from matchmaker.catalog.narrowing import matching
from matchmaker.core.living import held_at, turned_after
from matchmaker.identity.models import (
    CARD,
    OrganisationId,
    OrganisationLive,
    OrganisationState,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
    from uuid import UUID

    from sqlalchemy import Function
    from sqlalchemy.types import TypeEngine

    from matchmaker.catalog.narrowing import OfferingFilter
    from matchmaker.core.db import ReadSession

_ROWS_AT_A_TIME = 50
"""What the driver's cursor asks for at once: more would be two questions, and only the first of
them is asked ahead."""
_UUID_BYTES = 16
_T = TypeVar("_T")


class PublishedOffering(NamedTuple):
    """A published offering with everything an index is built from; JSON is text, not yet read."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    provider_name: str
    version_id: VersionId
    number: int
    kind: str
    visibility: str
    attested: dt.date | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    document: str
    must: str | None
    tokens: str
    """What `texts.pack` wrote."""
    text_version: str
    title: str
    summary: str | None
    packages: str
    """In package order: ``code``, ``title``, ``document``."""


class FoundOffering(NamedTuple):
    """A published offering with everything that everyone may read of it."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    provider_name: dict[str, Any]
    number: int
    document: dict[str, Any]
    must: dict[str, Any] | None
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
    """A provider with its supply card."""

    organisation_id: OrganisationId
    name: dict[str, Any]
    provider_kind: str | None
    region: str | None
    summary: dict[str, Any] | None
    website: str | None
    revision: int


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
        CARD.c.name,
        OfferingVersion.number,
        OfferingVersion.title,
        OfferingVersion.summary,
        OfferingVersion.document,
    )
    statement = published(statement).where(*public(today), *matching(wanted))
    if after is not None:
        statement = statement.where(Offering.id > after)
    rows = await session.execute(statement.order_by(Offering.id).limit(limit))
    return [ListedOffering(*row) for row in rows]


async def find_offering(
    session: ReadSession, offering_id: OfferingId, *, today: dt.date
) -> FoundOffering | None:
    """The offering if it is public and live on ``today``."""
    statement = select(
        Offering.id,
        Offering.organisation_id,
        CARD.c.name,
        OfferingVersion.number,
        OfferingVersion.document,
        OfferingVersion.must,
        OfferingVersion.title,
        OfferingVersion.summary,
        packages_of_version(),
    )
    statement = published(statement).where(Offering.id == offering_id, *public(today))
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else FoundOffering(*row)


async def published_offerings(
    session: ReadSession, position: int, *, only: Collection[OfferingId] | None = None
) -> AsyncGenerator[PublishedOffering]:
    """Every offering published right after the event at ``position``, by id, fetched as consumed.

    Whatever its dates and visibility, under the name its provider had then; of those named
    ``only``, where any are. Who may stop early closes it before the session is used again.
    """
    statement = _live(_as_text(), position).order_by(Offering.id)
    if only is not None:
        statement = statement.where(Offering.id == any_(literal(list(only), ARRAY(Uuid))))
    rows = await session.stream(statement, execution_options={"yield_per": _ROWS_AT_A_TIME})
    async with contextlib.aclosing(_ahead(rows.partitions())) as parts:
        async for part in parts:
            for row in part:
                yield PublishedOffering(*row)


async def live_versions(session: ReadSession, position: int) -> dict[bytes, bytes]:
    """The versions published right after the event at ``position``, with their offerings.

    By their 16 bytes, in order of offering; as two arrays, since rows cost their driver more.
    """
    ids = (OfferingLive.version_id, OfferingLive.offering_id)
    joined = [
        func.string_agg(
            func.uuid_send(id_), aggregate_order_by(literal(b""), OfferingLive.offering_id)
        )
        for id_ in ids
    ]
    versions, offerings = (await session.execute(_holding(select(*joined), position))).one()
    each = [
        [found[at : at + _UUID_BYTES] for at in range(0, len(found), _UUID_BYTES)]
        for found in (versions or b"", offerings or b"")
    ]
    return dict(zip(*each, strict=True))


async def turned_offerings(session: ReadSession, position: int) -> frozenset[OfferingId]:
    """The offerings that were published, or whose provider is called, otherwise at ``position``."""
    turned = {
        *await session.scalars(
            select(OfferingLive.offering_id).where(turned_after(OfferingLive, position))
        )
    }
    providers = await session.scalars(
        select(OrganisationLive.organisation_id).where(turned_after(OrganisationLive, position))
    )
    # In two steps: joined, the server goes through every offering there is to find that none has.
    if called := [*providers]:
        theirs = select(Offering.id).where(
            Offering.organisation_id == any_(literal(called, ARRAY(Uuid)))
        )
        turned |= {
            *await session.scalars(
                select(OfferingLive.offering_id).where(OfferingLive.offering_id.in_(theirs))
            )
        }
    return frozenset(turned)


async def list_providers(
    session: ReadSession, *, after: UUID | None, limit: int
) -> list[ProviderCard]:
    """Up to ``limit`` verified providers, by id, after the organisation ``after``."""
    statement = _provider_cards().where(CARD.c.state == OrganisationState.VERIFIED)
    if after is not None:
        statement = statement.where(Provider.organisation_id > after)
    rows = await session.execute(statement.order_by(Provider.organisation_id).limit(limit))
    return [ProviderCard(*row) for row in rows]


async def find_provider(
    session: ReadSession, organisation_id: OrganisationId, *, is_own: bool = False
) -> ProviderCard | None:
    """The provider if it is verified, or in every state if it ``is_own``."""
    statement = _provider_cards().where(Provider.organisation_id == organisation_id)
    if not is_own:
        statement = statement.where(CARD.c.state == OrganisationState.VERIFIED)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else ProviderCard(*row)


async def _ahead(parts: AsyncIterator[_T]) -> AsyncGenerator[_T]:
    """The same ``parts``: the server makes the next one ready while one is used."""
    following = asyncio.ensure_future(anext(parts, None))
    try:
        while (part := await following) is not None:
            following = asyncio.ensure_future(anext(parts, None))
            # Once round the loop: the next one is asked for before this one is used.
            await asyncio.sleep(0)
            yield part
    finally:
        # Until it is there the connection can do nothing else, not even roll back.
        await asyncio.gather(following, return_exceptions=True)


def packages_of_version() -> ScalarSelect[Any]:
    """The packages of the version a statement selects, in their order: code, title, document."""
    return _packages(func.jsonb_agg, func.jsonb_build_object, JSONB())


def _packages(
    listed: Callable[..., Function[Any]],
    built: Callable[..., Function[Any]],
    type_: TypeEngine[Any],
) -> ScalarSelect[Any]:
    one = built(
        *("code", OfferingPackage.code),
        *("title", OfferingPackage.title),
        *("document", OfferingPackage.document),
    )
    return (
        select(listed(aggregate_order_by(one, OfferingPackage.position), type_=type_))
        .where(OfferingPackage.version_id == OfferingVersion.id)
        .correlate(OfferingVersion)
        .scalar_subquery()
    )


def _as_text() -> Select[*tuple[Any, ...]]:
    """What `PublishedOffering` holds: JSON as text, which is dear to decode and often repeated."""
    return select(
        Offering.id,
        Offering.organisation_id,
        cast(OrganisationLive.name, Text),
        OfferingVersion.id,
        OfferingVersion.number,
        type_coerce(OfferingVersion.kind, Text),
        OfferingVersion.document["visibility"].astext,
        OfferingVersion.attested,
        OfferingVersion.valid_from,
        OfferingVersion.valid_to,
        cast(OfferingVersion.document, Text),
        cast(OfferingVersion.must, Text),
        cast(OfferingVersion.tokens, Text),
        OfferingVersion.text_version,
        cast(OfferingVersion.title, Text),
        cast(OfferingVersion.summary, Text),
        cast(_packages(func.json_agg, func.json_build_object, JSON()), Text),
    )


def published(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """``statement`` over what is published now."""
    return (
        statement.select_from(Offering)
        .join(OfferingVersion, OfferingVersion.id == Offering.published_version_id)
        .join(CARD, CARD.c.id == Offering.organisation_id)
        .where(
            Offering.state == OfferingState.PUBLISHED,
            CARD.c.state == OrganisationState.VERIFIED,
        )
    )


def _live(statement: Select[*tuple[Any, ...]], position: int) -> Select[*tuple[Any, ...]]:
    """``statement`` over what was published right after the event at ``position``."""
    return (
        _holding(statement, position)
        .join(Offering, Offering.id == OfferingLive.offering_id)
        .join(OfferingVersion, OfferingVersion.id == OfferingLive.version_id)
    )


def _holding(statement: Select[*tuple[Any, ...]], position: int) -> Select[*tuple[Any, ...]]:
    """``statement`` over which versions were published then, and by whom."""
    provider = OrganisationLive.organisation_id == OfferingLive.organisation_id
    return (
        statement.select_from(OfferingLive)
        .join(OrganisationLive, provider)
        .where(*held_at(OfferingLive, position), *held_at(OrganisationLive, position))
    )


def public(today: dt.date) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which everyone sees what is published."""
    return (
        Offering.visibility == Visibility.PUBLIC,
        or_(OfferingVersion.valid_from.is_(None), OfferingVersion.valid_from <= today),
        or_(OfferingVersion.valid_to.is_(None), OfferingVersion.valid_to >= today),
    )


def _provider_cards() -> Select[*tuple[Any, ...]]:
    return select(
        Provider.organisation_id,
        CARD.c.name,
        CARD.c.provider_kind,
        CARD.c.region,
        Provider.summary,
        Provider.website,
        Provider.revision,
    ).join(CARD, CARD.c.id == Provider.organisation_id)
