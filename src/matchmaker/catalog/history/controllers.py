"""Versions of an offering and a provider's own list over HTTP: for the owner and for operators."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter, QueryParameter, SkipValidation

from matchmaker.catalog.errors import OfferingNotFound, OfferingVersionNotFound, ProviderNotFound
from matchmaker.catalog.life import schemas, service, wording
from matchmaker.catalog.life.applying import by_caller
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import OfferingId
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page
from matchmaker.identity.access import Principal, Scope, needs
from matchmaker.identity.models import OrganisationId

Caller = NamedDependency[SkipValidation[Principal]]
Pages = NamedDependency[SkipValidation[Cursors]]
OfOffering = FromPath[OfferingId]
Number = Annotated[int, PathParameter(ge=1, le=1_000_000_000)]
Since = Annotated[
    int,
    QueryParameter(name="from", ge=1, le=1_000_000_000, description="The version to compare with"),
]
InState = Annotated[OfferingState | None, QueryParameter(name="state")]

_READ: Final = needs(Scope.OFFERINGS_READ)


class OfferingVersionController(Controller):
    """The versions of an offering, for its owner and for operators."""

    path = "/offerings/{offering_id:uuid}/versions"
    tags = ("Catalog",)
    opt = _READ

    @get(operation_id="listOfferingVersions", responses=problems(OfferingNotFound, CursorInvalid))
    async def list(
        self,
        offering_id: OfOffering,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.VersionSummary]:
        """List what an offering has declared over time, the oldest version first."""
        listing = Listing("offering_versions", offering_id, principal.organisation_id)
        stored, found = await service.list_versions(
            read_session,
            offering_id,
            by_caller(principal),
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.version_id)
        return Page(items=[wording.listed(row, stored) for row in shown], page=page)

    @get(
        "/{number:int}",
        operation_id="getOfferingVersion",
        responses=problems(OfferingNotFound, OfferingVersionNotFound),
    )
    async def read(
        self,
        offering_id: OfOffering,
        *,
        number: Number,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> schemas.VersionDetail:
        """Read one version of an offering; versions never change."""
        found = await service.read_version(read_session, offering_id, number, by_caller(principal))
        return wording.detail(found)

    @get(
        "/{number:int}/diff",
        operation_id="diffOfferingVersions",
        responses=problems(OfferingNotFound, OfferingVersionNotFound),
    )
    async def diff(
        self,
        offering_id: OfOffering,
        *,
        number: Number,
        since: Since,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> schemas.VersionDiff:
        """Compare two versions, in either order; packages are told apart by their codes."""
        by = by_caller(principal)
        before = await service.read_version(read_session, offering_id, since, by)
        after = await service.read_version(read_session, offering_id, number, by)
        return wording.difference(before, after)


class OwnOfferingController(Controller):
    """A provider's offerings in every state, for itself and for operators."""

    path = "/providers/{organisation_id:uuid}/offerings"
    tags = ("Catalog",)
    opt = _READ

    @get(operation_id="listOwnOfferings", responses=problems(ProviderNotFound, CursorInvalid))
    async def list(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        principal: Caller,
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.OwnOfferingSummary]:
        """List a provider's offerings, drafts among them, in a fixed order."""
        wanted = (str(organisation_id), in_state)
        listing = Listing("own_offerings", wanted, principal.organisation_id)
        found = await service.of_provider(
            read_session,
            organisation_id,
            by_caller(principal),
            state=in_state,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.stored.offering_id)
        return Page(items=[wording.summary(row) for row in shown], page=page)
