"""Events: what has happened, in one append-only chain that anybody can check.

Positions count from 1 without a gap, in the order of commits: a reader that keeps the last position
it has seen misses nothing. Each hash is the sha256 of the hash before it (32 zero bytes at first)
and the RFC 8785 JSON of ``{"event": ..., "position": ..., "recorded_at": ...}``.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import re
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Index,
    LargeBinary,
    RowMapping,
    Select,
    Text,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.canonical import canonical, encode
from matchmaker.core.db import Base, ReadSession, Session

CHANNEL: Final = "mm_event"
"""Told the new last position at each commit; a hint to look, never the only way to know."""
FIRST: Final = bytes(32)
"""What the first event's hash continues."""
_KIND: Final = re.compile(r"[a-z][a-z_]*[.][a-z][a-z_]*")
_CHUNK: Final = 1000
_APPEND: Final = text("SELECT mm.append_events(:bodies)").bindparams(
    bindparam("bodies", type_=ARRAY(Text))
)
_HEAD: Final = text("SELECT mm.event_head()")
_HASHES: Final = text("SELECT mm.event_hashes(:after, :until)").bindparams(
    bindparam("after", type_=BigInteger()), bindparam("until", type_=BigInteger())
)


class ActorType(enum.StrEnum):
    """What sort of actor did it."""

    API_KEY = "api_key"
    MEMBER = "member"
    CLOCK = "clock"
    CLI = "cli"


class EventActor(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what an event tells; the clock and the command line have no id."""

    type: ActorType
    id: UUID | None = None
    organisation_id: UUID | None = None


CLOCK: Final = EventActor(type=ActorType.CLOCK)
CLI: Final = EventActor(type=ActorType.CLI)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has happened to one subject.

    An event cannot be erased: ``data`` holds ids, states and numbers, nothing of a person and no
    secret.
    """

    kind: str
    """Noun and verb, as ``need.opened``."""
    subject_type: str
    subject_id: UUID
    organisation_id: UUID | None
    """Whose subject it is; None where it is nobody's."""
    actor: EventActor
    data: dict[str, Any] = {}
    """Keys are ASCII; a decimal is kept as a string."""
    request_id: str | None = None
    """None: that of the request being answered, if there is one."""

    def __post_init__(self) -> None:
        """Refuse a kind that is not noun and verb."""
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"{self.kind!r} is not like noun.verb")


