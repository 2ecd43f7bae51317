"""Every statement about evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from matchmaker.catalog.evidence.machine import EVIDENCE, EvidenceState
from matchmaker.catalog.evidence.models import Evidence, EvidenceId, EvidenceType
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering, OfferingId, Visibility
from matchmaker.identity.models import CARD, OrganisationId, OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session


class Verified(NamedTuple):
    """What was verified of an offering and of its organisation as a whole, and still holds."""

    certificates: frozenset[str]
    cases: int
    cases_stated: int
    """Cases of the offering, whatever became of them."""


class Reader(NamedTuple):
    """For whom evidence is read; nobody in particular by default."""

    organisation_id: OrganisationId | None = None
    sees_all: bool = False
    """Operators and agencies: they verify."""


class EvidenceFilter(NamedTuple):
    """What a list is narrowed to."""

    offering_id: OfferingId | None = None
    organisation_id: OrganisationId | None = None
    state: EvidenceState | None = None


async def verified_of(
    session: ReadSession,
    offering_id: OfferingId,
    organisation_id: OrganisationId,
    *,
    today: dt.date,
) -> Verified:
    """What counts for an offering on ``today``: its own evidence, and its provider's."""
    holds = and_(
        Evidence.state == EvidenceState.VERIFIED,
        or_(Evidence.valid_until.is_(None), Evidence.valid_until >= today),
    )
    is_case = and_(Evidence.type == EvidenceType.CASE, Evidence.offering_id == offering_id)
    is_certificate = and_(
        holds, Evidence.type == EvidenceType.CERTIFICATE, Evidence.certificate.is_not(None)
    )
    row = (
        await session.execute(
            select(
                func.coalesce(func.array_agg(Evidence.certificate).filter(is_certificate), []),
                func.count().filter(and_(is_case, holds)),
                func.count().filter(is_case),
            ).where(
                Evidence.organisation_id == organisation_id,
                or_(Evidence.offering_id == offering_id, Evidence.offering_id.is_(None)),
            )
        )
    ).one()
    return Verified(frozenset(filter(None, row[0])), row[1], row[2])


async def find(session: ReadSession, evidence_id: EvidenceId, reader: Reader) -> Evidence | None:
    """The evidence, if it is there for ``reader``."""
    statement = _seen_by(reader).where(Evidence.id == evidence_id)
    found: Evidence | None = await session.scalar(
        statement, execution_options={"populate_existing": True}
    )
    return found


async def list_evidence(
    session: ReadSession,
    wanted: EvidenceFilter,
    reader: Reader,
    *,
    after: UUID | None,
    limit: int,
) -> list[Evidence]:
    """Up to ``limit`` pieces of evidence for ``reader``, by id, after the one ``after``."""
    statement = _seen_by(reader)
    for name, value in wanted._asdict().items():
        if value is not None:
            statement = statement.where(getattr(Evidence, name) == value)
    if after is not None:
        statement = statement.where(Evidence.id > after)
    return list(await session.scalars(statement.order_by(Evidence.id).limit(limit)))


async def owns_offering(
    session: ReadSession, offering_id: OfferingId, organisation_id: OrganisationId
) -> bool:
    """Whether the offering is there and is the organisation's."""
    statement = select(Offering.id).where(
        Offering.id == offering_id, Offering.organisation_id == organisation_id
    )
    return await session.scalar(statement) is not None


async def expire(
    session: Session, today: dt.date, *, limit: int
) -> list[tuple[EvidenceId, OrganisationId, int]]:
    """Id, owner and new revision of up to ``limit`` claims past their last day, now expired."""
    step = EVIDENCE.step("expire")
    if step is None:
        raise ValueError("the life of evidence has no end by date")
    due = (
        select(Evidence.id)
        .where(Evidence.state.in_(step.sources), Evidence.valid_until < today)
        .order_by(Evidence.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await session.execute(
        update(Evidence)
        .where(Evidence.id.in_(due.scalar_subquery()), Evidence.state.in_(step.sources))
        .values(
            state=step.target,
            revision=Evidence.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(Evidence.id, Evidence.organisation_id, Evidence.revision)
        .execution_options(synchronize_session=False)
    )
    return [(id_, owner, revision) for id_, owner, revision in rows]


def _seen_by(reader: Reader) -> Select[Evidence]:
    statement = (
        select(Evidence)
        .join(CARD, CARD.c.id == Evidence.organisation_id)
        .outerjoin(Offering, Offering.id == Evidence.offering_id)
    )
    if reader.sees_all:
        return statement
    seen: list[ColumnElement[bool]] = [_public()]
    if reader.organisation_id is not None:
        seen.append(Evidence.organisation_id == reader.organisation_id)
    return statement.where(or_(*seen))


def _public() -> ColumnElement[bool]:
    published: Any = and_(
        Offering.state == OfferingState.PUBLISHED, Offering.visibility == Visibility.PUBLIC
    )
    return and_(
        Evidence.state == EvidenceState.VERIFIED,
        CARD.c.state == OrganisationState.VERIFIED,
        or_(Evidence.offering_id.is_(None), published),
    )
