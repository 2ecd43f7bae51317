"""What needs have scored, and the order that follows from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matchmaker.ranking import slate

if TYPE_CHECKING:
    from matchmaker.matching.service import Model
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.index import Index, Part
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.screen import Verdict
    from matchmaker.ranking.slate import Curation


# It has no repr, as the index has none.
@dataclass(frozen=True, repr=False)
class Order(ABC):
    """One query against one index: the verdict on all offerings, and the order of those scored.

    ``part`` is what was scored: the whole index, or the survivors alone where they are few.
    """

    query: Query
    index: Index
    model: Model
    curations: tuple[Curation[int], ...]
    verdict: Verdict
    part: Part

    @property
    @abstractmethod
    def active(self) -> tuple[str, ...]:
        """A(q)."""

    @cached_property
    @abstractmethod
    def keys(self) -> Int:
        """2 x (best score + curation adds) + confirmed; `slate.UNSCORED` where no row survives.

        Of the offerings of the part.
        """

    @cached_property
    @abstractmethod
    def ends(self) -> tuple[int, int]:
        """(lo, hi) of A(q)."""

    @property
    def best(self) -> Int:
        """The best score of each offering in ``scored``, with what curations add."""
        return (self.keys if self.part.places is not None else self.keys[self.scored]) >> 1

    @cached_property
    @abstractmethod
    def scored(self) -> Int:
        """Places of the offerings that no rule excluded."""

    def adds(self, offering: int) -> tuple[slate.Add, ...]:
        """What curations add to the offering."""
        return slate.adds_for(offering, self.curations, self.ends)

    def tie(self, offering: int) -> bytes:
        """What breaks equal keys."""
        return slate.tie(self.query.digest, self.index.offering_ids[offering])

    def order(self, count: int) -> list[int]:
        """The first ``count`` offerings; longer where the last key is shared."""
        part = self.part
        first = slate.ordered(
            self.keys, len(self.scored), lambda place: self.tie(part.in_index(place)), count
        )
        return [part.in_index(place) for place in first]

    def rank(self, offering: int) -> int:
        """The place of a scored offering in the order, from 1."""
        part, key = self.part, self.keys[self.part.in_part(offering)]
        alike = [part.in_index(place) for place in np.flatnonzero(self.keys == key).tolist()]
        tie = self.tie(offering)
        sooner = sum(self.tie(each) < tie for each in alike) if len(alike) > 1 else 0
        return int(np.count_nonzero(self.keys > key)) + sooner + 1

    def boost(self, keys: Int) -> None:
        """Add to ``keys``, in place, twice what curations add to offerings in the order."""
        if any(curation.boosts for curation in self.curations):
            adds = slate.sums_of(self.curations, self.ends, self.index.offerings)
            here = adds if self.part.places is None else adds[self.part.places]
            keys[keys > slate.UNSCORED] += 2 * here[keys > slate.UNSCORED]


class Found(NamedTuple):
    """What is alike in the orders of needs that were added up side by side."""

    active: tuple[str, ...]
    ends: tuple[int, int]
    scored: Int


@dataclass(frozen=True, repr=False)
class Ranked(Order):
    """The order alone, of a need that was added up beside others."""

    alike: Found
    of_offerings: Int

    @property
    def active(self) -> tuple[str, ...]:
        """A(q)."""
        return self.alike.active

    @cached_property
    def ends(self) -> tuple[int, int]:
        """(lo, hi) of A(q)."""
        return self.alike.ends

    @cached_property
    def scored(self) -> Int:
        """Places of the offerings that no rule excluded."""
        return self.alike.scored

    @cached_property
    def keys(self) -> Int:
        """What the order is by."""
        return self.of_offerings
