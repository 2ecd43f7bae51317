"""Every statement about admissions and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, false, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from matchmaker.catalog.admissions.machine import HELD, LISTED, AdmissionState
from matchmaker.catalog.admissions.models import (
    Admission,
    AdmissionDecision,
    AdmissionId,
    AdmissionLive,
)
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import (
    Kind,
    Offering,
    OfferingId,
    OfferingVersion,
    VersionId,
    Visibility,
)
from matchmaker.catalog.pools.machine import PoolState
from matchmaker.catalog.pools.models import Pool, PoolId, PoolVersion
from matchmaker.core.living import follow, held_at, turned_after
from matchmaker.identity.models import CARD, OrganisationId, OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session

_ANEW: Final = {"populate_existing": True}
"""What a statement has changed is read from the database, not from what was read before."""


class Candidate(NamedTuple):
    """An offering with all that the rules of a pool read, evidence apart."""

    offering_id: OfferingId
    organisation_id: OrganisationId
    state: OfferingState
    version_id: VersionId
    kind: Kind
    visibility: Visibility
    document: dict[str, Any]
    provider_kind: str | None
    region: str | None


class FoundAdmission(NamedTuple):
    """An admission with its last decision, its pool, and what the offering is called.

    ``version`` is the version of the pool in force, ``title`` what the decision saw.
    """

    admission: Admission
    decision: AdmissionDecision
    pool: Pool
    version: PoolVersion
    title: dict[str, Any]
    provider_name: dict[str, Any]


def admissions_to_pools_of(organisation_id: SQLColumnExpression[Any]) -> Select[AdmissionId]:
    """The admissions, in whatever state, to the pools of an organisation."""
    return (
        select(Admission.id)
        .join(Pool, Pool.id == Admission.pool_id)
        .where(Pool.organisation_id == organisation_id)
    )


class AdmissionFilter(NamedTuple):
    """What a list of admissions is narrowed to."""

    pool_id: PoolId | None = None
    state: AdmissionState | None = None
    tier: str | None = None


class Reader(NamedTuple):
    """For whom admissions are read; nobody in particular by default."""

    organisation_id: OrganisationId | None = None
    decides: bool = False
    """Acts for its own pools."""
    sees_all: bool = False


async def candidate(
    session: ReadSession, offering_id: OfferingId, *, last_seen: VersionId | None = None
) -> Candidate | None:
    """The offering by its published version, else by the one ``last_seen``; None without either."""
    version_id = func.coalesce(Offering.published_version_id, last_seen)
    row = (
        await session.execute(
            select(
                Offering.id,
                Offering.organisation_id,
                Offering.state,
                OfferingVersion.id,
                OfferingVersion.kind,
                Offering.visibility,
                OfferingVersion.document,
                CARD.c.provider_kind,
                CARD.c.region,
            )
            .join(OfferingVersion, OfferingVersion.id == version_id)
            .join(CARD, CARD.c.id == Offering.organisation_id)
            .where(Offering.id == offering_id)
        )
    ).one_or_none()
    return None if row is None else Candidate(*row)


async def offering_state(
    session: ReadSession, offering_id: OfferingId, organisation_id: OrganisationId
) -> OfferingState | None:
    """Where the offering stands; None if there is none, or it is another organisation's."""
    statement = select(Offering.state).where(
        Offering.id == offering_id, Offering.organisation_id == organisation_id
    )
    return cast("OfferingState | None", await session.scalar(statement))


async def insert_admission(session: Session, admission: Admission) -> bool:
    """Whether the admission was added; False where the offering has one to this pool."""
    added = await session.execute(
        insert(Admission)
        .values(
            id=admission.id,
            organisation_id=admission.organisation_id,
            pool_id=admission.pool_id,
            offering_id=admission.offering_id,
            state=admission.state,
            revision=admission.revision,
        )
        .on_conflict_do_nothing(index_elements=[Admission.pool_id, Admission.offering_id])
        .returning(Admission.id)
    )
    return added.one_or_none() is not None


async def admission_of(
    session: ReadSession, pool_id: PoolId, offering_id: OfferingId
) -> AdmissionId | None:
    """The admission of the offering to the pool."""
    statement = select(Admission.id).where(
        Admission.pool_id == pool_id, Admission.offering_id == offering_id
    )
    return cast("AdmissionId | None", await session.scalar(statement))


async def find_admission(session: ReadSession, admission_id: AdmissionId) -> FoundAdmission | None:
    """The admission as it stands, whoever asks."""
    statement = _admissions().where(Admission.id == admission_id)
    row = (await session.execute(statement, execution_options=_ANEW)).one_or_none()
    return None if row is None else FoundAdmission(*row)


