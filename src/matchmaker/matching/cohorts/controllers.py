"""Cohorts over HTTP: for agencies and operators."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, patching
from matchmaker.core.access import ScopeMissing
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity.access import Principal, Scope, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.cohorts import models, queries, schemas, service
from matchmaker.matching.cohorts.declaration import CohortPatch, CohortTerms, Criteria
from matchmaker.matching.cohorts.errors import CohortNotFound
from matchmaker.matching.cohorts.models import CohortId
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]

PORTALS: Final = (OrganisationRole.AGENCY, OrganisationRole.OPERATOR)
"""Who matches firms by the cohort."""
_READ: Final = needs(Scope.MATCH_READ, roles=PORTALS)
_WRITE: Final = needs(Scope.MATCH_RUN, roles=PORTALS)


class CohortController(Controller):
    """Firms chosen by what they are."""

    path = "/cohorts"
    tags = ("Batch",)

    @post(
        operation_id="createCohort",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[CohortTerms],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Cohort]:
        """Keep what chooses firms; which firms these are is found whenever it is used."""
        return _answer(await service.create(session, checker, data, principal), status_code=201)

    @get(operation_id="listCohorts", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Cohort]:
        """List the cohorts of the own organisation, in a fixed order."""
        owner = principal.organisation_id
        listing = Listing("cohorts", None, owner)
        after = cursors.read(cursor, listing)
        found = await queries.list_cohorts(read_session, owner, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda each: each.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @get(
        "/{cohort_id:uuid}",
        operation_id="getCohort",
        opt=_READ,
        responses=problems(CohortNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        cohort_id: FromPath[CohortId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> Response[schemas.Cohort]:
        """Read what chooses the firms of a cohort."""
        return _answer(await service.find(read_session, cohort_id, principal))

    @patch(
        "/{cohort_id:uuid}",
        operation_id="reviseCohort",
        opt={**_WRITE, **patching.OPT},
        responses=problems(CohortNotFound, UnusableInput, InvalidContent, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def revise(
        self,
        *,
        cohort_id: FromPath[CohortId],
        data: JSONBody[CohortPatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Cohort]:
        """Change the name or the criteria of a cohort; batches that ran stay as they were."""
        changed = await service.revise(
            session,
            cohort_id,
            data,
            principal=principal,
            checker=checker,
            revision=expected_revision,
        )
        return _answer(changed)

    @post(
        "/count",
        operation_id="countCohort",
        opt=_WRITE,
        status_code=200,
        responses=problems(UnusableInput, ScopeMissing),
    )
    async def count(
        self,
        *,
        data: JSONBody[Criteria],
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
    ) -> schemas.CohortCount:
        """Count whom a batch over these firms would match now; nothing is kept, nobody named.

        An agency matches the firms of its jurisdiction that allow it to see them by name; of all
        others it is told what `/v1/jurisdiction/aggregates` tells.
        """
        return await service.count(read_session, checker, data, principal)


def to_wire(found: models.Cohort) -> schemas.Cohort:
    """A cohort as it is read."""
    return schemas.Cohort(
        id=found.id,
        organisation_id=found.organisation_id,
        name=found.name,
        criteria=service.criteria_of(found),
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


def _answer(found: models.Cohort, *, status_code: int = 200) -> Response[schemas.Cohort]:
    return etags.tagged(to_wire(found), found.revision, status_code=status_code)
