"""Learned models over HTTP: everybody reads them, operators see to them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.openapi import ANSWERS
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.learned import pages, queries, schemas, service
from matchmaker.matching.learned.errors import ModelNotFound, ModelUnreadable
from matchmaker.matching.learned.machine import MODEL
from matchmaker.matching.learned.models import LearnedModel, ModelId
from matchmaker.matching.matcher import Matcher

HTML: Final = MediaType.HTML.value
_OPERATOR: Final = (OrganisationRole.OPERATOR,)


class ModelController(Controller):
    """Models that were learned from what became of matches."""

    path = "/models"
    tags = ("Match",)
    opt = access.public()

    @get(operation_id="listModels", responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Model]:
        """List the learned models, with what the gate found of each.

        Without a champion the published card ranks.
        """
        listing = Listing("models", None, None)
        found = await queries.list_models(
            read_session, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda model: model.id)
        return Page(items=[await to_wire(read_session, each) for each in shown], page=page)

    @get(
        "/{model_id:uuid}",
        operation_id="getModel",
        responses=problems(ModelNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self, *, model_id: FromPath[ModelId], read_session: NamedDependency[ReadSession]
    ) -> Response[schemas.Model]:
        """Read where a learned model stands and what the gate found of it."""
        found = await service.find(read_session, model_id)
        return etags.tagged(await to_wire(read_session, found), found.revision)

    @get(
        "/{model_id:uuid}/card",
        operation_id="getModelCard",
        responses=problems(ModelNotFound, ModelUnreadable),
        opt={**access.public(), ANSWERS: (HTML,)},
    )
    async def card(
        self,
        *,
        model_id: FromPath[ModelId],
        read_session: NamedDependency[ReadSession],
        language: NamedDependency[Language],
        model_words: NamedDependency[SkipValidation[pages.Words]],
    ) -> Response[bytes]:
        """Read the card of a learned model: what it was learned from, and a plot of every table."""
        found = await service.find(read_session, model_id)
        made = await service.shown(read_session, found)
        page = pages.page(made, model_words, language)
        return Response(page.encode(), media_type=HTML)

    @get(
        "/{model_id:uuid}/transitions",
        operation_id="listModelTransitions",
        responses=problems(ModelNotFound),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.MODELS_READ, roles=_OPERATOR),
    )
    async def overview(
        self,
        *,
        model_id: FromPath[ModelId],
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        matcher: NamedDependency[SkipValidation[Matcher]],
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the model now, and what the gate has against the rest."""
        found = await service.find(read_session, model_id)
        return await _transitions(
            read_session, found, principal, card=matcher.model.version, language=language
        )

    @post(
        "/{model_id:uuid}/transitions",
        operation_id="moveModel",
        status_code=200,
        responses=problems(ModelNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
        opt={
            **access.needs(Scope.MODELS_WRITE, roles=_OPERATOR),
            **transitions.taking(MODEL),
        },
    )
    async def move(
        self,
        *,
        model_id: FromPath[ModelId],
        data: JSONBody[TransitionRequest],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
        matcher: NamedDependency[SkipValidation[Matcher]],
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Run the model in the shadow, let it rank, take it back or retire it.

        It ranks only once it has passed the gate beside what ranks now; what it replaces is
        retired, and can be restored.
        """
        card = matcher.model.version
        moved = await service.take_step(
            session, model_id, data, principal, card=card, seen=seen_revision
        )
        return await _transitions(session, moved, principal, card=card, language=language)


async def _transitions(
    session: ReadSession,
    model: LearnedModel,
    principal: Principal,
    *,
    card: str,
    language: Language,
) -> Response[Transitions]:
    told = transitions.overview(
        MODEL,
        model.state,
        model.revision,
        actors=service.actors(principal),
        hindrances=await service.hindrances(session, model, card),
        language=language,
    )
    return etags.tagged(told, model.revision)


async def to_wire(session: ReadSession, model: LearnedModel) -> schemas.Model:
    """A model with what the gate found of it last."""
    latest = await queries.latest_evaluation(session, model.id)
    evaluation = None
    if latest is not None:
        told = {
            **latest.report,
            "against": latest.against_id,
            "passed": latest.is_passed,
            "created_at": latest.created_at,
        }
        evaluation = msgspec.convert(told, schemas.ModelEvaluation)
    return schemas.Model(
        id=model.id,
        name=model.name,
        sha256=model.sha256,
        card=model.card,
        state=model.state,
        promoted_at=model.promoted_at,
        note=model.note,
        evaluation=evaluation,
        created_at=model.created_at,
        changed_at=model.changed_at,
    )
