"""Every statement about what agencies may know of firms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import array

from matchmaker.enterprise.models import Profile, ProfileVersion
from matchmaker.enterprise.participations.machine import ParticipationState
from matchmaker.enterprise.participations.models import Participation
from matchmaker.enterprise.reach.models import CountedFirm, FirmCount
from matchmaker.identity.models import (
    CARD,
    Consent,
    ConsentPurpose,
    Organisation,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Select

    from matchmaker.core.db import ReadSession, Session


class NamedFirm(NamedTuple):
    """A firm that an agency may name, with what it states."""

    id: OrganisationId
    name: dict[str, Any]
    region: str | None
    facts: dict[str, Any] | None
    scale: str | None
    stage: str | None
    may_contact: bool
    consented: bool
    programmes: list[UUID]
    """Those of the agency that it has joined."""


class StatedFirm(NamedTuple):
    """A firm as it is counted, from what it states now."""

    id: OrganisationId
    region: str | None
    facts: dict[str, Any] | None
    scale: str | None
    stage: str | None


def _place(region: Any) -> ColumnElement[str | None]:  # noqa: ANN401  (a column of a view)
    """Where a firm is: as it was registered, else as its profile states."""
    return func.coalesce(region, ProfileVersion.facts["region"].astext)


def _within(regions: Collection[str], clusters: Collection[str]) -> ColumnElement[bool]:
    """That a firm lies in one of the regions or belongs to one of the clusters."""
    ways: list[ColumnElement[bool]] = [
        func.starts_with(_place(CARD.c.region), prefix) for prefix in regions
    ]
    if clusters:
        named = array([literal(code) for code in clusters])
        ways.append(ProfileVersion.facts["clusters"].has_any(named))
    return or_(literal(value=False), *ways)


def _allowed(purpose: ConsentPurpose) -> ColumnElement[bool]:
    return exists().where(
        Consent.organisation_id == CARD.c.id,
        Consent.purpose == purpose,
        Consent.withdrawn_at.is_(None),
    )


def _named(
    regions: Collection[str], clusters: Collection[str], programmes: Collection[str]
) -> Select[Any]:
    """Verified firms within the jurisdiction that allow agencies to see them by name.

    And those that take part in one of the programmes, which are named or whose keeper is.
    """
    ids = [UUID(each) for each in programmes]
    consented = and_(_allowed(ConsentPurpose.SHARE_WITH_AGENCY), _within(regions, clusters))
    joined = and_(
        Participation.organisation_id == CARD.c.id,
        Participation.state == ParticipationState.JOINED,
        or_(Participation.programme_id.in_(ids), Participation.agency_id.in_(ids)),
    )
    theirs = select(Participation.programme_id).where(joined).order_by(Participation.programme_id)
    return (
        select(
            CARD.c.id,
            CARD.c.name,
            _place(CARD.c.region),
            ProfileVersion.facts,
            ProfileVersion.scale,
            ProfileVersion.stage,
            _allowed(ConsentPurpose.CONTACT),
            func.coalesce(consented, literal(value=False)),
            func.array(theirs.scalar_subquery()),
        )
        .select_from(CARD)
        .outerjoin(Profile, Profile.organisation_id == CARD.c.id)
        .outerjoin(ProfileVersion, ProfileVersion.id == Profile.current_version_id)
        .where(
            CARD.c.state == OrganisationState.VERIFIED,
            CARD.c.roles.contains([OrganisationRole.SME.value]),
            or_(consented, exists().where(joined)),
        )
    )


async def named_firms(
    session: ReadSession,
    regions: Collection[str],
    clusters: Collection[str],
    programmes: Collection[str],
    *,
    after: UUID | None = None,
    limit: int = 1,
    only: OrganisationId | None = None,
) -> list[NamedFirm]:
    """Up to ``limit`` firms by id, after ``after``; ``only`` this one, if it is named."""
    statement = _named(regions, clusters, programmes)
    if after is not None:
        statement = statement.where(CARD.c.id > after)
    if only is not None:
        statement = statement.where(CARD.c.id == only)
    rows = await session.execute(statement.order_by(CARD.c.id).limit(limit))
    return [NamedFirm(*row) for row in rows]


async def stated_firms(session: ReadSession) -> list[StatedFirm]:
    """Every verified firm, as it stands."""
    rows = await session.execute(
        select(
            Organisation.id,
            _place(Organisation.region),
            ProfileVersion.facts,
            ProfileVersion.scale,
            ProfileVersion.stage,
        )
        .outerjoin(Profile, Profile.organisation_id == Organisation.id)
        .outerjoin(ProfileVersion, ProfileVersion.id == Profile.current_version_id)
        .where(
            Organisation.state == OrganisationState.VERIFIED,
            Organisation.roles.contains([OrganisationRole.SME.value]),
        )
    )
    return [StatedFirm(*row) for row in rows]


async def agencies(session: ReadSession) -> list[tuple[OrganisationId, dict[str, Any]]]:
    """Every verified agency with its jurisdiction."""
    rows = await session.execute(
        select(Organisation.id, Organisation.jurisdiction).where(
            Organisation.state == OrganisationState.VERIFIED,
            Organisation.roles.contains([OrganisationRole.AGENCY.value]),
            Organisation.jurisdiction.is_not(None),
        )
    )
    return [(id_, dict(said or {})) for id_, said in rows]


async def counted_firms(session: ReadSession) -> dict[OrganisationId, dict[str, Any]]:
    """Every firm as it was counted last."""
    rows = await session.execute(select(CountedFirm.organisation_id, CountedFirm.traits))
    return {id_: dict(traits) for id_, traits in rows}


async def replace_counts(
    session: Session, firms: Sequence[dict[str, Any]], counts: Sequence[dict[str, Any]]
) -> None:
    """Have these firms be the ones that are counted, and tell these counts of them."""
    await session.execute(delete(CountedFirm))
    await session.execute(delete(FirmCount))
    if firms:
        await session.execute(insert(CountedFirm), firms)
    if counts:
        await session.execute(insert(FirmCount), counts)


async def counts(
    session: ReadSession, agency: OrganisationId, dimension: str
) -> Sequence[FirmCount]:
    """What the agency is told by one dimension, and of all, the greatest first."""
    rows = await session.scalars(
        select(FirmCount)
        .where(
            and_(
                FirmCount.organisation_id == agency,
                FirmCount.dimension.in_(["", dimension]),
            )
        )
        .order_by(FirmCount.dimension, FirmCount.firms.desc(), FirmCount.code)
    )
    return rows.all()
