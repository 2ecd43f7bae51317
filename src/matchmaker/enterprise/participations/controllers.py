"""Participations over HTTP: for the firm itself and for operators."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.enterprise.participations import models, queries, schemas, service
from matchmaker.enterprise.participations.errors import ParticipationNotFound
from matchmaker.enterprise.participations.machine import PARTICIPATION
from matchmaker.enterprise.participations.models import ParticipationId
from matchmaker.identity.access import Principal, Scope, needs

Caller = NamedDependency[SkipValidation[Principal]]

_READ: Final = needs(Scope.PROFILES_READ)
_MOVE: Final = needs(Scope.PROGRAMMES_JOIN)


class ParticipationController(Controller):
    """The programmes that firms take part in."""

    path = "/participations"
    tags = ("Enterprise",)

    @get(operation_id="listParticipations", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Participation]:
        """List the participations of the own firm, in a fixed order."""
        listing = Listing("participations", None, principal.organisation_id)
        found = await queries.list_participations(
            read_session,
            principal.organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda each: each.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @get(
        "/{participation_id:uuid}",
        operation_id="getParticipation",
        opt=_READ,
        responses=problems(ParticipationNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        participation_id: FromPath[ParticipationId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[schemas.Participation]:
        """Read a participation: in which programme, and whether it goes on."""
        found = await service.find(read_session, participation_id, principal)
        return etags.tagged(to_wire(found), found.revision)

    @get(
        "/{participation_id:uuid}/transitions",
        operation_id="listParticipationTransitions",
        opt=_READ,
        responses=problems(ParticipationNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        participation_id: FromPath[ParticipationId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the participation now, by whom, and why not the rest."""
        found = await service.find(read_session, participation_id, principal)
        return _transitions(found, principal, language)

    @post(
        "/{participation_id:uuid}/transitions",
        operation_id="moveParticipation",
        status_code=200,
        opt={**_MOVE, **transitions.taking(PARTICIPATION)},
        responses=problems(ParticipationNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        participation_id: FromPath[ParticipationId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Leave the programme: from then on no agency sees the firm by name because of it."""
        moved = await service.take_step(
            session, participation_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(moved, principal, language)


def to_wire(found: models.Participation) -> schemas.Participation:
    """A participation as it is answered."""
    return schemas.Participation(
        id=found.id,
        organisation_id=found.organisation_id,
        programme_id=found.programme_id,
        agency_id=found.agency_id,
        state=found.state,
        note=found.note,
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


def _transitions(
    found: models.Participation, principal: Principal, language: Language
) -> Response[Transitions]:
    told = transitions.overview(
        PARTICIPATION,
        found.state,
        found.revision,
        actors=service.actors(principal, found),
        hindrances={},
        language=language,
    )
    return etags.tagged(told, found.revision)
