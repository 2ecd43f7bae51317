"""Guides over HTTP: everyone reads what is published, agencies and operators enter them."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.identity.access import Principal, public
from matchmaker.policy.asking import WRITE, InRegion, OfIndustry
from matchmaker.policy.guides import schemas, service, wording
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.policy.guides.errors import GuideNotFound
from matchmaker.policy.guides.machine import GUIDE, GuideState
from matchmaker.policy.guides.models import GuideId
from matchmaker.policy.guides.queries import GuideFilter
from matchmaker.policy.guides.released import General
from matchmaker.policy.issuing import chains, reader_of
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Ours = NamedDependency[SkipValidation[General]]
InState = Annotated[
    GuideState | None, QueryParameter(name="state", description="Only those in this state")
]
"""Named so because Litestar keeps `state` for itself."""


class GuideController(Controller):
    """What is recommended to firms of some industries and regions, and by whom."""

    path = "/guides"
    tags = ("Policy",)

    @get(operation_id="listGuides", opt=public(), responses=problems(CursorInvalid))
    async def list(  # noqa: PLR0913  (every filter is an argument)
        self,
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        general: Ours,
        cursors: NamedDependency[SkipValidation[Cursors]],
        visitor: Visitor,
        language: NamedDependency[Language],
        industry: OfIndustry = None,
        region: InRegion = None,
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Guide]:
        """List the guides there are, in a fixed order; drafts are shown to whoever entered them.

        The first is the general one, which is released with the product and is not official.
        """
        above, around = chains(checker.taxonomy, [industry] if industry else [], region)
        wanted = GuideFilter(above if industry else None, around if region else None, in_state)
        listing = Listing("guides", wanted, reader_of(visitor).organisation_id)
        found = await service.listed(
            read_session,
            general,
            wanted,
            visitor,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda each: each.id)
        items = [wording.guide(checker.taxonomy, each, language) for each in shown]
        return Page(items=items, page=page)

    @post(
        operation_id="createGuide",
        opt={**WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[GuideTerms],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Guide]:
        """Enter an edition of a guide as a draft; what it says stays as it is entered."""
        made = await service.create(session, checker, data, principal)
        told = wording.guide(checker.taxonomy, made, language)
        location = f"/v1/guides/{made.id}"
        return etags.tagged(told, made.revision, status_code=201, Location=location)

    @get(
        "/{guide_id:uuid}",
        operation_id="getGuide",
        opt=public(),
        responses=problems(GuideNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        guide_id: FromPath[GuideId],
        read_session: NamedDependency[ReadSession],
        checker: Known,
        general: Ours,
        visitor: Visitor,
        language: NamedDependency[Language],
    ) -> Response[schemas.Guide]:
        """Read a guide, also one that no longer applies: pathways may have cited it."""
        found = await service.find(read_session, general, guide_id, visitor)
        return etags.tagged(wording.guide(checker.taxonomy, found, language), found.revision)

    @get(
        "/{guide_id:uuid}/transitions",
        operation_id="listGuideTransitions",
        opt=WRITE,
        responses=problems(GuideNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        guide_id: FromPath[GuideId],
        read_session: NamedDependency[ReadSession],
        general: Ours,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the guide now, by whom, and why not the rest."""
        found = await service.find(read_session, general, guide_id, principal)
        missing = await service.hindrances(read_session, found)
        return _transitions(found, missing, principal, language)

    @post(
        "/{guide_id:uuid}/transitions",
        operation_id="moveGuide",
        status_code=200,
        opt={**WRITE, **transitions.taking(GUIDE)},
        responses=problems(GuideNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        guide_id: FromPath[GuideId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        general: Ours,
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Publish the guide in place of the edition before, or let it no longer apply.

        An agency publishes for places of its jurisdiction, an operator for any and for all.
        """
        moved = await service.take_step(
            session, general, guide_id, data, principal=principal, seen=seen_revision
        )
        missing = await service.hindrances(session, moved)
        return _transitions(moved, missing, principal, language)


def _transitions(
    found: service.FoundGuide,
    missing: transitions.Hindrances,
    principal: Principal,
    language: Language,
) -> Response[Transitions]:
    told = transitions.overview(
        GUIDE,
        found.state,
        found.revision,
        actors=service.actors(principal, found),
        hindrances=missing,
        language=language,
    )
    return etags.tagged(told, found.revision)
