"""Recognitions over HTTP: for the firm itself and for operators."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.enterprise.recognitions import models, queries, schemas, service
from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
from matchmaker.enterprise.recognitions.errors import RecognitionNotFound
from matchmaker.enterprise.recognitions.machine import RECOGNITION
from matchmaker.enterprise.recognitions.models import RecognitionId
from matchmaker.identity.access import Principal, Scope, actors_of, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy import maturity
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput
from matchmaker.taxonomy.registry import Taxonomy

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]

_READ: Final = needs(Scope.PROFILES_READ)
_WRITE: Final = needs(Scope.PROFILES_WRITE, roles=(OrganisationRole.SME,))
_MOVE: Final = needs(Scope.PROFILES_WRITE)


class RecognitionController(Controller):
    """Levels and titles that authorities granted."""

    path = "/recognitions"
    tags = ("Enterprise",)

    @post(
        operation_id="createRecognition",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[RecognitionDraft],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Recognition]:
        """Claim a level or title that an authority granted the own firm."""
        made = await service.create(session, checker, data, principal)
        return _answer(checker, made, language, status_code=201)

    @get(operation_id="listRecognitions", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        language: NamedDependency[Language],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Recognition]:
        """List the recognitions of the own firm, in a fixed order."""
        listing = Listing("recognitions", None, principal.organisation_id)
        found = await queries.list_recognitions(
            read_session,
            principal.organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda each: each.id)
        return Page(items=[to_wire(checker.taxonomy, each, language) for each in shown], page=page)

    @get(
        "/{recognition_id:uuid}",
        operation_id="getRecognition",
        opt=_READ,
        responses=problems(RecognitionNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        recognition_id: FromPath[RecognitionId],
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Recognition]:
        """Read a recognition, and the stage that its level stands for."""
        found = await service.find(read_session, recognition_id, principal)
        return _answer(checker, found, language)

    @get(
        "/{recognition_id:uuid}/transitions",
        operation_id="listRecognitionTransitions",
        opt=_READ,
        responses=problems(RecognitionNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        recognition_id: FromPath[RecognitionId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the recognition now, by whom, and why not the rest."""
        found = await service.find(read_session, recognition_id, principal)
        return _transitions(found, principal, language)

    @post(
        "/{recognition_id:uuid}/transitions",
        operation_id="moveRecognition",
        status_code=200,
        opt={**_MOVE, **transitions.taking(RECOGNITION)},
        responses=problems(RecognitionNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        recognition_id: FromPath[RecognitionId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Verify the recognition as an operator, or say that the firm holds it no longer."""
        moved = await service.take_step(
            session, recognition_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(moved, principal, language)


def to_wire(
    taxonomy: Taxonomy, found: models.Recognition, language: Language
) -> schemas.Recognition:
    """A recognition with the name of its level."""
    is_title = found.scheme == RecognitionDraft.titles
    return schemas.Recognition(
        id=found.id,
        organisation_id=found.organisation_id,
        scheme=found.scheme,
        level=found.level,
        level_name=taxonomy.name(found.scheme, found.level, language),
        stage=None if is_title else maturity.stage(taxonomy, found.scheme, found.level),
        issuer=found.issuer,
        number=found.number,
        granted_on=found.granted_on,
        valid_until=found.valid_until,
        state=found.state,
        note=found.note,
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


def _answer(
    checker: Checker, found: models.Recognition, language: Language, *, status_code: int = 200
) -> Response[schemas.Recognition]:
    told = to_wire(checker.taxonomy, found, language)
    return etags.tagged(told, found.revision, status_code=status_code)


def _transitions(
    found: models.Recognition, principal: Principal, language: Language
) -> Response[Transitions]:
    told = transitions.overview(
        RECOGNITION,
        found.state,
        found.revision,
        actors=actors_of(principal, found.organisation_id),
        hindrances={},
        language=language,
    )
    return etags.tagged(told, found.revision)
