"""Every statement about guides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Text, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from matchmaker.policy.guides.machine import GuideState
from matchmaker.policy.guides.models import Guide

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.policy.guides.models import GuideId
    from matchmaker.policy.issuing import Reader


class GuideFilter(NamedTuple):
    """Which guides are listed: of firms of these industries and places, each up to its top.

    None asks for all.
    """

    industries: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None
    state: GuideState | None = None


async def insert_guide(session: Session, guide: Guide) -> None:
    """Add the guide; its times are known afterwards."""
    session.add(guide)
    await session.flush()


async def find_guide(session: ReadSession, guide_id: GuideId, reader: Reader) -> Guide | None:
    """The guide of this id as it is now, if it is there for ``reader``."""
    found = await session.scalars(
        select(Guide)
        .where(Guide.id == guide_id, *_seen_by(reader))
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_guides(
    session: ReadSession, wanted: GuideFilter, reader: Reader, *, after: UUID | None, limit: int
) -> list[Guide]:
    """Up to ``limit`` guides for ``reader``, by id, after the guide ``after``."""
    statement = select(Guide).where(*_seen_by(reader), *_wanted(wanted))
    if after is not None:
        statement = statement.where(Guide.id > after)
    return list(await session.scalars(statement.order_by(Guide.id).limit(limit)))


async def hold_editions(session: Session, owner: OrganisationId, code: str) -> list[Guide]:
    """The owner's editions of a guide, which nobody else changes until this transaction ends."""
    found = await session.scalars(
        select(Guide)
        .where(Guide.organisation_id == owner, Guide.code == code)
        .order_by(Guide.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _seen_by(reader: Reader) -> list[ColumnElement[bool]]:
    if reader.sees_all:
        return []
    return [or_(Guide.state != GuideState.DRAFT, Guide.organisation_id == reader.organisation_id)]


def _wanted(wanted: GuideFilter) -> list[ColumnElement[bool]]:
    """The conditions; a guide of no industries or no region is for any."""
    found: list[ColumnElement[bool]] = []
    if wanted.industries is not None:
        named = Guide.industries.overlap(literal(list(wanted.industries), ARRAY(Text)))
        found.append(or_(func.cardinality(Guide.industries) == 0, named))
    if wanted.places is not None:
        found.append(or_(Guide.region.is_(None), Guide.region.in_(wanted.places)))
    if wanted.state is not None:
        found.append(Guide.state == wanted.state)
    return found
