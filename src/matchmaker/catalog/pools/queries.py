"""Every statement about pools and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import Select, and_, select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.catalog.pools.models import Pool, PoolId, PoolVersion
from matchmaker.identity.models import CARD, OrganisationId

if TYPE_CHECKING:
    from uuid import UUID

    from matchmaker.catalog.pools.machine import PoolState
    from matchmaker.core.db import ReadSession, Session

_ANEW: Final = {"populate_existing": True}
"""What a statement has changed is read from the database, not from what was read before."""


class FoundPool(NamedTuple):
    """A pool with the version in force and the name of whose it is."""

    pool: Pool
    version: PoolVersion
    owner_name: dict[str, Any]


class PoolFilter(NamedTuple):
    """What a list of pools is narrowed to."""

    organisation_id: OrganisationId | None = None
    state: PoolState | None = None


async def find_pool(session: ReadSession, pool_id: PoolId) -> FoundPool | None:
    """The pool as it stands."""
    statement = _pools().where(Pool.id == pool_id)
    row = (await session.execute(statement, execution_options=_ANEW)).one_or_none()
    return None if row is None else FoundPool(*row)


async def list_pools(
    session: ReadSession, wanted: PoolFilter, *, after: UUID | None, limit: int
) -> list[FoundPool]:
    """Up to ``limit`` pools by id, after the pool ``after``."""
    statement = _pools()
    if wanted.organisation_id is not None:
        statement = statement.where(Pool.organisation_id == wanted.organisation_id)
    if wanted.state is not None:
        statement = statement.where(Pool.state == wanted.state)
    if after is not None:
        statement = statement.where(Pool.id > after)
    rows = await session.execute(statement.order_by(Pool.id).limit(limit))
    return [FoundPool(*row) for row in rows]


async def insert_pool(session: Session, values: dict[str, Any]) -> bool:
    """Whether the pool was added; False where its code is taken."""
    added = await session.execute(
        insert(Pool)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[Pool.code])
        .returning(Pool.id)
    )
    return added.one_or_none() is not None


async def id_by_code(session: ReadSession, code: str) -> PoolId | None:
    """The pool of this code."""
    return cast("PoolId | None", await session.scalar(select(Pool.id).where(Pool.code == code)))


async def codes_of(session: ReadSession, organisation_id: OrganisationId) -> frozenset[str]:
    """The codes of the organisation's pools, closed ones too."""
    found = await session.scalars(select(Pool.code).where(Pool.organisation_id == organisation_id))
    return frozenset(found)


async def insert_version(session: Session, values: dict[str, Any]) -> None:
    """Add a version to a pool."""
    await session.execute(insert(PoolVersion).values(**values))


async def find_version(session: ReadSession, pool_id: PoolId, number: int) -> PoolVersion | None:
    """The version of this number."""
    statement = select(PoolVersion).where(
        PoolVersion.pool_id == pool_id, PoolVersion.number == number
    )
    return cast("PoolVersion | None", await session.scalar(statement))


async def list_versions(
    session: ReadSession, pool_id: PoolId, *, after: UUID | None, limit: int
) -> list[PoolVersion]:
    """Up to ``limit`` versions of the pool, oldest first, after the version ``after``."""
    statement = select(PoolVersion).where(PoolVersion.pool_id == pool_id)
    if after is not None:
        statement = statement.where(PoolVersion.id > after)
    return list(await session.scalars(statement.order_by(PoolVersion.id).limit(limit)))


def _pools() -> Select[*tuple[Any, ...]]:
    return (
        select(Pool, PoolVersion, CARD.c.name)
        .join(
            PoolVersion,
            and_(PoolVersion.pool_id == Pool.id, PoolVersion.number == Pool.version),
        )
        .join(CARD, CARD.c.id == Pool.organisation_id)
    )
