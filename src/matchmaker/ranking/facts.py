"""What the index is built from.

The declared facts of one offering version, decoded and language-free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from matchmaker.ranking.tokens import PackedCount, TokenCount
    from matchmaker.rules import Fact, Rule

ALL = "all"
"""The element of a set that declares "no limit"."""

GROUP = 4
"""Length of a GB/T 4754 code of a group, with its letter."""

UNITS = ("users", "machines", "sites", "employees")
"""Profile fields that count what a per-unit price is multiplied with."""

MOST_AMOUNT = 10**12
MOST_PER_UNIT = 10**10
"""The greatest minor units of a flat part and of one per unit: sums with counts fit 64 bits."""

YEARLY_PARTS = frozenset({"yearly", "maintenance"})
"""Price parts that recur every year; every other part counts once."""


class PricePart(NamedTuple):
    """One line of a price card: minor units at the upper end of its range, None when not stated."""

    part: str
    amount: int | None
    per: str | None = None


@dataclass(frozen=True, slots=True)
class PriceCard:
    """The price of one package in one currency (ISO 4217)."""

    currency: str
    parts: tuple[PricePart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """One edition of an offering: one row of the index.

    ``stages`` are ranks of the ladder from-to; ``levels`` maps a scene to its levels from-to, or to
    None where the scene is covered and its levels are not stated; ``weeks`` is from-to.
    """

    code: str
    scales: frozenset[str] = frozenset()
    stages: tuple[int, int] | None = None
    levels: Mapping[str, tuple[int, int] | None] = field(
        default_factory=dict[str, "tuple[int, int] | None"]
    )
    price: PriceCard | None = None
    weeks: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A verified case: the industry class it was done in and the scenes it touched."""

    industry: str
    scenes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingFacts:
    """One published offering version.

    ``declared`` holds every fact a rule may read as ``offering.<name>``; a missing name or None is
    unknown. ``cases`` are the verified ones; ``record`` is (accepted, projects); ``text`` counts
    tokens by language.
    """

    offering_id: str
    provider_id: str
    kind: str
    packages: tuple[PackageFacts, ...]
    declared: Mapping[str, Fact] = field(default_factory=dict[str, "Fact"])
    text: Mapping[str, TokenCount | PackedCount] = field(
        default_factory=dict[str, "TokenCount | PackedCount"]
    )
    visibility: str = "public"
    pools: frozenset[str] = frozenset()
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    attested: dt.date | None = None
    must: Rule | None = None
    cases: tuple[Case, ...] = ()
    record: tuple[int, int] | None = None

    def set_of(self, name: str) -> frozenset[str]:
        """The declared set ``name``; empty when unknown."""
        fact = self.declared.get(name)
        return fact if isinstance(fact, frozenset) else frozenset()