class EventRow(Base, kw_only=True):
    """An event as stored; written by the database function alone."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("position > 0", name="position_from_one"),
        CheckConstraint("kind ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'", name="kind_is_noun_and_verb"),
        CheckConstraint("octet_length(hash) = 32", name="hash_is_sha256"),
        Index(None, "subject_id", "position"),
        Index(None, "organisation_id", "position"),
        Index(None, "actor_organisation_id", "position"),
    )

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recorded_at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(Text)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    actor: Mapped[dict[str, Any]]
    data: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(Text)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    actor_organisation_id: Mapped[UUID | None] = mapped_column(
        Computed("(actor ->> 'organisation_id')::uuid", persisted=True), init=False
    )
    """Again, so that it can be looked up by: row-level security lets no function at an index."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the chain."""

    position: int
    recorded_at: dt.datetime
    """When its transaction began, by the database's clock."""
    event: Event
    hash: bytes


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the chain as somebody once noted it."""

    position: int
    hash: bytes


class Break(enum.StrEnum):
    """How the chain is broken at a position."""

    MISSING = "missing"
    CHANGED = "changed"
    REWRITTEN = "rewritten"
    """It continues the chain, but is not what the anchor noted."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the whole chain found."""

    head: Anchor
    """The last event that continues the chain."""
    broken_at: int | None = None
    """The first position that is missing or does not continue the chain."""
    reason: Break | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing and nothing was changed."""
        return self.broken_at is None


async def append(session: Session, *events: Event) -> int:
    """The position of the last of ``events``, which are now part of the transaction.

    They have consecutive positions. Called as the last step before the commit, once: until then
    nobody else can append.

    Raises:
        ValueError: there is nothing to append.
    """
    if not events:
        raise ValueError("no event to append")
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    bodies = [
        encode(
            canonical(msgspec.structs.replace(event, request_id=event.request_id or request_id))
        ).decode()
        for event in events
    ]
    # What waits for locks of its own does so before this transaction holds everybody's.
    await session.flush()
    position: int = (await session.execute(_APPEND, {"bodies": bodies})).scalar_one()
    return position


async def head(session: ReadSession) -> int:
    """The last position, whoever may read the event there; 0: none yet."""
    found: int = (await session.execute(_HEAD)).scalar_one()
    return found


async def anchor(session: ReadSession, position: int) -> Anchor | None:
    """The event at ``position`` by its hash; None where there is none."""
    if position == 0:
        return Anchor(position=0, hash=FIRST)
    found = await hashes(session, position - 1, position)
    return Anchor(position=position, hash=found[0]) if found else None


async def after(
    session: ReadSession,
    position: int,
    limit: int = 100,
    *,
    subject_id: UUID | None = None,
    organisation_id: UUID | None = None,
) -> list[Recorded]:
    """The next events after ``position``, in order; of one subject or organisation if named."""
    query = _rows(position, limit)
    if subject_id is not None:
        query = query.where(EventRow.subject_id == subject_id)
    if organisation_id is not None:
        query = query.where(EventRow.organisation_id == organisation_id)
    return [_recorded(row) for row in (await session.execute(query)).mappings()]


async def hashes(session: ReadSession, after: int, until: int) -> list[bytes]:
    """The hashes of the events after one position up to another, in order, whosever they are."""
    return list(await session.scalars(_HASHES, {"after": after, "until": until}))


async def content(session: ReadSession, position: int) -> bytes | None:
    """What was hashed after the hash before it for the event at ``position``; None: no event."""
    row = (await session.execute(_rows(position - 1, 1))).mappings().one_or_none()
    return None if row is None or row["position"] != position else _content(row)


async def verify(session: ReadSession, anchor: Anchor | None = None) -> Verdict:
    """Whether the chain is whole, and still holds ``anchor``; reads it in pieces.

    Whoever can rewrite every row, or cut off the last ones, leaves a whole chain: only an anchor
    kept elsewhere tells.
    """
    last = Anchor(position=0, hash=FIRST)
    while rows := (await session.execute(_rows(last.position, _CHUNK))).mappings().all():
        for row in rows:
            if row["position"] != last.position + 1:
                return Verdict(head=last, broken_at=last.position + 1, reason=Break.MISSING)
            if hashlib.sha256(last.hash + _content(row)).digest() != row["hash"]:
                return Verdict(head=last, broken_at=row["position"], reason=Break.CHANGED)
            last = Anchor(position=row["position"], hash=row["hash"])
            if anchor is not None and anchor.position == last.position and anchor != last:
                return Verdict(head=last, broken_at=last.position, reason=Break.REWRITTEN)
    if anchor is not None and anchor.position > last.position:
        return Verdict(head=last, broken_at=last.position + 1, reason=Break.MISSING)
    return Verdict(head=last)


def _rows(position: int, limit: int) -> Select[Any]:
    return (
        select(*EventRow.__table__.columns)
        .where(EventRow.position > position)
        .order_by(EventRow.position)
        .limit(limit)
    )


def _content(row: RowMapping) -> bytes:
    """What was hashed for a row, from its columns as they are now: nothing is put right."""
    event = {field: row[field] for field in Event.__struct_fields__}
    moment = row["recorded_at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    whole = {
        "event": msgspec.to_builtins(event),
        "position": row["position"],
        "recorded_at": moment.replace("+00:00", "Z"),
    }
    return encode(whole)


def _recorded(row: RowMapping) -> Recorded:
    fields = {field: row[field] for field in Event.__struct_fields__}
    fields["actor"] = msgspec.convert(fields["actor"], EventActor)
    return Recorded(
        position=row["position"],
        recorded_at=row["recorded_at"],
        event=Event(**fields),
        hash=row["hash"],
    )
