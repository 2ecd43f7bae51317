"""The change feed: what a caller may see, page by page in both ways, without gap or repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchmaker.core import events
from matchmaker.core.cursors import Place
from matchmaker.feed.events import queries
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.db import ReadSession
    from matchmaker.core.events import EventRow
    from matchmaker.feed.events.queries import Wanted
    from matchmaker.feed.sharing import Shared
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page in the order of positions, and where the feed goes on at either end."""

    rows: Sequence[EventRow]
    after: Place
    """There is always an after: what is still to happen."""
    before: Place | None
    """None: this is the beginning."""


def sees(reader: Principal) -> OrganisationId | None:
    """Whose eyes ``reader`` sees with; None: an operator sees all."""
    is_operator = OrganisationRole.OPERATOR in reader.roles
    return None if is_operator else reader.organisation_id


async def page(
    session: ReadSession,
    reader: Principal,
    wanted: Wanted,
    place: Place,
    *,
    shared: Shared,
    limit: int,
) -> Found:
    """The events beside ``place`` that ``reader`` may see.

    The head is read first: whatever is up to there, the next statement sees.
    """
    last = await events.head(session)
    found = await queries.list_events(
        session, sees(reader), wanted, place, shared=shared, limit=limit + 1
    )
    is_more = len(found) > limit
    if place.is_backward:
        rows = found[-limit:]
        start = rows[0].position if rows else place.position
        before = Place(start, is_backward=True) if is_more else None
        end = rows[-1].position if rows else max(place.position - 1, 0)
        return Found(rows=rows, after=Place(end), before=before)
    rows = found[:limit]
    end = rows[-1].position if rows else place.position
    # At the end, what the reader may not see is not gone through again.
    end = end if is_more else max(end, last)
    start = rows[0].position if rows else place.position + 1
    is_first = place.position == 0
    return Found(
        rows=rows,
        after=Place(end),
        before=None if is_first else Place(start, is_backward=True),
    )
