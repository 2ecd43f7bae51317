"""What agencies are told of firms, over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page, Text
from matchmaker.enterprise.reach import queries, schemas, service
from matchmaker.enterprise.reach.counting import Dimension
from matchmaker.enterprise.reach.policy import Policy
from matchmaker.identity.access import Principal, Scope, needs, note
from matchmaker.identity.models import OrganisationRole

By = Annotated[
    Dimension, QueryParameter(description="What firms are counted by; one thing at a time")
]
_READ: Final = needs(Scope.PROFILES_READ, roles=(OrganisationRole.AGENCY,))


class JurisdictionController(Controller):
    """The firms of an agency's jurisdiction."""

    path = "/jurisdiction"
    tags = ("Enterprise",)

    @get(
        "/firms",
        operation_id="listJurisdictionFirms",
        opt=_READ,
        responses=problems(CursorInvalid),
    )
    async def firms(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[SkipValidation[Principal]],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.NamedFirm]:
        """List the firms that you may see by name: those that allow it, and those that joined.

        Of your jurisdiction those that allow agencies to; and whoever takes part in a programme of
        yours or of your jurisdiction, for as long as it does. The places, clusters and programmes
        of the jurisdiction are set by an operator, at the organisation.
        """
        listing = Listing("jurisdiction_firms", None, principal.organisation_id)
        found = await service.firms(
            read_session, principal, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda firm: firm.id)
        for firm in shown:
            programmes = tuple(firm.programmes)
            note(principal, firm.id, "profile", firm.id, way="listed", programmes=programmes)
        return Page(items=[_told(firm) for firm in shown], page=page)

    @get(
        "/aggregates",
        operation_id="getJurisdictionAggregates",
        opt=_READ,
        responses=problems(),
    )
    async def aggregates(
        self,
        *,
        by: By,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[SkipValidation[Principal]],
        reach_policy: NamedDependency[SkipValidation[Policy]],
    ) -> schemas.Aggregates:
        """Count all firms of your jurisdiction by region, industry, scale or stage.

        Counted once a day. Every number, and every difference of two of them, stands for at least
        `least` firms or for none.
        """
        found = await queries.counts(read_session, principal.organisation_id, by.value)
        total = next((each for each in found if not each.dimension), None)
        return schemas.Aggregates(
            by=by,
            least=reach_policy.least,
            firms=0 if total is None else total.firms,
            cells=[
                schemas.Cell(code=each.code or None, firms=each.firms)
                for each in found
                if each.dimension
            ],
            counted_at=None if total is None else total.counted_at,
        )


def _told(firm: queries.NamedFirm) -> schemas.NamedFirm:
    facts = firm.facts or {}
    return schemas.NamedFirm(
        organisation_id=firm.id,
        name=msgspec.convert(firm.name, Text),
        basis=[
            *(("consented",) if firm.consented else ()),
            *(("joined",) if firm.programmes else ()),
        ],
        programmes=firm.programmes,
        may_contact=firm.may_contact,
        region=firm.region,
        industries=list(facts.get("industries") or ()),
        clusters=list(facts.get("clusters") or ()),
        scale=firm.scale,
        stage=firm.stage,
    )
