"""A text and the draft that was read from it, on the wire."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, TypeAlias

import msgspec

from matchmaker.core.wire import Prose
from matchmaker.demand.declaration import Budget, KindCode

Written: TypeAlias = Annotated[Prose, msgspec.Meta(min_length=1)]
Place = Annotated[int, msgspec.Meta(ge=0, le=8000, description="In Unicode characters, from 0")]


class ReadField(enum.StrEnum):
    """What can be read."""

    KIND = "kind"
    SCENES = "scenes"
    CATEGORIES = "categories"
    BUDGET = "budget"
    READY_BY = "ready_by"
    DEPLOYMENT = "deployment"


class WhyUnread(enum.StrEnum):
    """Why something that looks like a fact is not in the draft."""

    DENIED = "denied"
    """The text says that it is not wanted."""
    HELD = "held"
    """The text says that it is there already."""
    SEVERAL_KINDS = "several_kinds"
    CURRENCY_MISSING = "currency_missing"
    AMBIGUOUS_CURRENCY = "ambiguous_currency"
    NO_BUDGET_WORD = "no_budget_word"
    """An amount of which the text does not say what it is."""
    OUT_OF_RANGE = "out_of_range"
    PAST = "past"
    NO_SUCH_DAY = "no_such_day"
    ANOTHER = "another"
    """The draft has an earlier one."""


class NeedText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody looks for, in their own words, Chinese or English."""

    text: Written


class ReadDraft(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a need as far as the text states them; null: it does not."""

    kind: KindCode | None
    text: str
    scenes: list[str] | None
    categories: list[str] | None
    budget: Budget | None
    ready_by: dt.date | None
    deployment: list[str] | None


class ReadSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of the draft, and the characters of the text that state it."""

    field: ReadField
    code: Annotated[
        str | None, msgspec.Meta(description="What was read, where the field holds codes")
    ]
    start: Place
    end: Place
    quote: str


class UnreadSpan(msgspec.Struct, frozen=True, kw_only=True):
    """What was not taken into the draft."""

    field: ReadField
    reason: WhyUnread
    start: Place
    end: Place
    quote: str


class NeedReading(msgspec.Struct, frozen=True, kw_only=True):
    """The draft of a need, and what each part of it was read from.

    The parts of ``draft`` go as they are into `POST /v1/match` or `POST /v1/needs`, once its kind
    is known.
    """

    draft: ReadDraft
    spans: list[ReadSpan]
    unread: list[UnreadSpan]
    words: Annotated[str, msgspec.Meta(description="Edition of the words it was read with")]
