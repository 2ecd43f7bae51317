"""The catalog over HTTP: what everyone may read."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation

from matchmaker.catalog import queries, schemas, service
from matchmaker.catalog.declaration import OfferingDocument
from matchmaker.catalog.errors import OfferingNotFound, ProviderNotFound
from matchmaker.catalog.models import Kind, OfferingId
from matchmaker.catalog.narrowing import OfferingFilter
from matchmaker.core import etags
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page, Text
from matchmaker.identity import access
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationId

Category = Annotated[str | None, QueryParameter(pattern="^[a-z0-9_]{1,64}$")]
Industry = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-T]([0-9]{2,4})?$",
        description="GB/T 4754 at any level; offerings that name it, a wider one or all",
    ),
]
Region = Annotated[
    str | None,
    QueryParameter(
        pattern="^[0-9]{6}$",
        description="GB/T 2260 prefecture or province; offerings that name it, its province or all",
    ),
]
Scenario = Annotated[
    str | None, QueryParameter(pattern="^[a-z0-9_]{1,64}$", description="A typical scenario")
]
OfStandard = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Za-z0-9_]{1,64}$", description="A class of the standard system, or a sub-class"
    ),
]


class OfferingController(Controller):
    """Published offerings."""

    path = "/offerings"
    tags = ("Catalog",)
    opt = access.public()

    @get(operation_id="listOfferings", responses=problems(CursorInvalid))
    async def list(  # noqa: PLR0913  (every filter is an argument)
        self,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        kind: FromQuery[Kind | None] = None,
        category: Category = None,
        industry: Industry = None,
        region: Region = None,
        scenario: Scenario = None,
        standard: OfStandard = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.OfferingSummary]:
        """List the offerings that are published and live today, in a fixed order."""
        wanted = OfferingFilter(
            kind=kind,
            category=category,
            industry=industry,
            region=region,
            scenario=scenario,
            standard=standard,
        )
        listing = Listing("offerings", wanted)
        found = await queries.list_offerings(
            read_session,
            wanted,
            today=utc_now().date(),
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.offering_id)
        return Page(items=[summary_to_wire(row) for row in shown], page=page)

    @get("/{offering_id:uuid}", operation_id="getOffering", responses=problems(OfferingNotFound))
    async def read(
        self, offering_id: FromPath[OfferingId], read_session: NamedDependency[ReadSession]
    ) -> schemas.Offering:
        """Read all that an offering declares; one that is not published is not found."""
        found = await service.get_offering(read_session, offering_id, today=utc_now().date())
        return offering_to_wire(found)


class ProviderController(Controller):
    """Verified providers."""

    path = "/providers"
    tags = ("Catalog",)
    opt = access.public()

    @get(operation_id="listProviders", responses=problems(CursorInvalid))
    async def list(
        self,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Provider]:
        """List the providers that are verified, in a fixed order."""
        listing = Listing("providers")
        after = cursors.read(cursor, listing)
        found = await queries.list_providers(read_session, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.organisation_id)
        return Page(items=[provider_to_wire(row) for row in shown], page=page)

    @get(
        "/{organisation_id:uuid}",
        operation_id="getProvider",
        response_headers=etags.HEADERS,
        responses=problems(ProviderNotFound),
    )
    async def read(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        read_session: NamedDependency[ReadSession],
        visitor: NamedDependency[SkipValidation[Principal | None]],
    ) -> Response[schemas.Provider]:
        """Read the supply card of a provider; one that is not verified yet reads its own."""
        is_own = visitor is not None and visitor.organisation_id == organisation_id
        found = await service.get_provider(read_session, organisation_id, is_own=is_own)
        return etags.tagged(provider_to_wire(found), found.revision)


def summary_to_wire(row: queries.ListedOffering) -> schemas.OfferingSummary:
    """The public view of an offering in a list."""
    facts = msgspec.convert(row.document, OfferingDocument)
    return schemas.OfferingSummary(
        id=row.offering_id,
        version=row.number,
        kind=facts.kind,
        provider=schemas.ProviderName(
            id=row.organisation_id, name=msgspec.convert(row.provider_name, Text)
        ),
        title=msgspec.convert(row.title, Text),
        summary=msgspec.convert(row.summary, Text | None),
        categories=facts.categories,
        industries=facts.industries,
        regions=facts.regions,
        delivery_form=facts.delivery_form,
        attested=facts.attested,
    )


def offering_to_wire(row: queries.FoundOffering) -> schemas.Offering:
    """The public view of an offering."""
    facts = msgspec.convert(row.document, OfferingDocument)
    return schemas.Offering(
        id=row.offering_id,
        version=row.number,
        kind=facts.kind,
        provider=schemas.ProviderName(
            id=row.organisation_id, name=msgspec.convert(row.provider_name, Text)
        ),
        title=msgspec.convert(row.title, Text),
        summary=msgspec.convert(row.summary, Text | None),
        industries=facts.industries,
        regions=facts.regions,
        deployment=facts.deployment,
        languages=facts.languages,
        categories=facts.categories,
        delivery_form=facts.delivery_form,
        interfaces=facts.interfaces,
        standards=facts.standards,
        must=row.must,
        valid_from=facts.valid_from,
        valid_to=facts.valid_to,
        attested=facts.attested,
        cases=facts.cases,
        record=facts.record,
        attributes=facts.attributes,
        scenarios=facts.scenarios,
        packages=tuple(schemas.package(stored) for stored in row.packages),
    )


def provider_to_wire(row: queries.ProviderCard) -> schemas.Provider:
    """The public view of a provider."""
    return schemas.Provider(
        id=row.organisation_id,
        name=msgspec.convert(row.name, Text),
        provider_kind=row.provider_kind,
        region=row.region,
        summary=msgspec.convert(row.summary, Text | None),
        website=row.website,
    )
