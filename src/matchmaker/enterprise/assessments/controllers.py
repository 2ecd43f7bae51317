"""Assessments over HTTP: for the firm itself and for operators, for nobody else."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, patching, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.openapi import ANSWERS
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.enterprise.assessments import queries, schemas, service
from matchmaker.enterprise.assessments.declaration import AssessmentDraft, AssessmentPatch
from matchmaker.enterprise.assessments.errors import (
    AssessmentClosed,
    AssessmentErased,
    AssessmentNotFound,
    AssessmentOpen,
)
from matchmaker.enterprise.assessments.machine import ASSESSMENT
from matchmaker.enterprise.assessments.models import Assessment, AssessmentId
from matchmaker.enterprise.assessments.reading import Outcome, Reader
from matchmaker.enterprise.assessments.wording import Speaker
from matchmaker.identity.access import Principal, Scope, actors_of, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.errors import UnusableInput

Reading = NamedDependency[SkipValidation[Reader]]
Caller = NamedDependency[SkipValidation[Principal]]
Form = Annotated[
    Literal["radar", "scenes"],
    QueryParameter(description="radar, or a bar for each of the 16 scenes"),
]
Known = Annotated[
    list[str] | None,
    QueryParameter(
        name="read",
        description="Scenes and questions to ask in any case: what matches or eligibility read",
        max_items=40,
    ),
]
UnderScheme = Annotated[str | None, QueryParameter(name="scheme", description="Only of this one")]

SVG: Final = "image/svg+xml"
_READ: Final = needs(Scope.PROFILES_READ)
_WRITE: Final = needs(Scope.PROFILES_WRITE, roles=(OrganisationRole.SME,))
_MOVE: Final = needs(Scope.PROFILES_WRITE)


class AssessmentController(Controller):
    """Where firms stand, found out under published schemes."""

    path = "/assessments"
    tags = ("Enterprise",)

    @post(
        operation_id="createAssessment",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[AssessmentDraft],
        session: NamedDependency[Session],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Assessment]:
        """Start an assessment of the own firm under a scheme, at a checkpoint.

        Answers may be given now or one after another; `/questions` says which are worth giving.
        """
        made = await service.create(session, assessing, data, principal)
        return _answer(assessing, made, language, status_code=201)

    @get(operation_id="listAssessments", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        language: NamedDependency[Language],
        scheme: UnderScheme = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Assessment]:
        """List the assessments of the own firm, in a fixed order."""
        listing = Listing("assessments", scheme, principal.organisation_id)
        found = await queries.list_assessments(
            read_session,
            principal.organisation_id,
            scheme=scheme,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda assessment: assessment.id)
        speaker = Speaker(assessing, language)
        return Page(items=[speaker.assessment(each) for each in shown], page=page)

    @get(
        "/{assessment_id:uuid}",
        operation_id="getAssessment",
        opt=_READ,
        responses=problems(AssessmentNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Assessment]:
        """Read an assessment with what followed from it, also as other schemes would say it."""
        found = await service.find(read_session, assessment_id, principal)
        return _answer(assessing, found, language)

    @patch(
        "/{assessment_id:uuid}",
        operation_id="patchAssessment",
        opt={**_WRITE, **patching.OPT},
        responses=problems(
            AssessmentNotFound,
            AssessmentErased,
            AssessmentClosed,
            UnusableInput,
            InvalidContent,
            *etags.PROBLEMS,
        ),
        response_headers=etags.HEADERS,
    )
    async def revise(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        data: JSONBody[AssessmentPatch],
        session: NamedDependency[Session],
        assessing: Reading,
        principal: Caller,
        expected_revision: NamedDependency[int],
        language: NamedDependency[Language],
    ) -> Response[schemas.Assessment]:
        """Give, change or take back single answers of a draft by a merge patch."""
        changed = await service.revise(
            session, assessing, assessment_id, data, principal=principal, revision=expected_revision
        )
        return _answer(assessing, changed, language)

    @get(
        "/{assessment_id:uuid}/questions",
        operation_id="listOpenQuestions",
        opt=_READ,
        responses=problems(AssessmentNotFound),
    )
    async def questions(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
        known: Known = None,
    ) -> schemas.OpenQuestions:
        """List the questions that can still change the level, the next one to ask first.

        What is not listed changes nothing, whatever its answer: the level is the same as if all
        were answered. Scenes that a match or a rule reads are asked too, where `read` names them.
        """
        found = await service.find(read_session, assessment_id, principal)
        hint = await service.hint(read_session, assessing, found)
        said, read = service.terms(found), frozenset(known or ())
        asked = assessing.open_questions(found.scheme, said, read=read, hint=hint)
        return Speaker(assessing, language).questions(found.scheme, said, asked)

    @get(
        "/{assessment_id:uuid}/series",
        operation_id="getAssessmentSeries",
        opt=_READ,
        responses=problems(AssessmentNotFound, AssessmentErased),
        response_headers=etags.HEADERS,
    )
    async def series(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.History]:
        """Read all checkpoints of the firm under the same scheme, with what changed in between."""
        found = await service.find(read_session, assessment_id, principal)
        standing = await service.series(read_session, found)
        told = Speaker(assessing, language).series(found.scheme, standing)
        return etags.tagged(told, found.revision)

    @get(
        "/{assessment_id:uuid}/benchmark",
        operation_id="getBenchmark",
        opt=_READ,
        responses=problems(AssessmentNotFound, AssessmentOpen, AssessmentErased),
        response_headers=etags.HEADERS,
    )
    async def benchmark(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Benchmark]:
        """Compare the firm with its peers by industry, scale and region.

        Only firms that were counted together, six or more at once, are told of, and never in other
        groups than those; so no figure, and no difference of two, is of fewer.
        """
        found = await service.find(read_session, assessment_id, principal)
        outcome = _outcome(found)
        cells = await service.benchmark(read_session, found)
        told = Speaker(assessing, language).benchmark(found, outcome, cells)
        return etags.tagged(told, found.revision)

    @get(
        "/{assessment_id:uuid}/chart",
        operation_id="getAssessmentChart",
        opt={**_READ, ANSWERS: (SVG,)},
        responses=problems(AssessmentNotFound, AssessmentOpen, AssessmentErased),
    )
    async def chart(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
        form: Form = "radar",
    ) -> Response[bytes]:
        """Draw the levels of the scenes beside the mean of the nearest peers, as SVG with text."""
        found = await service.find(read_session, assessment_id, principal)
        outcome = _outcome(found)
        told = (figures for _, figures in await service.benchmark(read_session, found))
        chart = Speaker(assessing, language).chart(outcome, next(filter(None, told), None))
        drawn = chart.radar() if form == "radar" else chart.bars()
        return Response(drawn.encode(), media_type=SVG)

    @get(
        "/{assessment_id:uuid}/transitions",
        operation_id="listAssessmentTransitions",
        opt=_READ,
        responses=problems(AssessmentNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        read_session: NamedDependency[ReadSession],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the assessment now, by whom, and why not the rest."""
        found = await service.find(read_session, assessment_id, principal)
        return _transitions(assessing, found, principal, language)

    @post(
        "/{assessment_id:uuid}/transitions",
        operation_id="moveAssessment",
        status_code=200,
        opt={**_MOVE, **transitions.taking(ASSESSMENT)},
        responses=problems(AssessmentNotFound, AssessmentErased, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        assessment_id: FromPath[AssessmentId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        assessing: Reading,
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Complete the assessment, verify it as an operator, or let it be superseded.

        A completed one takes the place of what stood at its checkpoint, and the firm's profile
        says what it found: its stage and the levels of its scenes.
        """
        moved = await service.take_step(
            session, assessing, assessment_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(assessing, moved, principal, language)


def _outcome(found: Assessment) -> Outcome:
    """What followed from the assessment.

    Raises:
        AssessmentOpen: it is not completed.
        AssessmentErased: what it said was erased.
    """
    outcome = service.result_of(found)
    if outcome is None:
        raise AssessmentOpen(extra={"state": found.state.value})
    return outcome


def _answer(
    reader: Reader, found: Assessment, language: Language, *, status_code: int = 200
) -> Response[schemas.Assessment]:
    told = Speaker(reader, language).assessment(found)
    return etags.tagged(told, found.revision, status_code=status_code)


def _transitions(
    reader: Reader, found: Assessment, principal: Principal, language: Language
) -> Response[Transitions]:
    told = transitions.overview(
        ASSESSMENT,
        found.state,
        found.revision,
        actors=actors_of(principal, found.organisation_id),
        hindrances=service.hindrances(reader, found),
        language=language,
    )
    return etags.tagged(told, found.revision)
