"""Every statement of the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering, OfferingVersion, Provider
from matchmaker.catalog.queries import packages_of_version
from matchmaker.identity.models import Organisation
from matchmaker.identity.queries import key_in_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId

_AT_A_TIME = 1000


class ExportedOffering(NamedTuple):
    """What an offering says."""

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
    """The offerings by the key of their provider and their external id.

    Everybody's are those that are published; ``owner`` has those that are not retired, each by its
    latest version, published or not.
    """
    said = OfferingVersion.id == Offering.published_version_id
    wanted = [Offering.state == OfferingState.PUBLISHED]
    if owner is not None:
        latest = func.coalesce(Offering.draft_version_id, Offering.published_version_id)
        said = OfferingVersion.id == latest
        wanted = [Offering.organisation_id == owner, Offering.state != OfferingState.RETIRED]
    statement = (
        select(
            key_in_files(),
            Offering.external_id,
            OfferingVersion.title,
            OfferingVersion.summary,
            OfferingVersion.must,
            OfferingVersion.document,
            func.coalesce(packages_of_version(), func.jsonb_build_array(type_=JSONB), type_=JSONB),
        )
        .select_from(Offering)
        .join(OfferingVersion, said)
        .join(Organisation, Organisation.id == Offering.organisation_id)
        .where(*wanted)
        .order_by(key_in_files().collate("C"), Offering.external_id.collate("C"))
    )
    rows = await session.stream(statement, execution_options={"yield_per": _AT_A_TIME})
    async for row in rows:
        yield ExportedOffering(*row)
