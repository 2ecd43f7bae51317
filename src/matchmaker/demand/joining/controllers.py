"""Joint needs over HTTP."""

from __future__ import annotations

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.core.transitions import (
    PROBLEMS,
    TransitionRequest,
    Transitions,
    overview,
    taking,
)
from matchmaker.core.wire import Page
from matchmaker.demand import queries, schemas, wording
from matchmaker.demand.errors import (
    FirmNotInvitable,
    NeedMemberNotFound,
    NeedNotEditable,
    NeedNotFound,
)
from matchmaker.demand.joining import service
from matchmaker.demand.machine import NEED_MEMBER
from matchmaker.demand.models import NeedId, NeedMember
from matchmaker.demand.queries import FoundNeed
from matchmaker.demand.service import find_whole
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationId

Caller = NamedDependency[SkipValidation[Principal]]

_FIRM = "/{organisation_id:uuid}"
_READ = access.needs(Scope.NEEDS_READ)
_WRITE = access.needs(Scope.NEEDS_WRITE)


class NeedMemberController(Controller):
    """The firms that share a need."""

    path = "/needs/{need_id:uuid}/members"
    tags = ("Demand",)

    @get(operation_id="listNeedMembers", opt=_READ, responses=problems(NeedNotFound, CursorInvalid))
    async def list(
        self,
        need_id: FromPath[NeedId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.NeedMember]:
        """List who shares the need or was asked to, in the order they were asked."""
        await find_whole(read_session, need_id, principal)
        listing = Listing("need/members", str(need_id), principal.organisation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_members(read_session, need_id, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[wording.member(row) for row in shown], page=page)

    @put(
        _FIRM,
        operation_id="inviteNeedMember",
        opt=_WRITE,
        responses=problems(NeedNotFound, NeedNotEditable, FirmNotInvitable),
    )
    async def invite(
        self,
        need_id: FromPath[NeedId],
        organisation_id: FromPath[OrganisationId],
        session: NamedDependency[Session],
        principal: Caller,
    ) -> schemas.NeedMember:
        """Ask a firm to share your need; it sees the whole of it from now on."""
        return wording.member(await service.invite(session, need_id, organisation_id, principal))

    @delete(
        _FIRM,
        operation_id="removeNeedMember",
        opt=_WRITE,
        responses=problems(NeedNotFound, NeedMemberNotFound),
    )
    async def remove(
        self,
        need_id: FromPath[NeedId],
        organisation_id: FromPath[OrganisationId],
        session: NamedDependency[Session],
        principal: Caller,
    ) -> None:
        """End a firm's part in a need: as its owner, or as the firm itself."""
        await service.remove(session, need_id, organisation_id, principal)

    @get(
        _FIRM + "/transitions",
        operation_id="getNeedMemberTransitions",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(NeedNotFound, NeedMemberNotFound),
    )
    async def transitions(
        self,
        need_id: FromPath[NeedId],
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        *,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say whether the firm may join now, and why not."""
        found = await service.find_member(read_session, need_id, organisation_id, principal)
        return _joining(*found, principal, language)

    @post(
        _FIRM + "/transitions",
        operation_id="takeNeedMemberTransition",
        opt={**_WRITE, **taking(NEED_MEMBER)},
        status_code=200,
        response_headers=etags.HEADERS,
        responses=problems(NeedNotFound, NeedMemberNotFound, *PROBLEMS),
    )
    async def take_step(
        self,
        need_id: FromPath[NeedId],
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        *,
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Accept an invitation, as the firm that was asked."""
        found = await service.take_step(
            session, need_id, organisation_id, data, principal=principal, seen=seen_revision
        )
        return _joining(*found, principal, language)


def _joining(
    found: FoundNeed, member: NeedMember, principal: Principal, language: Language
) -> Response[Transitions]:
    told = overview(
        NEED_MEMBER,
        member.state,
        member.revision,
        actors=service.actors_of(member, principal),
        hindrances=service.hindrances_of(found),
        language=language,
    )
    return etags.tagged(told, member.revision)
