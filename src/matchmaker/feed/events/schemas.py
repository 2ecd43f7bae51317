"""Events on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec

from matchmaker.core.events import EventActor
from matchmaker.core.signing import Signature
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
Hash = Annotated[
    str, msgspec.Meta(pattern=f"^[0-9a-f]{{64}}{END}", description="sha256, hexadecimal")
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


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the chain and the request that it came of."""

    event: FeedEvent
    request_id: str | None
    hash: Hash


class AuditHead(msgspec.Struct, frozen=True, kw_only=True):
    """How the chain stood: kept elsewhere, it tells later whether anything was changed since."""

    position: int
    """Of the last event, and so how many there were."""
    hash: Hash
    """Of the last event; it follows from every event before it."""
    root: Hash
    """Of the Merkle tree (RFC 9162, 2.1) whose entries are the hashes of all events."""


class AuditProof(msgspec.Struct, frozen=True, kw_only=True):
    """What holds an event against the head of the chain, without anybody else's events."""

    position: int
    content: Annotated[
        str, msgspec.Meta(description="The canonical JSON (RFC 8785) that was hashed")
    ]
    previous_hash: Hash
    hash: Annotated[Hash, msgspec.Meta(description="sha256 of `previous_hash` and `content`")]
    path: Annotated[
        list[Hash],
        msgspec.Meta(description="From entry `position` - 1 up to `head.root` (RFC 9162, 2.1.3)"),
    ]
    head: AuditHead
    signature: Annotated[
        Signature, msgspec.Meta(description="Of `head`, by a key of `/v1/receipt-keys`")
    ]
