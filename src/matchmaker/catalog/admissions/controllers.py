"""Admissions over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation

from matchmaker.catalog.admissions import queries, schemas, service, wording
from matchmaker.catalog.admissions.errors import (
    AdmissionNotFound,
    AlreadyApplied,
    OfferingNotPublished,
    OwnPool,
    PoolClosed,
)
from matchmaker.catalog.admissions.machine import ADMISSION, AdmissionState
from matchmaker.catalog.admissions.models import AdmissionId
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.errors import PoolNotFound
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolCheck
from matchmaker.catalog.pools.wording import check
from matchmaker.catalog.rights import NoteRequired
from matchmaker.core import etags, transitions
from matchmaker.core.access import ScopeMissing
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.machine import Actor
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import Page
from matchmaker.identity.access import Principal, Scope, needs, public
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.checking import Checker

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Pages = NamedDependency[SkipValidation[Cursors]]
InState = Annotated[
    AdmissionState | None, QueryParameter(name="state", description="Only those in this state")
]
"""Named so because Litestar keeps `state` for itself."""
TierCode = Annotated[
    str | None,
    QueryParameter(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Code of a tier"),
]

_READ: Final = needs(Scope.POOLS_READ)
_APPLY: Final = needs(Scope.OFFERINGS_WRITE, roles=(OrganisationRole.PROVIDER,))


class PoolAdmissionController(Controller):
    """What applies to a pool, and what is in it."""

    path = "/pools/{pool_id:uuid}"
    tags = ("Pools",)

    @get(
        "/check",
        operation_id="checkOffering",
        opt=_READ,
        responses=problems(PoolNotFound, OfferingNotFound),
    )
    async def ask(
        self,
        pool_id: FromPath[PoolId],
        *,
        offering_id: FromQuery[OfferingId],
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> PoolCheck:
        """Ask what the pool would answer of an offering now, and what is missing; nothing is kept.

        For the offering's provider before and after it applies, and for the pool's organisation
        once it has applied.
        """
        pool, _, found = await service.check_offering(
            read_session,
            principal,
            pool_id,
            offering_id,
            fields=checker.fields,
            today=utc_now().date(),
        )
        return check(found, pool.version.number, checker.fields, language)

    @post(
        "/admissions",
        operation_id="applyToPool",
        opt={**_APPLY, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(
            PoolNotFound,
            OfferingNotFound,
            OwnPool,
            PoolClosed,
            OfferingNotPublished,
            AlreadyApplied,
        ),
    )
    async def apply(
        self,
        pool_id: FromPath[PoolId],
        *,
        data: JSONBody[schemas.AdmissionRequest],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Admission]:
        """Apply with an own published offering; whatever the rule answers, people decide."""
        made = await service.apply(
            session,
            principal,
            pool_id,
            data.offering_id,
            fields=checker.fields,
            today=utc_now().date(),
        )
        told = wording.admission(made, checker.fields, language)
        location = f"/v1/admissions/{told.id}"
        return etags.tagged(told, told.revision, status_code=201, Location=location)

    @get(
        "/admissions",
        operation_id="listAdmissions",
        opt=public(),
        responses=problems(PoolNotFound, CursorInvalid),
    )
    async def admitted(
        self,
        pool_id: FromPath[PoolId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        visitor: Visitor,
        in_state: InState = None,
        tier: TierCode = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.AdmissionSummary]:
        """List what is in a pool: all of it for its organisation, for a provider also its own.

        Everyone sees what an open pool has admitted, as far as the offerings are public.
        """
        await pools.find(read_session, pool_id)
        wanted = queries.AdmissionFilter(pool_id, in_state, tier)
        reader = service.reader_of(visitor)
        listing = Listing("admissions", wanted, reader.organisation_id)
        found = await queries.list_admissions(
            read_session, wanted, reader, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.admission.id)
        return Page(items=[wording.summary(row) for row in shown], page=page)


class AdmissionController(Controller):
    """Where offerings stand in pools: for their providers and for the pools' organisations."""

    path = "/admissions/{admission_id:uuid}"
    tags = ("Pools",)

    @get(
        operation_id="getAdmission",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(AdmissionNotFound),
    )
    async def read(
        self,
        admission_id: FromPath[AdmissionId],
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Admission]:
        """Read an admission: the last decision, its grounds, and what is missing for more."""
        found = await service.find(read_session, principal, admission_id)
        told = wording.admission(found, checker.fields, language)
        return etags.tagged(told, told.revision)

    @get(
        "/decisions",
        operation_id="listDecisions",
        opt=_READ,
        responses=problems(AdmissionNotFound, CursorInvalid),
    )
    async def decisions(
        self,
        admission_id: FromPath[AdmissionId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Decision]:
        """List every decision on an admission, oldest first; decisions never change."""
        await service.find(read_session, principal, admission_id)
        listing = Listing("decisions", admission_id, principal.organisation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_decisions(
            read_session, admission_id, after=after, limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        items = [wording.decision(row, checker.fields, language) for row in shown]
        return Page(items=items, page=page)

    @post(
        "/decisions",
        operation_id="reassessAdmission",
        opt={**_READ, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(
            AdmissionNotFound,
            ScopeMissing,
            transitions.NotYourTransition,
            transitions.IllegalTransition,
            *etags.PROBLEMS,
        ),
    )
    async def reassess(
        self,
        admission_id: FromPath[AdmissionId],
        *,
        data: JSONBody[schemas.DecisionRequest],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
        language: NamedDependency[Language],
    ) -> Response[schemas.Admission]:
        """Have the rule answered anew by the facts and the version of now.

        Until it is decided the applicant may ask for it (scope offerings:write), later the pool's
        organisation only (pools:write): an offering that is in the pool gets the tier it reaches.
        """
        found = await service.reassess(
            session,
            principal,
            admission_id,
            revision=expected_revision,
            note=data.note,
            fields=checker.fields,
            today=utc_now().date(),
        )
        told = wording.admission(found, checker.fields, language)
        return etags.tagged(told, told.revision, status_code=201)

    @get(
        "/transitions",
        operation_id="getAdmissionTransitions",
        opt=_READ,
        responses=problems(AdmissionNotFound),
    )
    async def options(
        self,
        admission_id: FromPath[AdmissionId],
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Transitions:
        """Say what can be done with an admission now, by whom, and why not the rest.

        What hinders a step follows the facts of now, so the answer carries no ETag.
        """
        found, actors, missing = await service.options(
            read_session,
            principal,
            admission_id,
            fields=checker.fields,
            today=utc_now().date(),
        )
        return _options(found, actors, missing, language)

    @post(
        "/transitions",
        operation_id="takeAdmissionTransition",
        status_code=200,
        opt={**_READ, **transitions.taking(ADMISSION)},
        response_headers=etags.HEADERS,
        responses=problems(AdmissionNotFound, ScopeMissing, NoteRequired, *transitions.PROBLEMS),
    )
    async def take(
        self,
        admission_id: FromPath[AdmissionId],
        *,
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        seen_revision: NamedDependency[int | None],
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Decide on an admission of the own pool (pools:write), leave, or apply again.

        If-Match, where it is given, says which decision the caller has seen.
        """
        today = utc_now().date()
        await service.take_step(
            session,
            principal,
            admission_id,
            data,
            fields=checker.fields,
            today=today,
            revision=seen_revision,
        )
        found, actors, missing = await service.options(
            session, principal, admission_id, fields=checker.fields, today=today
        )
        return etags.tagged(_options(found, actors, missing, language), found.admission.revision)


def _options(
    found: queries.FoundAdmission,
    actors: frozenset[Actor],
    missing: transitions.Hindrances,
    language: Language,
) -> Transitions:
    row = found.admission
    return transitions.overview(
        ADMISSION, row.state, row.revision, actors=actors, hindrances=missing, language=language
    )
