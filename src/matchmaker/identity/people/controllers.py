"""Members and consents over HTTP."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, patching
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.wire import Page
from matchmaker.identity import access, queries, schemas
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.errors import (
    ConsentNotFound,
    ConsentWithdrawn,
    MemberNotFound,
    OrganisationNotFound,
    ScopesExceeded,
)
from matchmaker.identity.models import Consent, ConsentId, Member, MemberId, OrganisationId
from matchmaker.identity.people import service

_READ = access.needs(Scope.MEMBERS_READ)
_WRITE = access.needs(Scope.MEMBERS_WRITE)


class OrganisationMemberController(Controller):
    """The people of an organisation, for itself alone."""

    path = "/organisations/{organisation_id:uuid}/members"
    tags = ("Identity",)

    @post(
        operation_id="addMember",
        responses=problems(OrganisationNotFound, ScopesExceeded, AlreadyExists),
        response_headers=etags.HEADERS,
        opt={**_WRITE, **creates()},
    )
    async def add(
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[schemas.MemberDraft],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Member]:
        """Record a person of one's own organisation; whoever logs in with the address acts for it.

        Nobody gives or takes a role that allows more than they may do themselves.
        """
        added = await service.add_member(session, organisation_id, data, by=principal)
        return _tagged(added, status_code=201)

    @get(
        operation_id="listMembers",
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
    ) -> Page[schemas.Member]:
        """List the people of one's own organisation in the order they were recorded."""
        service.require_own(organisation_id, principal)
        listing = Listing("members", organisation_id, principal.organisation_id)
        found = await queries.list_members(
            read_session, organisation_id, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[member_to_wire(row) for row in shown], page=page)


class MemberController(Controller):
    """One person."""

    path = "/members/{member_id:uuid}"
    tags = ("Identity",)

    @get(
        operation_id="getMember",
        responses=problems(MemberNotFound),
        response_headers=etags.HEADERS,
        opt=_READ,
    )
    async def read(
        self,
        member_id: FromPath[MemberId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Member]:
        """Read a person of one's own organisation."""
        return _tagged(await service.read_member(read_session, member_id, by=principal))

    @patch(
        operation_id="reviseMember",
        responses=problems(MemberNotFound, ScopesExceeded, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
        opt=_WRITE | patching.OPT,
    )
    async def revise(  # noqa: PLR0917  (what a merge patch by somebody takes)
        self,
        member_id: FromPath[MemberId],
        data: JSONBody[schemas.MemberPatch],
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Member]:
        """Change a person's name or role, by a merge patch."""
        return _tagged(
            await service.revise_member(
                session, member_id, data, revision=expected_revision, by=principal
            )
        )

    @delete(
        operation_id="removeMember",
        responses=problems(MemberNotFound, ScopesExceeded, *etags.PROBLEMS),
        opt=_WRITE,
    )
    async def remove(
        self,
        member_id: FromPath[MemberId],
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> None:
        """Forget a person: name and address are gone; that there was a member stays known."""
        await service.remove_member(session, member_id, revision=expected_revision, by=principal)


class OrganisationConsentController(Controller):
    """What an organisation consents to."""

    path = "/organisations/{organisation_id:uuid}/consents"
    tags = ("Identity",)

    @post(
        operation_id="grantConsent",
        responses=problems(OrganisationNotFound, AlreadyExists),
        opt={**access.needs(Scope.CONSENTS_WRITE), **creates()},
    )
    async def grant(
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[schemas.ConsentRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Consent:
        """Allow a purpose from now on; nobody does this for another organisation."""
        return consent_to_wire(
            await service.grant_consent(session, organisation_id, data.purpose, by=principal)
        )

    @get(
        operation_id="listConsents",
        responses=problems(OrganisationNotFound, CursorInvalid),
        opt=access.needs(Scope.CONSENTS_READ),
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
    ) -> Page[schemas.Consent]:
        """List what an organisation allowed and withdrew, in the order it was given."""
        await service.require_consents_readable(read_session, organisation_id, principal)
        listing = Listing("consents", organisation_id, principal.organisation_id)
        found = await queries.list_consents(
            read_session, organisation_id, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[consent_to_wire(row) for row in shown], page=page)


class ConsentController(Controller):
    """One consent."""

    path = "/consents/{consent_id:uuid}"
    tags = ("Identity",)

    @post(
        "/withdrawal",
        operation_id="withdrawConsent",
        status_code=200,
        responses=problems(ConsentNotFound, ConsentWithdrawn),
        opt=access.needs(Scope.CONSENTS_WRITE),
    )
    async def withdraw(
        self,
        consent_id: FromPath[ConsentId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Consent:
        """End a consent now; what was allowed until then stays on record."""
        return consent_to_wire(await service.withdraw_consent(session, consent_id, by=principal))


def member_to_wire(row: Member) -> schemas.Member:
    """A person as their organisation sees them."""
    return schemas.Member(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        email=row.email,
        role=row.role,
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def consent_to_wire(row: Consent) -> schemas.Consent:
    """A consent as its organisation and the operator see it."""
    return schemas.Consent(
        id=row.id,
        organisation_id=row.organisation_id,
        purpose=row.purpose,
        granted_at=row.granted_at,
        withdrawn_at=row.withdrawn_at,
    )


def _tagged(row: Member, *, status_code: int = 200) -> Response[schemas.Member]:
    return etags.tagged(member_to_wire(row), row.revision, status_code=status_code)
