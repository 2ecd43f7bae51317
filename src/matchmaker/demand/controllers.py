"""Stored needs over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import (
    FromPath,
    FromQuery,
    JSONBody,
    PathParameter,
    QueryParameter,
    SkipValidation,
)

from matchmaker.core import etags, patching
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import (
    PROBLEMS,
    TransitionRequest,
    Transitions,
    overview,
    taking,
)
from matchmaker.core.wire import Page
from matchmaker.demand import queries, schemas, service, wording
from matchmaker.demand.declaration import KindCode, NeedDraft, NeedPatch, NeedVisibility
from matchmaker.demand.errors import (
    NeedExternalIdTaken,
    NeedIncomplete,
    NeedNotEditable,
    NeedNotFound,
    NeedVersionNotFound,
)
from matchmaker.demand.machine import NEED, NeedState
from matchmaker.demand.models import NeedId
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope, actors_of
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput
from matchmaker.taxonomy.registry import Taxonomy

Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Released = NamedDependency[SkipValidation[Taxonomy]]
Known = NamedDependency[SkipValidation[Checker]]
Lists = NamedDependency[SkipValidation[Cursors]]
Part = Annotated[
    Literal["owner", "member"],
    QueryParameter(description="owner: your own needs; member: those you share or may join"),
]
# Litestar keeps the name `state` for itself.
InState = Annotated[
    NeedState | None, QueryParameter(name="state", description="Only needs in this state")
]
Number = Annotated[int, PathParameter(ge=1, le=1_000_000_000)]
Since = Annotated[
    int,
    QueryParameter(name="from", ge=1, le=1_000_000_000, description="The version to compare with"),
]
Scenario = Annotated[
    str | None,
    QueryParameter(pattern="^[a-z0-9_]{1,64}$", description="Only with this typical scenario"),
]
OfStandard = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Za-z0-9_]{1,64}$", description="A class of the standard system, or a sub-class"
    ),
]
Call = Annotated[bool, QueryParameter(description="Only open calls")]

_STANDARDS = "cn_im_standard_2024"
_READ = access.needs(Scope.NEEDS_READ)
_WRITE = access.needs(Scope.NEEDS_WRITE)


class NeedController(Controller):
    """What firms look for."""

    path = "/needs"
    tags = ("Demand",)

    @post(
        operation_id="createNeed",
        opt={**_WRITE, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(UnusableInput, NeedExternalIdTaken),
    )
    async def create(
        self,
        data: JSONBody[NeedDraft],
        session: NamedDependency[Session],
        principal: Caller,
        checker: Known,
    ) -> Response[schemas.Need]:
        """Store a need as a draft that only its own firms see.

        The facts are those of the inline need of `POST /v1/match`; only `kind` is required, and it
        stays what it is.
        """
        found = await service.create(
            session,
            data,
            organisation_id=principal.organisation_id,
            by=access.event_actor(principal),
            checker=checker,
        )
        return _told(found, checker.taxonomy, status_code=201)

    @get(operation_id="listNeeds", opt=_READ, responses=problems(CursorInvalid))
    async def list(  # noqa: PLR0913  (every filter is an argument)
        self,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        cursors: Lists,
        taxonomy: Released,
        *,
        part: Part = "owner",
        kind: FromQuery[KindCode | None] = None,
        in_state: InState = None,
        scenario: Scenario = None,
        standard: OfStandard = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Need]:
        """List your needs, newest first: your own, or those of others that you share."""
        wanted = queries.NeedFilter(
            kind=kind,
            state=in_state,
            joined=part == "member",
            scenario=scenario,
            standards=_with_below(taxonomy, standard),
        )
        listing = Listing("needs", wanted, principal.organisation_id)
        found = await queries.list_needs(
            read_session,
            principal.organisation_id,
            wanted,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.need.id)
        for row in shown:
            access.note(principal, row.need.organisation_id, "need", row.need.id, way="listed")
        return Page(items=[wording.need(row, taxonomy, is_whole=True) for row in shown], page=page)

    @get(
        "/public",
        operation_id="listPublicNeeds",
        opt=access.public(),
        responses=problems(CursorInvalid),
    )
    async def list_public(  # noqa: PLR0913  (every filter is an argument)
        self,
        read_session: NamedDependency[ReadSession],
        cursors: Lists,
        taxonomy: Released,
        *,
        kind: FromQuery[KindCode | None] = None,
        open_call: Call = False,
        scenario: Scenario = None,
        standard: OfStandard = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Need]:
        """List the open needs that everyone may see, newest first, without saying whose they are.

        Its own firms and the operator read the whole of a need one by one.
        """
        wanted = queries.NeedFilter(
            kind=kind,
            visibility=NeedVisibility.OPEN_CALL if open_call else None,
            scenario=scenario,
            standards=_with_below(taxonomy, standard),
        )
        listing = Listing("needs/public", wanted)
        found = await queries.list_public_needs(
            read_session, wanted, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.need.id)
        return Page(items=[wording.need(row, taxonomy, is_whole=False) for row in shown], page=page)

    @get(
        "/{need_id:uuid}",
        operation_id="getNeed",
        opt=access.public(),
        response_headers=etags.HEADERS,
        responses=problems(NeedNotFound),
    )
    async def read(
        self,
        need_id: FromPath[NeedId],
        read_session: NamedDependency[ReadSession],
        visitor: Visitor,
        taxonomy: Released,
    ) -> Response[schemas.Need]:
        """Read a need: all of it for its own firms and the operator.

        Others read what an open need tells everyone, if it is public; any other need is not found.
        """
        reads = visitor is not None and Scope.NEEDS_READ in visitor.scopes
        reader = visitor if reads else None
        found = await service.find(read_session, need_id, reader)
        return _told(found, taxonomy, is_whole=service.sees_whole(found, reader))

    @patch(
        "/{need_id:uuid}",
        operation_id="reviseNeed",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            NeedNotFound, NeedNotEditable, NeedIncomplete, UnusableInput, *etags.PROBLEMS
        ),
    )
    async def revise(
        self,
        need_id: FromPath[NeedId],
        data: JSONBody[NeedPatch],
        session: NamedDependency[Session],
        *,
        principal: Caller,
        checker: Known,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Need]:
        """Change your need while it is a draft or open, as a merge patch.

        A change of what it says makes a new version; who finds it and until when are changed in
        place. An open need must stay fit to be open.
        """
        found = await service.revise(
            session,
            need_id,
            data,
            principal=principal,
            revision=expected_revision,
            checker=checker,
            today=utc_now().date(),
        )
        return _told(found, checker.taxonomy)

    @get(
        "/{need_id:uuid}/transitions",
        operation_id="getNeedTransitions",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(NeedNotFound),
    )
    async def transitions(
        self,
        need_id: FromPath[NeedId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the need now, by whom, and why not the rest."""
        found = await service.find_whole(read_session, need_id, principal)
        return _transitions(found, principal, language)

    @post(
        "/{need_id:uuid}/transitions",
        operation_id="takeNeedTransition",
        opt={**_WRITE, **taking(NEED)},
        status_code=200,
        response_headers=etags.HEADERS,
        responses=problems(NeedNotFound, *PROBLEMS),
    )
    async def take_step(
        self,
        need_id: FromPath[NeedId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        *,
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Take a transition: open, engage, release, fulfil, withdraw or reopen."""
        found = await service.take_step(
            session, need_id, data, principal=principal, now=utc_now(), seen=seen_revision
        )
        return _transitions(found, principal, language)


class NeedVersionController(Controller):
    """What a need said over time."""

    path = "/needs/{need_id:uuid}/versions"
    tags = ("Demand",)
    opt = _READ

    @get(operation_id="listNeedVersions", responses=problems(NeedNotFound, CursorInvalid))
    async def list(
        self,
        need_id: FromPath[NeedId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        cursors: Lists,
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.NeedVersionSummary]:
        """List what the need has said over time, newest last, without saying it again."""
        await service.find_whole(read_session, need_id, principal)
        listing = Listing("need/versions", str(need_id), principal.organisation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_versions(read_session, need_id, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[wording.version_summary(row) for row in shown], page=page)

    @get(
        "/{number:int}",
        operation_id="getNeedVersion",
        responses=problems(NeedNotFound, NeedVersionNotFound),
    )
    async def read(
        self,
        need_id: FromPath[NeedId],
        number: Number,
        read_session: NamedDependency[ReadSession],
        *,
        principal: Caller,
        taxonomy: Released,
    ) -> schemas.NeedVersionDetail:
        """Read what the need said in one version; a version never changes."""
        found = await service.find_version(read_session, need_id, number, principal)
        return wording.version_detail(found, taxonomy)

    @get(
        "/{number:int}/diff",
        operation_id="diffNeedVersions",
        responses=problems(NeedNotFound, NeedVersionNotFound),
    )
    async def diff(
        self,
        need_id: FromPath[NeedId],
        number: Number,
        *,
        since: Since,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> schemas.NeedChanges:
        """Compare what the need said in two versions, in either order."""
        changes = await service.changes_between(
            read_session, need_id, principal, since=since, until=number
        )
        return schemas.NeedChanges(from_version=since, to_version=number, changes=changes)


def _with_below(taxonomy: Taxonomy, standard: str | None) -> tuple[str, ...]:
    """The class of standards and what is below it; nothing where none is asked for."""
    if standard is None:
        return ()
    return (standard, *taxonomy.scheme(_STANDARDS).children.get(standard, ()))


def _told(
    found: queries.FoundNeed, taxonomy: Taxonomy, *, is_whole: bool = True, status_code: int = 200
) -> Response[schemas.Need]:
    told = wording.need(found, taxonomy, is_whole=is_whole)
    if not is_whole:
        # What the public is told has no ETag: one revision would have two faces.
        return Response(told)
    return etags.tagged(told, found.need.revision, status_code=status_code)


def _transitions(
    found: queries.FoundNeed, principal: Principal, language: Language
) -> Response[Transitions]:
    need = found.need
    told = overview(
        NEED,
        need.state,
        need.revision,
        actors=actors_of(principal, need.organisation_id),
        hindrances=service.hindrances_of(found, utc_now().date()),
        language=language,
    )
    return etags.tagged(told, need.revision)


CONTROLLERS = (NeedController, NeedVersionController)
"""All of the room but those of joint needs."""
