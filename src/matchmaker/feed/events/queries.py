"""Every statement that reads events for somebody, and what of them they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Uuid, literal, or_, select, union

from matchmaker.core.events import EventRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select, SQLColumnExpression

    from matchmaker.core.cursors import Place
    from matchmaker.core.db import ReadSession
    from matchmaker.feed.sharing import Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are asked for; None: whatever it is."""

    subject_type: str | None = None
    subject_id: UUID | None = None
    kind: str | None = None


def visible_to(organisation_id: SQLColumnExpression[Any], shared: Shared) -> ColumnElement[bool]:
    """Whether an organisation may see an event: of its subjects, by itself, of what it shares."""
    return or_(*_ways(organisation_id, shared))


async def list_events(
    session: ReadSession,
    reader: UUID | None,
    wanted: Wanted,
    place: Place,
    *,
    shared: Shared,
    limit: int,
) -> list[EventRow]:
    """Up to ``limit`` events that ``reader`` may see (None: all) beside ``place``, in their order.

    Each way to see an event is a walk of its own along an index, and is cut off by itself.
    """
    if reader is None:
        positions: Any = _beside(place, limit, wanted)
    else:
        ways = _ways(literal(reader, Uuid), shared)
        each = [_beside(place, limit, wanted).where(way).subquery() for way in ways]
        positions = union(*(select(way.c.position) for way in each))
    order = EventRow.position.desc() if place.is_backward else EventRow.position
    rows = await session.scalars(
        select(EventRow).where(EventRow.position.in_(positions)).order_by(order).limit(limit)
    )
    found = list(rows)
    return found[::-1] if place.is_backward else found


async def find_event(
    session: ReadSession, position: int, reader: UUID | None, shared: Shared
) -> EventRow | None:
    """The event at ``position``, if ``reader`` (None: whoever may see all) may see it."""
    statement = select(EventRow).where(EventRow.position == position)
    if reader is not None:
        statement = statement.where(visible_to(literal(reader, Uuid), shared))
    return (await session.scalars(statement)).one_or_none()


def _ways(
    organisation_id: SQLColumnExpression[Any], shared: Shared
) -> Sequence[ColumnElement[bool]]:
    """Each way in which an organisation may see an event."""
    acted = EventRow.actor_organisation_id == organisation_id
    return (
        EventRow.organisation_id == organisation_id,
        acted,
        *(
            (EventRow.subject_type == subject_type) & EventRow.subject_id.in_(ids(organisation_id))
            for subject_type, ids in shared.items()
        ),
    )


def _beside(place: Place, limit: int, wanted: Wanted) -> Select[Any]:
    """Positions of what is wanted after a place, or before it, nearest first."""
    column = EventRow.position
    statement = select(column)
    if place.is_backward:
        statement = statement.where(column < place.position).order_by(column.desc())
    else:
        statement = statement.where(column > place.position).order_by(column)
    if wanted.subject_type is not None:
        statement = statement.where(EventRow.subject_type == wanted.subject_type)
    if wanted.subject_id is not None:
        statement = statement.where(EventRow.subject_id == wanted.subject_id)
    if wanted.kind is not None:
        statement = statement.where(EventRow.kind == wanted.kind)
    return statement.limit(limit)
