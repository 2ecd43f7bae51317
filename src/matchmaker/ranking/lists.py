"""Judged lists: the rows of each need side by side, and what is taken over them need by need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matchmaker.ranking.columns import Int

Floats = NDArray[np.float64]
_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of several needs, one after the other.

    ``grades`` and ``weights`` are of shape (rows,); ``starts`` says where each list begins, and
    ``order`` where its rows stood in the arrays that were given.
    """

    grades: Floats
    weights: Floats
    starts: Int
    order: Int
    lengths: Int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find how long each list is."""
        lengths = np.diff(self.starts, append=len(self.grades)).astype(np.int64)
        object.__setattr__(self, "lengths", lengths)

    @classmethod
    def of(
        cls, grades: ArrayLike, qid: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> Self:
        """The lists of rows in any order; without ``qid`` all rows are one list.

        Raises:
            ValueError: lengths differ, or a grade or a weight is negative or not finite.
        """
        found = np.asarray(grades, np.float64)
        needs = np.zeros(len(found), np.int64) if qid is None else np.asarray(qid)
        shares = np.ones(len(found)) if weights is None else np.asarray(weights, np.float64)
        if needs.shape != found.shape or shares.shape != found.shape:
            raise ValueError("qid and sample_weight must have one entry for each row")
        for name, each in (("y", found), ("sample_weight", shares)):
            if not np.isfinite(each).all() or (each < 0).any():
                raise ValueError(f"{name} must be finite and not negative")
        order = np.argsort(needs, kind="stable")
        sorted_needs = needs[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = sorted_needs[1:] != sorted_needs[:-1]
        return cls(found[order], shares[order], np.flatnonzero(is_first), order)

    @property
    def count(self) -> int:
        """How many lists there are."""
        return len(self.starts)

    def sums(self, values: Floats) -> Floats:
        """The sum of each list, of shape (lists,)."""
        found: Floats = np.add.reduceat(values, self.starts) if len(values) else np.zeros(0)
        return found

    def spread(self, of_list: NDArray[_N]) -> NDArray[_N]:
        """What stands for each list, for each of its rows."""
        return np.repeat(of_list, self.lengths)

    def softmax(self, scores: Floats) -> Floats:
        """Each list's scores as shares that sum to 1."""
        if not len(scores):
            return scores.copy()
        shares = self.spread(np.maximum.reduceat(scores, self.starts))
        np.subtract(scores, shares, out=shares)
        np.exp(shares, out=shares)
        shares /= self.spread(self.sums(shares))
        return shares

    def numbers(self) -> Int:
        """The number of each row's list, of shape (rows,)."""
        found: Int = self.spread(np.arange(self.count))
        return found

    def is_judged(self) -> NDArray[np.bool_]:
        """Whether a list has a relevant row that counts: without one no order is better."""
        judged: NDArray[np.bool_] = self.sums(self.gains() * self.weights) > 0
        return judged

    def gains(self) -> Floats:
        """2^grade - 1 of each row."""
        return np.exp2(self.grades) - 1

    def part(self, chosen: NDArray[np.bool_]) -> tuple[Lists, NDArray[np.bool_]]:
        """The ``chosen`` lists alone, and which rows are theirs."""
        rows = self.spread(chosen)
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)[: len(lengths)]
        return Lists(self.grades[rows], self.weights[rows], starts, self.order[rows]), rows
