"""Drafts, reviews and versions of offerings over HTTP: for their owner and for operators."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import (
    FromPath,
    JSONBody,
    PathParameter,
    QueryParameter,
    SkipValidation,
)

from matchmaker.catalog.errors import (
    ChangeNotFound,
    OfferingNotEditable,
    OfferingNotFound,
    UnusableDeclaration,
)
from matchmaker.catalog.life import schemas, service, wording
from matchmaker.catalog.life.applying import by_caller
from matchmaker.catalog.life.facts import Declarations
from matchmaker.catalog.machine import CHANGE, OFFERING, OfferingState
from matchmaker.catalog.models import OfferingId
from matchmaker.core import etags, patching, transitions
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursors
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import Forbidden
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import Principal, Scope, actors_of, needs
from matchmaker.identity.models import OrganisationRole

Caller = NamedDependency[SkipValidation[Principal]]
Making = NamedDependency[SkipValidation[Declarations]]
Pages = NamedDependency[SkipValidation[Cursors]]
OfOffering = FromPath[OfferingId]
Number = Annotated[int, PathParameter(ge=1, le=1_000_000_000)]
Since = Annotated[
    int,
    QueryParameter(name="from", ge=1, le=1_000_000_000, description="The version to compare with"),
]
Seen = NamedDependency[int | None]
InState = Annotated[OfferingState | None, QueryParameter(name="state")]

_READ: Final = needs(Scope.OFFERINGS_READ)
_WRITE: Final = needs(Scope.OFFERINGS_WRITE)
_PROVIDE: Final = needs(Scope.OFFERINGS_WRITE, roles=(OrganisationRole.PROVIDER,))
_MADE: Final = (
    *etags.HEADERS,
    ResponseHeader(name="Location", description="The draft", documentation_only=True),
)


class OfferingLifeController(Controller):
    """What owners write and operators review."""

    path = "/offerings"
    tags = ("Catalog",)

    @post(
        operation_id="createOffering",
        opt={**_PROVIDE, **creates()},
        response_headers=_MADE,
        responses=problems(UnusableDeclaration, AlreadyExists),
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.NewOffering],
        session: NamedDependency[Session],
        declarations: Making,
        principal: Caller,
    ) -> Response[schemas.OfferingDraft]:
        """Draft an offering of the own organisation; it is seen by others once published."""
        made = await service.create(
            session,
            data,
            principal.organisation_id,
            by=by_caller(principal),
            declarations=declarations,
            today=utc_now().date(),
        )
        stored = made.stored
        location = f"/v1/offerings/{stored.offering_id}/draft"
        return etags.tagged(
            wording.draft(made), stored.revision, status_code=201, Location=location
        )

    @get(
        "/{offering_id:uuid}/draft",
        operation_id="getOfferingDraft",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound),
    )
    async def read(
        self,
        offering_id: OfOffering,
        *,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[schemas.OfferingDraft]:
        """Read the latest version of an offering, published or not, and where it stands."""
        found = await service.read_draft(read_session, offering_id, by_caller(principal))
        return etags.tagged(wording.draft(found), found.stored.revision)

    @patch(
        "/{offering_id:uuid}/draft",
        operation_id="patchOfferingDraft",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            OfferingNotFound,
            OfferingNotEditable,
            UnusableDeclaration,
            InvalidContent,
            Forbidden,
            *etags.PROBLEMS,
        ),
    )
    async def edit(
        self,
        offering_id: OfOffering,
        *,
        data: JSONBody[schemas.OfferingPatch],
        session: NamedDependency[Session],
        declarations: Making,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.OfferingDraft]:
        """Write a next version by a merge patch; what is published stays until it is reviewed."""
        found = await service.edit(
            session,
            offering_id,
            data,
            revision=expected_revision,
            by=by_caller(principal),
            declarations=declarations,
            today=utc_now().date(),
        )
        return etags.tagged(wording.draft(found), found.stored.revision)

    @get(
        "/{offering_id:uuid}/transitions",
        operation_id="getOfferingTransitions",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound),
    )
    async def options(
        self,
        offering_id: OfOffering,
        *,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with an offering now, by whom, and why not the rest."""
        return await _overview(read_session, offering_id, principal, language)

    @post(
        "/{offering_id:uuid}/transitions",
        operation_id="moveOffering",
        status_code=200,
        opt={**_WRITE, **transitions.taking(OFFERING)},
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, *transitions.PROBLEMS),
    )
    async def move(
        self,
        offering_id: OfOffering,
        *,
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: Seen,
    ) -> Response[Transitions]:
        """Take a transition of an offering; of several callers at once one wins."""
        await service.take_step(
            session,
            offering_id,
            data.transition,
            by=by_caller(principal),
            today=utc_now().date(),
            note=data.note,
            revision=seen_revision,
        )
        return await _overview(session, offering_id, principal, language)

    @get(
        "/{offering_id:uuid}/change/transitions",
        operation_id="getChangeTransitions",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, ChangeNotFound),
    )
    async def change_options(
        self,
        offering_id: OfOffering,
        *,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the change of a published offering, by whom, why not."""
        return await _change_overview(read_session, offering_id, principal, language)

    @post(
        "/{offering_id:uuid}/change/transitions",
        operation_id="moveChange",
        status_code=200,
        opt={**_WRITE, **transitions.taking(CHANGE)},
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, ChangeNotFound, *transitions.PROBLEMS),
    )
    async def move_change(
        self,
        offering_id: OfOffering,
        *,
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: Seen,
    ) -> Response[Transitions]:
        """Take a transition of a change; accepted, it replaces what is published."""
        await service.take_change_step(
            session,
            offering_id,
            data.transition,
            by=by_caller(principal),
            today=utc_now().date(),
            note=data.note,
            revision=seen_revision,
        )
        return await _change_overview(session, offering_id, principal, language)


async def _overview(
    session: ReadSession, offering_id: OfferingId, principal: Principal, language: Language
) -> Response[Transitions]:
    stored, missing = await service.offering_options(
        session, offering_id, by_caller(principal), utc_now().date()
    )
    told = transitions.overview(
        OFFERING,
        stored.state,
        stored.revision,
        actors=actors_of(principal, stored.organisation_id),
        hindrances=missing,
        language=language,
    )
    return etags.tagged(told, stored.revision)


async def _change_overview(
    session: ReadSession, offering_id: OfferingId, principal: Principal, language: Language
) -> Response[Transitions]:
    stored, state, missing = await service.change_options(
        session, offering_id, by_caller(principal), utc_now().date()
    )
    told = transitions.overview(
        CHANGE,
        state,
        stored.revision,
        actors=actors_of(principal, stored.organisation_id),
        hindrances=missing,
        language=language,
    )
    return etags.tagged(told, stored.revision)
