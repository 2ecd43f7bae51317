"""A stored event as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.core.events import EventActor
from matchmaker.feed.events.schemas import FeedEvent

if TYPE_CHECKING:
    from matchmaker.core.events import EventRow


def told(row: EventRow) -> FeedEvent:
    """The event without what only a check of the chain needs."""
    return FeedEvent(
        position=row.position,
        recorded_at=row.recorded_at,
        kind=row.kind,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        organisation_id=row.organisation_id,
        actor=msgspec.convert(row.actor, EventActor),
        data=row.data,
    )
