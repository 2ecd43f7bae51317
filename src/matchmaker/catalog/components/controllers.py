"""Components over HTTP: the technology bill of an offering, and the systems of a firm."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.catalog.components import queries, schemas, service
from matchmaker.catalog.components.declaration import ComponentFacts
from matchmaker.catalog.components.errors import BillNotFound, ComponentNotFound, UnusableComponent
from matchmaker.catalog.components.models import Component, ComponentId
from matchmaker.catalog.components.queries import Bill
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.models import OfferingId
from matchmaker.core import etags, patching
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity.access import Principal, Scope, needs, public
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.checking import Checker

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Pages = NamedDependency[SkipValidation[Cursors]]

_OFFER: Final = needs(Scope.OFFERINGS_WRITE, roles=(OrganisationRole.PROVIDER,))
_READ: Final = needs(Scope.PROFILES_READ, roles=(OrganisationRole.SME,))
_RUN: Final = needs(Scope.PROFILES_WRITE, roles=(OrganisationRole.SME,))


class OfferingComponentController(Controller):
    """What an offering is made of; everyone who may see the offering may see its bill."""

    path = "/offerings/{offering_id:uuid}/components"
    tags = ("Components",)

    @get(
        operation_id="listOfferingComponents",
        opt=public(),
        responses=problems(OfferingNotFound, CursorInvalid),
    )
    async def list(
        self,
        offering_id: FromPath[OfferingId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        visitor: Visitor,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Component]:
        """List the technology bill of an offering; what is not said of a component is unknown."""
        bill = await service.offering_bill(read_session, offering_id, visitor)
        asker = visitor.organisation_id if visitor is not None else None
        listing = Listing("offering_components", offering_id, asker)
        after = cursors.read(cursor, listing)
        return await _page(read_session, bill, cursors, listing, after=after, limit=limit)

    @post(
        operation_id="addOfferingComponent",
        opt={**_OFFER, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, UnusableComponent),
    )
    async def add(
        self,
        offering_id: FromPath[OfferingId],
        *,
        data: JSONBody[ComponentFacts],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Component]:
        """Add a line to the bill of an own offering."""
        bill = await service.own_offering_bill(session, offering_id, principal)
        made = await service.add(session, principal, bill, data, checker=checker)
        return _made(made, f"/v1/offerings/{offering_id}/components/{made.id}")

    @get(
        "/{component_id:uuid}",
        operation_id="getOfferingComponent",
        opt=public(),
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, ComponentNotFound),
    )
    async def read(
        self,
        offering_id: FromPath[OfferingId],
        *,
        component_id: FromPath[ComponentId],
        read_session: NamedDependency[ReadSession],
        visitor: Visitor,
    ) -> Response[schemas.Component]:
        """Read one line of the bill of an offering."""
        bill = await service.offering_bill(read_session, offering_id, visitor)
        return _told(await service.find(read_session, bill, component_id))

    @patch(
        "/{component_id:uuid}",
        operation_id="patchOfferingComponent",
        opt={**_OFFER, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            OfferingNotFound, ComponentNotFound, UnusableComponent, InvalidContent, *etags.PROBLEMS
        ),
    )
    async def change(
        self,
        offering_id: FromPath[OfferingId],
        *,
        component_id: FromPath[ComponentId],
        data: JSONBody[schemas.ComponentPatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Component]:
        """Change a line of the bill of an own offering."""
        bill = await service.own_offering_bill(session, offering_id, principal)
        found = await service.find(session, bill, component_id)
        changed = await service.revise(
            session, principal, found, data, revision=expected_revision, checker=checker
        )
        return _told(changed)

    @delete(
        "/{component_id:uuid}",
        operation_id="removeOfferingComponent",
        opt=_OFFER,
        responses=problems(OfferingNotFound, ComponentNotFound, *etags.PROBLEMS),
    )
    async def remove(
        self,
        offering_id: FromPath[OfferingId],
        *,
        component_id: FromPath[ComponentId],
        session: NamedDependency[Session],
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> None:
        """Take a line out of the bill of an own offering."""
        bill = await service.own_offering_bill(session, offering_id, principal)
        found = await service.find(session, bill, component_id)
        await service.remove(session, principal, found, revision=expected_revision)


class SystemController(Controller):
    """The systems that a firm runs: for the firm itself and nobody else."""

    path = "/profiles/{organisation_id:uuid}/components"
    tags = ("Components",)

    @get(
        operation_id="listSystemComponents",
        opt=_READ,
        responses=problems(BillNotFound, CursorInvalid),
    )
    async def list(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Component]:
        """List the systems of the own firm."""
        bill = service.own_systems(organisation_id, principal)
        listing = Listing("system_components", organisation_id, organisation_id)
        after = cursors.read(cursor, listing)
        return await _page(read_session, bill, cursors, listing, after=after, limit=limit)

    @post(
        operation_id="addSystemComponent",
        opt={**_RUN, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(BillNotFound, UnusableComponent),
    )
    async def add(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        data: JSONBody[ComponentFacts],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Component]:
        """Add something that the own firm runs; an origin that is not known is left out."""
        bill = service.own_systems(organisation_id, principal)
        made = await service.add(session, principal, bill, data, checker=checker)
        return _made(made, f"/v1/profiles/{organisation_id}/components/{made.id}")

    @get(
        "/{component_id:uuid}",
        operation_id="getSystemComponent",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(BillNotFound, ComponentNotFound),
    )
    async def read(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        component_id: FromPath[ComponentId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[schemas.Component]:
        """Read one system that the own firm runs, and what could take its place."""
        bill = service.own_systems(organisation_id, principal)
        return _told(await service.find(read_session, bill, component_id))

    @patch(
        "/{component_id:uuid}",
        operation_id="patchSystemComponent",
        opt={**_RUN, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            BillNotFound, ComponentNotFound, UnusableComponent, InvalidContent, *etags.PROBLEMS
        ),
    )
    async def change(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        component_id: FromPath[ComponentId],
        data: JSONBody[schemas.ComponentPatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Component]:
        """Change a system of the own firm."""
        bill = service.own_systems(organisation_id, principal)
        found = await service.find(session, bill, component_id)
        changed = await service.revise(
            session, principal, found, data, revision=expected_revision, checker=checker
        )
        return _told(changed)

    @delete(
        "/{component_id:uuid}",
        operation_id="removeSystemComponent",
        opt=_RUN,
        responses=problems(BillNotFound, ComponentNotFound, *etags.PROBLEMS),
    )
    async def remove(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        component_id: FromPath[ComponentId],
        session: NamedDependency[Session],
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> None:
        """Take a system out of the bill of the own firm."""
        bill = service.own_systems(organisation_id, principal)
        found = await service.find(session, bill, component_id)
        await service.remove(session, principal, found, revision=expected_revision)


def to_wire(row: Component) -> schemas.Component:
    """The component as everyone who may see its bill sees it."""
    return schemas.Component(
        **{name: getattr(row, name) for name in schemas.Component.__struct_fields__}
    )


def _told(row: Component) -> Response[schemas.Component]:
    return etags.tagged(to_wire(row), row.revision)


def _made(row: Component, location: str) -> Response[schemas.Component]:
    return etags.tagged(to_wire(row), row.revision, status_code=201, Location=location)


async def _page(
    session: ReadSession,
    bill: Bill,
    cursors: Cursors,
    listing: Listing,
    *,
    after: UUID | None,
    limit: int,
) -> Page[schemas.Component]:
    found = await queries.list_components(session, bill, after=after, limit=limit + 1)
    shown, page = cursors.page(found, limit, listing, lambda row: row.id)
    return Page(items=[to_wire(row) for row in shown], page=page)
