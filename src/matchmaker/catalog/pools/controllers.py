"""Pools over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

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

from matchmaker.catalog.pools import queries, schemas, service, wording
from matchmaker.catalog.pools.errors import (
    NotYourPool,
    PoolCodeTaken,
    PoolNotFound,
    PoolVersionNotFound,
    UnusableRule,
)
from matchmaker.catalog.pools.machine import POOL, PoolState
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.terms import Terms
from matchmaker.core import etags, patching, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity.access import Principal, Scope, actors_of, needs, public
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.checking import Checker

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Pages = NamedDependency[SkipValidation[Cursors]]
InState = Annotated[
    PoolState | None, QueryParameter(name="state", description="Only those in this state")
]
"""Named so because Litestar keeps `state` for itself."""
Number = Annotated[int, PathParameter(ge=1, le=1_000_000_000)]

_READ: Final = needs(Scope.POOLS_READ)
_WRITE: Final = needs(Scope.POOLS_WRITE, roles=(OrganisationRole.AGENCY, OrganisationRole.OPERATOR))


class PoolController(Controller):
    """Curated lists of agencies; everyone may read what they ask."""

    path = "/pools"
    tags = ("Pools",)

    @get(operation_id="listPools", opt=public(), responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        checker: Known,
        language: NamedDependency[Language],
        organisation_id: FromQuery[OrganisationId | None] = None,
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Pool]:
        """List the pools there are, in a fixed order."""
        wanted = queries.PoolFilter(organisation_id, in_state)
        listing = Listing("pools", wanted)
        after = cursors.read(cursor, listing)
        found = await queries.list_pools(read_session, wanted, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.pool.id)
        items = [wording.pool(row, checker.fields, language) for row in shown]
        return Page(items=items, page=page)

    @post(
        operation_id="createPool",
        opt={**_WRITE, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(UnusableRule, PoolCodeTaken),
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.PoolRequest],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Pool]:
        """Open a pool; a match names it by its code."""
        terms = Terms(**{name: getattr(data, name) for name in Terms.__struct_fields__})
        made = await service.create(session, principal, data.code, terms, checker=checker)
        told = wording.pool(made, checker.fields, language)
        location = f"/v1/pools/{made.pool.id}"
        return etags.tagged(told, made.pool.revision, status_code=201, Location=location)

    @get(
        "/{pool_id:uuid}",
        operation_id="getPool",
        opt=public(),
        response_headers=etags.HEADERS,
        responses=problems(PoolNotFound),
    )
    async def read(
        self,
        pool_id: FromPath[PoolId],
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        language: NamedDependency[Language],
    ) -> Response[schemas.Pool]:
        """Read a pool with the version in force."""
        found = await service.find(read_session, pool_id)
        return etags.tagged(wording.pool(found, checker.fields, language), found.pool.revision)

    @patch(
        "/{pool_id:uuid}",
        operation_id="patchPool",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            PoolNotFound, NotYourPool, UnusableRule, InvalidContent, *etags.PROBLEMS
        ),
    )
    async def change(
        self,
        pool_id: FromPath[PoolId],
        *,
        data: JSONBody[schemas.PoolPatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
        language: NamedDependency[Language],
    ) -> Response[schemas.Pool]:
        """Change what the own pool says and asks: a new version, by which is decided from now on.

        Admissions stand as they were decided.
        """
        found = await service.revise(
            session, principal, pool_id, data, revision=expected_revision, checker=checker
        )
        return etags.tagged(wording.pool(found, checker.fields, language), found.pool.revision)

    @get(
        "/{pool_id:uuid}/versions",
        operation_id="listPoolVersions",
        opt=public(),
        responses=problems(PoolNotFound, CursorInvalid),
    )
    async def versions(
        self,
        pool_id: FromPath[PoolId],
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        checker: Known,
        language: NamedDependency[Language],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.PoolVersion]:
        """List every version of a pool, oldest first; versions never change."""
        await service.find(read_session, pool_id)
        listing = Listing("pool_versions", pool_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_versions(read_session, pool_id, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        items = [wording.version(row, checker.fields, language) for row in shown]
        return Page(items=items, page=page)

    @get(
        "/{pool_id:uuid}/versions/{number:int}",
        operation_id="getPoolVersion",
        opt=public(),
        responses=problems(PoolNotFound, PoolVersionNotFound),
    )
    async def version(
        self,
        pool_id: FromPath[PoolId],
        *,
        number: Number,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        language: NamedDependency[Language],
    ) -> schemas.PoolVersion:
        """Read one version of a pool, as a decision names it."""
        found = await service.find_version(read_session, pool_id, number)
        return wording.version(found, checker.fields, language)

    @get(
        "/{pool_id:uuid}/transitions",
        operation_id="getPoolTransitions",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(PoolNotFound),
    )
    async def options(
        self,
        pool_id: FromPath[PoolId],
        *,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with a pool now, by whom, and why not the rest."""
        return _pool_options(await service.find(read_session, pool_id), principal, language)

    @post(
        "/{pool_id:uuid}/transitions",
        operation_id="takePoolTransition",
        status_code=200,
        opt={**_WRITE, **transitions.taking(POOL)},
        response_headers=etags.HEADERS,
        responses=problems(PoolNotFound, *transitions.PROBLEMS),
    )
    async def take(
        self,
        pool_id: FromPath[PoolId],
        *,
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Close a pool to applications, or open it again; what was admitted stays."""
        found = await service.take_step(session, principal, pool_id, data, seen=seen_revision)
        return _pool_options(found, principal, language)


def _pool_options(
    found: queries.FoundPool, principal: Principal, language: Language
) -> Response[Transitions]:
    pool = found.pool
    told = transitions.overview(
        POOL,
        pool.state,
        pool.revision,
        actors=actors_of(principal, pool.organisation_id),
        hindrances={},
        language=language,
    )
    return etags.tagged(told, pool.revision)
