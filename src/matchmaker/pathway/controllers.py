"""Pathways over HTTP: for the firm itself, for nobody else."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.demand import schemas as demand
from matchmaker.demand import wording as need_wording
from matchmaker.enterprise.assessments.errors import (
    AssessmentErased,
    AssessmentNotFound,
    AssessmentOpen,
)
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.identity.access import Principal, Scope, actors_of, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.index import IndexNotReady
from matchmaker.matching.matcher import Matcher
from matchmaker.pathway import queries, schemas, service
from matchmaker.pathway.declaration import PathwayRequest
from matchmaker.pathway.errors import PathwayErased, PathwayNotFound, StepNotFound
from matchmaker.pathway.machine import PATHWAY
from matchmaker.pathway.models import Pathway, PathwayId
from matchmaker.pathway.released import Wayfinder
from matchmaker.pathway.wording import Speaker
from matchmaker.taxonomy.checking import Checker

Released = NamedDependency[SkipValidation[Wayfinder]]
Caller = NamedDependency[SkipValidation[Principal]]
Number = Annotated[int, PathParameter(ge=1, le=1_000)]
OfAssessment = Annotated[
    UUID | None, QueryParameter(name="assessment_id", description="Only those computed from it")
]

_READ: Final = needs(Scope.PROFILES_READ)
_WRITE: Final = needs(Scope.PROFILES_WRITE, roles=(OrganisationRole.SME,))
_NEED: Final = needs(Scope.NEEDS_WRITE, roles=(OrganisationRole.SME,))


class PathwayController(Controller):
    """The ways of firms from where they stand to the level they aim at."""

    path = "/pathways"
    tags = ("Enterprise",)

    @post(
        operation_id="createPathway",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(
            AssessmentNotFound,
            AssessmentOpen,
            AssessmentErased,
            PathwayNotFound,
            PathwayErased,
            IndexNotReady,
        ),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[PathwayRequest],
        session: NamedDependency[Session],
        wayfinder: Released,
        matcher: NamedDependency[SkipValidation[Matcher]],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Pathway]:
        """Compute the way of the own firm, and keep it as it is.

        It reaches the target at the least cost within the yearly budgets, or says what stops it.
        With `previous_id` it takes the place of an earlier one and says what moved.
        """
        made = await service.create(
            session,
            wayfinder,
            data,
            index=matcher.holder.current().index,
            principal=principal,
        )
        return await _answer(session, wayfinder, made, language=language, status_code=201)

    @get(operation_id="listPathways", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        wayfinder: Released,
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        language: NamedDependency[Language],
        of_assessment: OfAssessment = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.PathwaySummary]:
        """List the pathways of the own firm, in a fixed order."""
        listing = Listing("pathways", of_assessment, principal.organisation_id)
        found = await queries.list_pathways(
            read_session,
            principal.organisation_id,
            assessment_id=None if of_assessment is None else AssessmentId(of_assessment),
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda pathway: pathway.id)
        speaker = Speaker(wayfinder, language)
        return Page(items=[speaker.summary(each) for each in shown], page=page)

    @get(
        "/{pathway_id:uuid}",
        operation_id="getPathway",
        opt=_READ,
        responses=problems(PathwayNotFound, PathwayErased),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        pathway_id: FromPath[PathwayId],
        read_session: NamedDependency[ReadSession],
        wayfinder: Released,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Pathway]:
        """Read a pathway: position, entry points, phases of steps, and what moved."""
        found = await service.find(read_session, pathway_id, principal)
        return await _answer(read_session, wayfinder, found, language=language)

    @post(
        "/{pathway_id:uuid}/steps/{number:int}/need",
        operation_id="createNeedOfStep",
        opt={**_NEED, **creates()},
        status_code=201,
        responses=problems(PathwayNotFound, PathwayErased, StepNotFound),
        response_headers=etags.HEADERS,
    )
    async def need(
        self,
        *,
        pathway_id: FromPath[PathwayId],
        number: Number,
        session: NamedDependency[Session],
        principal: Caller,
        checker: NamedDependency[SkipValidation[Checker]],
    ) -> Response[demand.Need]:
        """Make a draft of a need of a step: scene, categories, budget and date are filled in."""
        pathway = await service.find(session, pathway_id, principal)
        found = await service.step_as_need(
            session, pathway, number, principal=principal, checker=checker
        )
        told = need_wording.need(found, checker.taxonomy, is_whole=True)
        return etags.tagged(told, found.need.revision, status_code=201)

    @get(
        "/{pathway_id:uuid}/transitions",
        operation_id="listPathwayTransitions",
        opt=_READ,
        responses=problems(PathwayNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        pathway_id: FromPath[PathwayId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the pathway now, by whom, and why not the rest."""
        found = await service.find(read_session, pathway_id, principal)
        return _transitions(found, principal, language)

    @post(
        "/{pathway_id:uuid}/transitions",
        operation_id="movePathway",
        status_code=200,
        opt={**_WRITE, **transitions.taking(PATHWAY)},
        responses=problems(PathwayNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        pathway_id: FromPath[PathwayId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Adopt the pathway, start it, complete it, or let a newer one take its place."""
        moved = await service.take_step(
            session, pathway_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(moved, principal, language)


async def _answer(
    session: ReadSession,
    released: Wayfinder,
    found: Pathway,
    *,
    language: Language,
    status_code: int = 200,
) -> Response[schemas.Pathway]:
    told = Speaker(released, language).pathway(found, await service.shifts(session, found))
    return etags.tagged(told, found.revision, status_code=status_code)


def _transitions(found: Pathway, principal: Principal, language: Language) -> Response[Transitions]:
    told = transitions.overview(
        PATHWAY,
        found.state,
        found.revision,
        actors=actors_of(principal, found.organisation_id),
        hindrances={},
        language=language,
    )
    return etags.tagged(told, found.revision)
