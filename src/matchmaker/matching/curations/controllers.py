"""Curations over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, patching, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity.access import Principal, Scope, actors_of, needs, public
from matchmaker.matching.cohorts.controllers import PORTALS
from matchmaker.matching.curations import queries, schemas, service
from matchmaker.matching.curations.declaration import CurationPatch, CurationTerms
from matchmaker.matching.curations.errors import CurationArchived, CurationNotFound
from matchmaker.matching.curations.machine import CURATION
from matchmaker.matching.curations.models import CurationId
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Pages = NamedDependency[SkipValidation[Cursors]]

_READ: Final = needs(Scope.CURATIONS_READ, roles=PORTALS)
_WRITE: Final = needs(Scope.CURATIONS_WRITE, roles=PORTALS)


class CurationController(Controller):
    """What an agency or the operator adds to matches, pins, leaves out and asks for."""

    path = "/curations"
    tags = ("Match",)

    @post(
        operation_id="createCuration",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[CurationTerms],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Curation]:
        """Draft a curation; it bears on nothing until it is activated.

        An agency's bears on matches that the agency asks for, an operator's on those of everybody
        who has none of their own. Rules read facts of offerings alone.
        """
        return _answer(await service.create(session, checker, data, principal), status_code=201)

    @get(operation_id="listCurations", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Curation]:
        """List the curations of the own organisation, in a fixed order."""
        owner = principal.organisation_id
        listing = Listing("curations", None, owner)
        after = cursors.read(cursor, listing)
        found = await queries.list_curations(read_session, owner, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda each: each.curation.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @get(
        "/{curation_id:uuid}",
        operation_id="getCuration",
        opt=public(),
        responses=problems(CurationNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        curation_id: FromPath[CurationId],
        read_session: NamedDependency[ReadSession],
        visitor: Visitor,
    ) -> Response[schemas.Curation]:
        """Read a curation that an answer names: whose it is, and what it asks for now.

        One in force is for everyone; others are for the organisation that keeps them.
        """
        return _answer(await service.find(read_session, curation_id, visitor))

    @patch(
        "/{curation_id:uuid}",
        operation_id="reviseCuration",
        opt={**_WRITE, **patching.OPT},
        responses=problems(
            CurationNotFound, CurationArchived, UnusableInput, InvalidContent, *etags.PROBLEMS
        ),
        response_headers=etags.HEADERS,
    )
    async def revise(
        self,
        *,
        curation_id: FromPath[CurationId],
        data: JSONBody[CurationPatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Curation]:
        """Change what the own curation asks for: a new version, in force with the next index."""
        changed = await service.revise(
            session,
            curation_id,
            data,
            principal=principal,
            checker=checker,
            revision=expected_revision,
        )
        return _answer(changed)

    @get(
        "/{curation_id:uuid}/versions",
        operation_id="listCurationVersions",
        opt=public(),
        responses=problems(CurationNotFound, CursorInvalid),
    )
    async def versions(
        self,
        *,
        curation_id: FromPath[CurationId],
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        visitor: Visitor,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.CurationVersion]:
        """List every version of a curation, oldest first; versions never change."""
        await service.find(read_session, curation_id, visitor)
        listing = Listing("curation_versions", curation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_versions(read_session, curation_id, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        items = [
            schemas.CurationVersion(
                number=each.number, terms=service.terms_of(each), created_at=each.created_at
            )
            for each in shown
        ]
        return Page(items=items, page=page)

    @get(
        "/{curation_id:uuid}/transitions",
        operation_id="listCurationTransitions",
        opt=_READ,
        responses=problems(CurationNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        curation_id: FromPath[CurationId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the curation now, by whom, and why not the rest."""
        found = await service.find_kept(read_session, curation_id, principal)
        return _transitions(found, principal, language)

    @post(
        "/{curation_id:uuid}/transitions",
        operation_id="moveCuration",
        status_code=200,
        opt={**_WRITE, **transitions.taking(CURATION)},
        responses=problems(CurationNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        curation_id: FromPath[CurationId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Put a curation in force with the next index, or archive it for good."""
        moved = await service.take_step(
            session, curation_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(moved, principal, language)


def to_wire(found: queries.FoundCuration) -> schemas.Curation:
    """A curation with what it asks for now."""
    curation, version = found
    return schemas.Curation(
        id=curation.id,
        organisation_id=curation.organisation_id,
        of_operator=curation.of_operator,
        state=curation.state,
        version=curation.version,
        terms=service.terms_of(version),
        note=curation.note,
        created_at=curation.created_at,
        changed_at=curation.changed_at,
    )


def _answer(found: queries.FoundCuration, *, status_code: int = 200) -> Response[schemas.Curation]:
    return etags.tagged(to_wire(found), found.curation.revision, status_code=status_code)


def _transitions(
    found: queries.FoundCuration, principal: Principal, language: Language
) -> Response[Transitions]:
    curation = found.curation
    told = transitions.overview(
        CURATION,
        curation.state,
        curation.revision,
        actors=actors_of(principal, curation.organisation_id),
        hindrances={},
        language=language,
    )
    return etags.tagged(told, curation.revision)
