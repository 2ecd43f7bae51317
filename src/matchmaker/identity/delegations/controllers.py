"""Delegations over HTTP."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity import access, schemas
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.delegations import queries, service
from matchmaker.identity.delegations.models import Delegation, DelegationId
from matchmaker.identity.errors import (
    DelegationEnded,
    DelegationNotFound,
    OrganisationNotFound,
    ScopesExceeded,
)
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.people.service import require_own

_READ = access.needs(Scope.CONSENTS_READ)
_WRITE = access.needs(Scope.CONSENTS_WRITE)


class OrganisationDelegationController(Controller):
    """Who may act in an organisation's name."""

    path = "/organisations/{organisation_id:uuid}/delegations"
    tags = ("Identity",)

    @post(
        operation_id="giveDelegation",
        responses=problems(OrganisationNotFound, InvalidContent, ScopesExceeded, AlreadyExists),
        opt={**_WRITE, **creates()},
    )
    async def give(
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[schemas.DelegationRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Delegation:
        """Let an adviser act in your name, for what `scopes` name and until `ends_at`.

        The adviser names you in the header `Matchmaker-For` of its requests; what it does is told
        with both names. You end it at any time, within seconds.
        """
        return _told(await service.give(session, organisation_id, data, by=principal))

    @get(
        operation_id="listDelegationsGiven",
        responses=problems(OrganisationNotFound, CursorInvalid),
        opt=_READ,
    )
    async def list(
        self,
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Delegation]:
        """List who may act, or could, in your name, in the order it was given."""
        require_own(organisation_id, principal)
        listing = Listing("delegations_given", organisation_id, principal.organisation_id)
        found = await queries.list_given(
            read_session, organisation_id, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[_told(row) for row in shown], page=page)


class DelegationController(Controller):
    """Delegations from the adviser's side, and their end."""

    path = "/delegations"
    tags = ("Identity",)

    @get(operation_id="listDelegationsHeld", responses=problems(CursorInvalid), opt=_READ)
    async def list(
        self,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Delegation]:
        """List in whose name your organisation may act, or could, in the order it was given."""
        listing = Listing("delegations_held", None, principal.organisation_id)
        found = await queries.list_held(
            read_session,
            principal.organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[_told(row) for row in shown], page=page)

    @post(
        "/{delegation_id:uuid}/end",
        operation_id="endDelegation",
        status_code=200,
        responses=problems(DelegationNotFound, DelegationEnded),
        opt=_WRITE,
    )
    async def end(
        self,
        delegation_id: FromPath[DelegationId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Delegation:
        """End a delegation now, as the one who gave it or as the adviser who holds it."""
        return _told(await service.end(session, delegation_id, by=principal))


def _told(row: Delegation) -> schemas.Delegation:
    return schemas.Delegation(
        id=row.id,
        organisation_id=row.organisation_id,
        adviser_id=row.adviser_id,
        scopes=row.scopes,
        granted_at=row.granted_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
    )


CONTROLLERS = (OrganisationDelegationController, DelegationController)
