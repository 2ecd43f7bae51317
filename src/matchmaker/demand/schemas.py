"""A need on the wire; only its kind is required."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec

from matchmaker.core.wire import Currency, Prose
from matchmaker.enterprise.facts import Codes, Region, Rule

MOST_BUDGET = 1_000_000_000_000
"""The greatest budget in minor units: 10^10 yuan."""

KindCode: TypeAlias = Literal["solution", "advisory", "research", "talent", "finance"]


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent in the first 12 months, in whole minor units."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=MOST_BUDGET)]
    currency: Currency


class NeedFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a firm looks for.

    ``scenes`` are of the 16 scenes; ``must`` is a rule that excludes, ``prefer`` a list of leaves
    that only weigh.
    """

    kind: KindCode
    text: Prose | None = None
    scenes: Codes | None = None
    categories: Codes | None = None
    budget: Budget | None = None
    ready_by: dt.date | None = None
    region: Region | None = None
    deployment: Codes | None = None
    must: Rule | None = None
    prefer: Annotated[list[Rule], msgspec.Meta(max_length=20)] | None = None
