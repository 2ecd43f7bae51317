"""Organisations over HTTP, and who is calling."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, patching, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page, Text
from matchmaker.identity import access, organisations, queries, schemas
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.delegations.controllers import CONTROLLERS as DELEGATIONS
from matchmaker.identity.errors import OperatorsField, OrganisationNotFound
from matchmaker.identity.experts.controllers import CONTROLLERS as EXPERTS
from matchmaker.identity.issuing import service as issuing
from matchmaker.identity.issuing.controllers import (
    KeyController,
    OrganisationKeyController,
    key_to_wire,
)
from matchmaker.identity.machine import ORGANISATION
from matchmaker.identity.models import (
    Organisation,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.identity.oauth.controllers import CONTROLLERS as OAUTH
from matchmaker.identity.oidc.controllers import CONTROLLERS as OIDC
from matchmaker.identity.people.controllers import (
    ConsentController,
    MemberController,
    OrganisationConsentController,
    OrganisationMemberController,
    member_to_wire,
)
from matchmaker.identity.rights.controllers import CONTROLLERS as RIGHTS
from matchmaker.identity.sessions.controllers import CONTROLLERS as SESSIONS
from matchmaker.identity.sessions.controllers import login_to_wire
from matchmaker.identity.sightings.controllers import SightingController
from matchmaker.taxonomy.registry import Taxonomy

Released = NamedDependency[SkipValidation[Taxonomy]]
InState = Annotated[
    OrganisationState | None,
    QueryParameter(name="state", description="Only organisations in this state"),
]
InRole = Annotated[
    OrganisationRole | None, QueryParameter(description="Only organisations of this role")
]


class OrganisationController(Controller):
    """Organisations: who they are, and where they stand on the way to being trusted."""

    path = "/organisations"
    tags = ("Identity",)

    @post(
        operation_id="registerOrganisation",
        responses=problems(AlreadyExists),
        response_headers=etags.HEADERS,
        opt={
            **access.needs(Scope.ORGANISATIONS_WRITE, roles=[OrganisationRole.OPERATOR]),
            **creates(),
        },
    )
    async def register(
        self,
        data: JSONBody[schemas.OrganisationDraft],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        taxonomy: Released,
    ) -> Response[schemas.Organisation]:
        """Register an organisation as a draft, for a client that brings firms in.

        A key for it is made at its keys; it is verified by transitions.
        """
        added = await organisations.register(session, taxonomy, data, by=principal)
        return _tagged(added, status_code=201)

    @get(
        operation_id="listOrganisations",
        responses=problems(CursorInvalid),
        opt=access.needs(Scope.ORGANISATIONS_READ),
    )
    async def list(
        self,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        in_state: InState = None,
        role: InRole = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Organisation]:
        """List organisations as they were registered: all for an operator, else one's own."""
        wanted = organisations.visible_to(
            principal, queries.OrganisationFilter(state=in_state, role=role)
        )
        listing = Listing("organisations", wanted, principal.organisation_id)
        found = await queries.list_organisations(
            read_session, wanted, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[organisation_to_wire(row) for row in shown], page=page)

    @get(
        "/{organisation_id:uuid}",
        operation_id="getOrganisation",
        responses=problems(OrganisationNotFound),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.ORGANISATIONS_READ),
    )
    async def read(
        self,
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Organisation]:
        """Read one's own organisation; an operator reads any."""
        found, _ = await organisations.read(read_session, organisation_id, by=principal)
        return _tagged(found)

    @patch(
        "/{organisation_id:uuid}",
        operation_id="reviseOrganisation",
        responses=problems(OrganisationNotFound, OperatorsField, AlreadyExists, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.ORGANISATIONS_WRITE) | patching.OPT,
    )
    async def revise(  # noqa: PLR0917  (what a merge patch by somebody takes)
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[schemas.OrganisationPatch],
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        taxonomy: Released,
    ) -> Response[schemas.Organisation]:
        """Change what is said of an organisation, by a merge patch.

        Roles and jurisdiction are changed by an operator only; so are name, credit code and
        region once it was submitted.
        """
        found = await organisations.revise(
            session, taxonomy, organisation_id, data, revision=expected_revision, by=principal
        )
        return _tagged(found)

    @get(
        "/{organisation_id:uuid}/transitions",
        operation_id="listOrganisationTransitions",
        responses=problems(OrganisationNotFound),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.ORGANISATIONS_READ),
    )
    async def steps(
        self,
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the organisation now, by whom, and why not the rest."""
        found = await organisations.overview(
            read_session, organisation_id, by=principal, language=language
        )
        return etags.tagged(found, found.revision)

    @post(
        "/{organisation_id:uuid}/transitions",
        operation_id="moveOrganisation",
        status_code=200,
        responses=problems(OrganisationNotFound, AlreadyExists, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
        opt={**access.needs(Scope.ORGANISATIONS_WRITE), **transitions.taking(ORGANISATION)},
    )
    async def move(  # noqa: PLR0917  (a transition by somebody, told in their language)
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        language: NamedDependency[Language],
        *,
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Take a transition; the answer says what can be done next. Of several callers one wins."""
        await organisations.move(session, organisation_id, data, by=principal, seen=seen_revision)
        found = await organisations.overview(
            session, organisation_id, by=principal, language=language
        )
        return etags.tagged(found, found.revision)


class MeController(Controller):
    """The caller."""

    path = "/me"
    tags = ("Identity",)

    @get(operation_id="getMe", responses=problems(), opt=access.needs(None))
    async def read(
        self, read_session: NamedDependency[ReadSession], principal: NamedDependency[Principal]
    ) -> schemas.Me:
        """Say who is calling: the organisation, the key or the person, and the rights they have."""
        found, _ = await organisations.read(read_session, principal.organisation_id, by=principal)
        key = person = member = None
        if principal.key_id is not None and principal.adviser is None:
            key = key_to_wire(await issuing.read(read_session, principal.key_id, by=principal))
        if principal.login is not None:
            person = login_to_wire(principal.login)
        if principal.seat is not None:
            member = await queries.member(read_session, principal.seat.member_id)
        return schemas.Me(
            organisation=organisation_to_wire(found),
            key=key,
            person=person,
            member=None if member is None else member_to_wire(member),
            adviser_id=principal.adviser,
            roles=sorted(principal.roles),
            scopes=sorted(principal.scopes),
        )


def organisation_to_wire(row: Organisation) -> schemas.Organisation:
    """An organisation as it and the operator see it."""
    return schemas.Organisation(
        id=row.id,
        external_id=row.external_id,
        name=msgspec.convert(row.name, Text),
        roles=[OrganisationRole(role) for role in row.roles],
        provider_kind=row.provider_kind,
        region=row.region,
        jurisdiction=organisations.jurisdiction(row),
        uscc=row.uscc,
        state=row.state,
        note=row.note,
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _tagged(row: Organisation, *, status_code: int = 200) -> Response[schemas.Organisation]:
    return etags.tagged(organisation_to_wire(row), row.revision, status_code=status_code)


CONTROLLERS = (
    MeController,
    OrganisationController,
    OrganisationKeyController,
    KeyController,
    OrganisationMemberController,
    MemberController,
    OrganisationConsentController,
    ConsentController,
    SightingController,
    *DELEGATIONS,
    *EXPERTS,
    *RIGHTS,
    *SESSIONS,
    *OAUTH,
    *OIDC,
)
