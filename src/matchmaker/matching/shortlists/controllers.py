"""Shortlists over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
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
from matchmaker.core.wire import Page, Text
from matchmaker.enterprise.errors import ProfileErased
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope, actors_of
from matchmaker.matching.errors import NotInRun, RunNotFound
from matchmaker.matching.shortlists import queries, schemas, service
from matchmaker.matching.shortlists.errors import ShortlistClosed, ShortlistNotFound
from matchmaker.matching.shortlists.machine import SHORTLIST
from matchmaker.matching.shortlists.models import Shortlist, ShortlistId
from matchmaker.ranking.tables import MILLION


class ShortlistController(Controller):
    """Shortlists of what match runs showed."""

    path = "/shortlists"
    tags = ("Match",)
    opt = access.needs(Scope.MATCH_RUN)

    @post(
        operation_id="createShortlist",
        opt=creates(),
        status_code=201,
        responses=problems(RunNotFound, ProfileErased, NotInRun),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.ShortlistDraft],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
    ) -> Response[schemas.Shortlist]:
        """Start a shortlist of offerings that a stored match showed, best first.

        Each is kept in the version and on the package that was shown, whatever its provider changes
        later; `current_version` tells whether that has happened.
        """
        made = await service.create(session, data, principal)
        return await _answer(session, made, status_code=201)

    @get(
        operation_id="listShortlists",
        responses=problems(CursorInvalid),
        opt=access.needs(Scope.MATCH_READ),
    )
    async def list(
        self,
        *,
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Shortlist]:
        """List the shortlists of the organisation, in a fixed order."""
        listing = Listing("shortlists", None, principal.organisation_id)
        found = await queries.list_shortlists(
            read_session,
            principal.organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda shortlist: shortlist.id)
        entries = await queries.entries_of(read_session, [shortlist.id for shortlist in shown])
        return Page(items=[to_wire(each, entries[each.id]) for each in shown], page=page)

    @get(
        "/{shortlist_id:uuid}",
        operation_id="getShortlist",
        responses=problems(ShortlistNotFound),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.MATCH_READ),
    )
    async def read(
        self,
        *,
        shortlist_id: FromPath[ShortlistId],
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
    ) -> Response[schemas.Shortlist]:
        """Read a shortlist with what each offering was when it was shown."""
        return await _answer(
            read_session, await service.find(read_session, shortlist_id, principal)
        )

    @patch(
        "/{shortlist_id:uuid}",
        operation_id="reviseShortlist",
        responses=problems(ShortlistNotFound, ShortlistClosed, NotInRun, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
        opt={**access.needs(Scope.MATCH_RUN), **patching.OPT},
    )
    async def revise(
        self,
        *,
        shortlist_id: FromPath[ShortlistId],
        data: JSONBody[schemas.ShortlistPatch],
        expected_revision: NamedDependency[int],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
    ) -> Response[schemas.Shortlist]:
        """Change the title or the entries of an open shortlist; entries are replaced whole."""
        changed = await service.revise(
            session, shortlist_id, data, principal=principal, revision=expected_revision
        )
        return await _answer(session, changed)

    @get(
        "/{shortlist_id:uuid}/transitions",
        operation_id="listShortlistTransitions",
        responses=problems(ShortlistNotFound),
        response_headers=etags.HEADERS,
        opt=access.needs(Scope.MATCH_READ),
    )
    async def overview(
        self,
        *,
        shortlist_id: FromPath[ShortlistId],
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the shortlist now, by whom, and why not the rest."""
        found = await service.find(read_session, shortlist_id, principal)
        return await _transitions(read_session, found, principal, language)

    @post(
        "/{shortlist_id:uuid}/transitions",
        operation_id="moveShortlist",
        status_code=200,
        responses=problems(ShortlistNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
        opt={**access.needs(Scope.MATCH_RUN), **transitions.taking(SHORTLIST)},
    )
    async def move(
        self,
        *,
        shortlist_id: FromPath[ShortlistId],
        data: JSONBody[TransitionRequest],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Freeze the shortlist or discard it; a frozen one stays as it is."""
        moved = await service.take_step(session, shortlist_id, data, principal, seen=seen_revision)
        return await _transitions(session, moved, principal, language)


async def _answer(
    session: ReadSession, shortlist: Shortlist, *, status_code: int = 200
) -> Response[schemas.Shortlist]:
    entries = await queries.entries_of(session, [shortlist.id])
    told = to_wire(shortlist, entries[shortlist.id])
    return etags.tagged(told, shortlist.revision, status_code=status_code)


async def _transitions(
    session: ReadSession, shortlist: Shortlist, principal: Principal, language: Language
) -> Response[Transitions]:
    told = transitions.overview(
        SHORTLIST,
        shortlist.state,
        shortlist.revision,
        actors=actors_of(principal, shortlist.organisation_id),
        hindrances=await service.hindrances(session, shortlist),
        language=language,
    )
    return etags.tagged(told, shortlist.revision)


def to_wire(shortlist: Shortlist, entries: Sequence[queries.FoundEntry]) -> schemas.Shortlist:
    """A shortlist with its entries."""
    return schemas.Shortlist(
        id=shortlist.id,
        organisation_id=shortlist.organisation_id,
        run_id=shortlist.run_id,
        title=shortlist.title,
        state=shortlist.state,
        note=shortlist.note,
        entries=[
            schemas.ListedOffering(
                offering_id=entry.offering_id,
                title=msgspec.convert(entry.title, Text),
                version=entry.version,
                package=entry.package,
                rank=entry.rank,
                score=entry.score / MILLION,
                fit=entry.fit,
                note=entry.note,
                current_version=entry.current_version,
            )
            for entry in entries
        ],
        created_at=shortlist.created_at,
        changed_at=shortlist.changed_at,
    )
