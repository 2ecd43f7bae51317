"""The change feed over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter, SkipValidation

from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing, Place
from matchmaker.core.db import ReadSession
from matchmaker.core.events import EventRow
from matchmaker.core.problems import problems
from matchmaker.core.signing import Signer
from matchmaker.core.wire import Page, PageInfo
from matchmaker.feed.errors import EventNotFound
from matchmaker.feed.events import audit, schemas, service
from matchmaker.feed.events.audit import Chain
from matchmaker.feed.events.queries import Wanted
from matchmaker.feed.events.telling import told
from matchmaker.feed.sharing import Shared
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope

SubjectType = Annotated[
    str | None,
    QueryParameter(pattern="^[a-z][a-z_]{0,39}$", description="Only of subjects of this type"),
]
SubjectId = Annotated[UUID | None, QueryParameter(description="Only of the subject with this id")]
Kind = Annotated[
    str | None,
    QueryParameter(
        pattern="^[a-z][a-z_]{0,39}[.][a-z][a-z_]{0,39}$",
        description="Only of this kind: `need.opened`",
    ),
]


async def provide_wanted(
    subject_type: SubjectType = None, subject_id: SubjectId = None, kind: Kind = None
) -> Wanted:
    """Which events are asked for."""
    return Wanted(subject_type=subject_type, subject_id=subject_id, kind=kind)


class EventController(Controller):
    """What has happened."""

    path = "/events"
    tags = ("Data",)
    dependencies = {"wanted": Provide(provide_wanted)}

    @get(
        operation_id="listEvents",
        opt=access.needs(Scope.EVENTS_READ),
        responses=problems(CursorInvalid),
    )
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        shared: NamedDependency[SkipValidation[Shared]],
        wanted: NamedDependency[SkipValidation[Wanted]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> schemas.FeedPage:
        """Read what has happened to what is yours, by you, and to what is shared with you.

        Oldest first. `page.next` is there at the end too: asked for later, it goes on where this
        page ended, without gap or repeat. Operators see everything.
        """
        listing = Listing("events", wanted, principal.organisation_id)
        place = Place() if cursor is None else cursors.read_place(cursor, listing)
        found = await service.page(
            read_session, principal, wanted, place, shared=shared, limit=limit
        )
        before = found.before
        info = schemas.FeedPageInfo(
            next=cursors.write_place(found.after, listing),
            prev=None if before is None else cursors.write_place(before, listing),
            limit=limit,
        )
        return schemas.FeedPage(items=[told(row) for row in found.rows], page=info)


class AuditController(Controller):
    """Who did what, with its proof."""

    path = "/audit"
    tags = ("Data",)
    opt = access.needs(Scope.EVENTS_READ)

    @get(
        operation_id="listAudit",
        responses=problems(CursorInvalid),
        dependencies={"wanted": Provide(provide_wanted)},
    )
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        wanted: NamedDependency[SkipValidation[Wanted]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.AuditRecord]:
        """List what your organisation did and who acted on what is its own, newest first.

        Operators see everything. Any of it can be held against the chain: read its proof.
        """
        listing = Listing("audit", wanted, principal.organisation_id)
        place = audit.END if cursor is None else cursors.read_place(cursor, listing)
        found = await audit.page(read_session, principal, wanted, place, limit=limit)
        after = None if found.after is None else cursors.write_place(found.after, listing)
        return Page(
            items=[recorded(row) for row in found.rows], page=PageInfo(next=after, limit=limit)
        )

    @get("/{position:int}/proof", operation_id="getAuditProof", responses=problems(EventNotFound))
    async def proof(
        self,
        *,
        position: FromPath[int],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        chain: NamedDependency[SkipValidation[Chain]],
        signer: NamedDependency[SkipValidation[Signer]],
    ) -> schemas.AuditProof:
        """Read what proves an event: that its content is in the chain, whose head is signed.

        docs/audit.md tells how anybody verifies it, without this installation and its word.
        """
        return await audit.prove(read_session, position, principal, chain=chain, signer=signer)


def recorded(row: EventRow) -> schemas.AuditRecord:
    """An event as the audit tells it."""
    return schemas.AuditRecord(event=told(row), request_id=row.request_id, hash=row.hash.hex())
