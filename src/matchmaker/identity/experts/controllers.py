"""Expert cards over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent, Page, Text
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope, note
from matchmaker.identity.errors import ExpertNotFound
from matchmaker.identity.experts import schemas, service
from matchmaker.identity.experts.queries import Shown
from matchmaker.identity.models import MemberId
from matchmaker.taxonomy.registry import Taxonomy

Released = NamedDependency[SkipValidation[Taxonomy]]
Skill = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Only experts with this skill"
    ),
]
_READ: Final = access.needs(Scope.MEMBERS_READ)
_FIRST: Final = {
    201: ResponseSpec(schemas.ExpertCard, description="The first card", generate_examples=False)
}


class OwnExpertCardController(Controller):
    """The card of the person who is logged in, as a member of the organisation they act for."""

    path = "/me/expert-card"
    tags = ("Identity",)
    opt = access.person()

    @put(
        operation_id="putExpertCard",
        status_code=200,
        responses=_FIRST | problems(ExpertNotFound, InvalidContent, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def state(
        self,
        *,
        data: JSONBody[schemas.StatedExpert],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        taxonomy: Released,
        known_revision: NamedDependency[int | None],
    ) -> Response[schemas.ExpertCard]:
        """Say what you are an expert in and whom you should not judge, and let others see it.

        Agencies and operators see it while your organisation is verified, and so does your
        organisation. The first time needs no If-Match. Nobody states it for you.
        """
        now = await service.state(session, taxonomy, data, revision=known_revision, by=principal)
        return _tagged(now, status_code=201 if known_revision is None else 200)

    @get(
        operation_id="getOwnExpertCard",
        responses=problems(ExpertNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self, read_session: NamedDependency[ReadSession], principal: NamedDependency[Principal]
    ) -> Response[schemas.ExpertCard]:
        """Read your card as others see it."""
        return _tagged(await service.own(read_session, by=principal))

    @delete(operation_id="withdrawExpertCard", responses=problems(ExpertNotFound, *etags.PROBLEMS))
    async def withdraw(
        self,
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> None:
        """Withdraw your consent: the card is gone at once, and nothing of it is kept."""
        await service.withdraw(session, revision=expected_revision, by=principal)


class ExpertController(Controller):
    """Experts, for whoever looks for some."""

    path = "/experts"
    tags = ("Identity",)

    @get(operation_id="listExperts", responses=problems(CursorInvalid), opt=_READ)
    async def list(
        self,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        skill: Skill = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.ExpertCard]:
        """List experts: for agencies and operators all that consented, else one's own members."""
        wanted = service.visible_to(principal, skill)
        listing = Listing("experts", wanted, principal.organisation_id)
        found = await service.list_cards(
            read_session,
            wanted,
            by=principal,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda each: each.card.id)
        for each in shown:
            note(principal, each.card.organisation_id, "expert_card", each.card.id, way="listed")
        return Page(items=[_told(each) for each in shown], page=page)

    @get(
        "/{member_id:uuid}",
        operation_id="getExpert",
        responses=problems(ExpertNotFound),
        response_headers=etags.HEADERS,
        opt=_READ,
    )
    async def read(
        self,
        member_id: FromPath[MemberId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.ExpertCard]:
        """Read an expert's card: as an agency, an operator, or the expert's organisation."""
        return _tagged(await service.read(read_session, member_id, by=principal))


def _told(found: Shown) -> schemas.ExpertCard:
    row = found.card
    return schemas.ExpertCard(
        member_id=row.id,
        organisation_id=row.organisation_id,
        organisation=msgspec.convert(found.organisation, Text),
        name=row.name,
        titles=msgspec.convert(row.titles, list[Text]),
        skills=row.skills,
        conflicts=msgspec.convert(row.conflicts, list[schemas.Conflict]),
        consented_at=row.consented_at,
        revision=row.revision,
    )


def _tagged(found: Shown, *, status_code: int = 200) -> Response[schemas.ExpertCard]:
    return etags.tagged(_told(found), found.card.revision, status_code=status_code)


CONTROLLERS = (OwnExpertCardController, ExpertController)
