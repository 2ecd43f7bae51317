"""What was read, as it is told."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from matchmaker.demand.declaration import Budget
from matchmaker.demand.reading.schemas import (
    NeedReading,
    ReadDraft,
    ReadField,
    ReadSpan,
    UnreadSpan,
    WhyUnread,
)

if TYPE_CHECKING:
    from matchmaker.demand.declaration import KindCode
    from matchmaker.demand.reading.reader import Read


def reading(text: str, read: Read, words: str) -> NeedReading:
    """What was ``read`` from ``text`` with the edition ``words``."""
    return NeedReading(
        draft=_draft(text, read),
        spans=[
            ReadSpan(
                field=ReadField(span.field),
                code=span.value if isinstance(span.value, str) else None,
                start=span.part.start,
                end=span.part.end,
                quote=text[slice(*span.part)],
            )
            for span in read.spans
        ],
        unread=[
            UnreadSpan(
                field=ReadField(each.field),
                reason=WhyUnread(each.reason),
                start=each.part.start,
                end=each.part.end,
                quote=text[slice(*each.part)],
            )
            for each in read.unread
        ],
        words=words,
    )


def _draft(text: str, read: Read) -> ReadDraft:
    kinds: list[KindCode] = read.values("kind")  # type: ignore[assignment]
    values = [span.value for span in read.spans]
    return ReadDraft(
        kind=kinds[0] if kinds else None,
        text=text,
        scenes=read.values("scenes") or None,
        categories=read.values("categories") or None,
        budget=next((value for value in values if isinstance(value, Budget)), None),
        ready_by=next((value for value in values if isinstance(value, dt.date)), None),
        deployment=read.values("deployment") or None,
    )
