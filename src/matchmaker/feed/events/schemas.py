"""Events on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec

from matchmaker.core.events import EventActor
from matchmaker.core.wire import END

Kind = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[a-z][a-z_]{{0,39}}[.][a-z][a-z_]{{0,39}}{END}",
        description="What happened, as noun and verb: `need.opened`",
    ),
]


SubjectType = Annotated[
    str,
    msgspec.Meta(pattern=f"^[a-z][a-z_]{{0,39}}{END}", description="A noun, as `need`"),
]


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened to one subject; what the subject is now is read at its own path.

    Positions grow by one with each event of the marketplace: of two events the later one has the
    greater position.
    """

    position: int
    recorded_at: dt.datetime
    kind: str
    subject_type: str
    subject_id: UUID
    organisation_id: Annotated[
        UUID | None, msgspec.Meta(description="Whose subject it is; null where it is nobody's")
    ]
    actor: EventActor
    data: Annotated[dict[str, Any], msgspec.Meta(description="Ids, states and numbers")]


class FeedPageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the feed goes on, both ways."""

    next: Annotated[
        str, msgspec.Meta(description="What follows, now or later: there is always one")
    ]
    prev: Annotated[str | None, msgspec.Meta(description="What came before; null at the beginning")]
    limit: int


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the feed, in the order of positions whichever way it was come to."""

    items: list[FeedEvent]
    page: FeedPageInfo