async def list_admissions(
    session: ReadSession,
    wanted: AdmissionFilter,
    reader: Reader,
    *,
    after: UUID | None,
    limit: int,
) -> list[FoundAdmission]:
    """Up to ``limit`` admissions that are there for ``reader``, by id, after the one ``after``."""
    statement = _admissions().where(_seen_by(reader))
    for name, value in wanted._asdict().items():
        if value is not None:
            statement = statement.where(getattr(Admission, name) == value)
    if after is not None:
        statement = statement.where(Admission.id > after)
    rows = await session.execute(statement.order_by(Admission.id).limit(limit))
    return [FoundAdmission(*row) for row in rows]


async def due(session: ReadSession, today: dt.date, *, limit: int) -> list[FoundAdmission]:
    """Up to ``limit`` admissions whose last day has passed."""
    statement = _admissions().where(Admission.state.in_(HELD), Admission.valid_until < today)
    rows = await session.execute(statement.order_by(Admission.id).limit(limit))
    return [FoundAdmission(*row) for row in rows]


async def insert_decision(session: Session, values: dict[str, Any]) -> None:
    """Add a decision on an admission."""
    await session.execute(insert(AdmissionDecision).values(**values))


async def list_decisions(
    session: ReadSession, admission_id: AdmissionId, *, after: UUID | None, limit: int
) -> list[AdmissionDecision]:
    """Up to ``limit`` decisions on the admission, oldest first, after the decision ``after``."""
    statement = select(AdmissionDecision).where(AdmissionDecision.admission_id == admission_id)
    if after is not None:
        statement = statement.where(AdmissionDecision.id > after)
    return list(await session.scalars(statement.order_by(AdmissionDecision.id).limit(limit)))


async def follow_live(
    session: Session, admission_ids: Collection[AdmissionId], position: int
) -> None:
    """Let what is listed of these admissions by now be so from the event at ``position``."""
    now = select(Admission.id.label("admission_id"), Admission.organisation_id)
    listed = now.where(Admission.state.in_(LISTED))
    await follow(session, AdmissionLive, listed, subjects=admission_ids, position=position)


async def pool_codes(session: ReadSession, position: int) -> dict[OfferingId, frozenset[str]]:
    """By offering the codes of the pools it was in right after the event at ``position``."""
    codes = func.array_agg(aggregate_order_by(Pool.code, Pool.code))
    rows = await session.execute(
        select(Admission.offering_id, codes)
        .join(AdmissionLive, AdmissionLive.admission_id == Admission.id)
        .join(Pool, Pool.id == Admission.pool_id)
        .where(*held_at(AdmissionLive, position))
        .group_by(Admission.offering_id)
    )
    return {offering_id: frozenset(listed) for offering_id, listed in rows}


async def turned_offerings(session: ReadSession, position: int) -> frozenset[OfferingId]:
    """The offerings that were in other pools at ``position``."""
    rows = await session.scalars(
        select(Admission.offering_id)
        .join(AdmissionLive, AdmissionLive.admission_id == Admission.id)
        .where(turned_after(AdmissionLive, position))
    )
    return frozenset(rows)


def _admissions() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Admission,
            AdmissionDecision,
            Pool,
            PoolVersion,
            OfferingVersion.title,
            CARD.c.name,
        )
        .join(Pool, Pool.id == Admission.pool_id)
        .join(
            PoolVersion,
            and_(PoolVersion.pool_id == Pool.id, PoolVersion.number == Pool.version),
        )
        .join(Offering, Offering.id == Admission.offering_id)
        .join(
            AdmissionDecision,
            and_(
                AdmissionDecision.admission_id == Admission.id,
                AdmissionDecision.number == Admission.revision,
            ),
        )
        .join(OfferingVersion, OfferingVersion.id == AdmissionDecision.offering_version_id)
        .join(CARD, CARD.c.id == Admission.organisation_id)
    )


def _seen_by(reader: Reader) -> ColumnElement[bool]:
    """Of an open pool everyone sees what is in it, unless only holders of the pool see it."""
    everyone = and_(
        Admission.state.in_(LISTED),
        Pool.state == PoolState.OPEN,
        Offering.state == OfferingState.PUBLISHED,
        Offering.visibility == Visibility.PUBLIC,
        CARD.c.state == OrganisationState.VERIFIED,
    )
    if reader.sees_all:
        return Admission.id.is_not(None)
    if reader.organisation_id is None:
        return everyone
    own_pool = Pool.organisation_id == reader.organisation_id if reader.decides else false()
    return or_(everyone, Admission.organisation_id == reader.organisation_id, own_pool)
