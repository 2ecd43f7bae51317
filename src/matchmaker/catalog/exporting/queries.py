"""Every statement of the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering, OfferingPackage, OfferingVersion, Provider
from matchmaker.identity.models import Organisation
from matchmaker.identity.queries import key_in_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import ScalarSelect

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId

_AT_A_TIME = 1000


class ExportedOffering(NamedTuple):
    """What a published offering says."""

    provider: str
    external_id: str
    title: dict[str, Any]
    summary: dict[str, Any] | None
    must: dict[str, Any] | None
    document: dict[str, Any]
    packages: list[dict[str, Any]]


async def providers(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[dict[str, Any]]:
    """The supply cards by key, members as in the import line."""
    key = key_in_files().label("external_id")
    statement = (
        select(
            key,
            Organisation.name,
            Organisation.provider_kind,
            Organisation.region,
            Provider.summary,
            Provider.website,
            Organisation.uscc,
        )
        .join(Provider, Provider.organisation_id == Organisation.id)
        .order_by(key_in_files().collate("C"))
    )
    if owner is not None:
        statement = statement.where(Organisation.id == owner)
    rows = await session.stream(statement, execution_options={"yield_per": _AT_A_TIME})
    async for row in rows.mappings():
        yield dict(row)


async def offerings(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[ExportedOffering]:
    """The published offerings by the key of their provider and their external id."""
    statement = (
        select(
            key_in_files(),
            Offering.external_id,
            OfferingVersion.title,
            OfferingVersion.summary,
            OfferingVersion.must,
            OfferingVersion.document,
            _packages(),
        )
        .select_from(Offering)
        .join(OfferingVersion, OfferingVersion.id == Offering.published_version_id)
        .join(Organisation, Organisation.id == Offering.organisation_id)
        .where(Offering.state == OfferingState.PUBLISHED)
        .order_by(key_in_files().collate("C"), Offering.external_id.collate("C"))
    )
    if owner is not None:
        statement = statement.where(Offering.organisation_id == owner)
    rows = await session.stream(statement, execution_options={"yield_per": _AT_A_TIME})
    async for row in rows:
        yield ExportedOffering(*row)


def _packages() -> ScalarSelect[Any]:
    one = func.jsonb_build_object(
        *("code", OfferingPackage.code),
        *("title", OfferingPackage.title),
        *("document", OfferingPackage.document),
    )
    return (
        select(func.jsonb_agg(aggregate_order_by(one, OfferingPackage.position), type_=JSONB))
        .where(OfferingPackage.version_id == OfferingVersion.id)
        .correlate(OfferingVersion)
        .scalar_subquery()
    )
