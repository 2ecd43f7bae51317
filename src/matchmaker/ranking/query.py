"""One match's question as codes and numbers; what is unknown stays unknown."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.rules import Fact, Leaf, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A profile and a need, decoded.

    ``facts`` answers rule fields ``profile.<...>`` and ``need.<...>``; a missing name is unknown.
    ``scale`` and ``stage`` are ranks. ``scenes`` are the scenes asked for, ``levels`` the firm's
    present levels. ``counts`` are the unit counts a price may need. ``plain`` and ``concepts`` are
    the distinct tokens of the text, None without a text. ``pools`` are the pools asked for, empty =
    any; ``caller_pools`` those the caller holds.
    """

    kind: str
    as_of: dt.datetime
    currency: str
    digest: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict[str, "Fact"])
    pools: frozenset[str] = frozenset()
    caller_pools: frozenset[str] = frozenset()
    industries: tuple[str, ...] = ()
    region: str | None = None
    scale: int | None = None
    stage: int | None = None
    levels: Mapping[str, int] = field(default_factory=dict[str, int])
    counts: Mapping[str, int | None] = field(default_factory=dict[str, "int | None"])
    profile_must: Rule | None = None
    need_must: Rule | None = None
    plain: tuple[str, ...] | None = None
    concepts: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    budget: int | None = None
    ready_by: dt.date | None = None
    prefer: tuple[Leaf, ...] = ()

    @property
    def today(self) -> dt.date:
        """The UTC date that dates are held against."""
        return self.as_of.astimezone(dt.UTC).date()

    def given(self) -> frozenset[str]:
        """Fields of profile and need that features need, as far as they are given."""
        present: dict[str, object] = {
            "profile.industries": self.industries,
            "profile.region": self.region,
            "profile.scale": self.scale is not None,
            "profile.stage": self.stage is not None,
            "need.text": self.plain is not None,
            "need.scenes": self.scenes,
            "need.categories": self.categories,
            "need.budget": self.budget is not None,
            "need.ready_by": self.ready_by is not None,
            "need.prefer": self.prefer,
        }
        return frozenset([name for name, value in present.items() if value])
