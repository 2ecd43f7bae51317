"""An additive model of trees taken apart: one step function per feature, one grid per pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matchmaker.ranking.tables import BIN_WIDTH, BINS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matchmaker.ranking.lists import Floats

    Predict = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Curve:
    """What one feature adds: ``values[i]`` above ``cuts[i - 1]`` and up to ``cuts[i]``."""

    cuts: Floats
    values: Floats

    def at(self, column: Floats) -> Floats:
        """What each entry of ``column`` adds; what is missing adds nothing."""
        found = self.values.take(np.searchsorted(self.cuts, column))
        return np.where(np.isnan(column), 0.0, found)


@dataclass(frozen=True, slots=True)
class Curves:
    """The sum of curves and grids; ``pairs[i, j][bin of i, bin of j]`` of shape (16, 16)."""

    singles: tuple[Curve, ...]
    pairs: dict[tuple[int, int], Floats]

    def at(self, X: Floats) -> Floats:
        """What each row's values add, of shape (rows,); a pair adds where both are known."""
        total = np.zeros(len(X))
        for curve, column in zip(self.singles, X.T, strict=True):
            total += curve.at(column)
        for (first, second), grid in self.pairs.items():
            known = ~np.isnan(X[:, first]) & ~np.isnan(X[:, second])
            at = bins(X[known, first]), bins(X[known, second])
            total[known] += grid[at[0].astype(np.int64), at[1].astype(np.int64)]
        return total


def bins(column: Floats) -> Floats:
    """The bin 0..15 of each step; what is missing stays missing."""
    return np.clip(np.floor(column / BIN_WIDTH), 0, BINS - 1)


def curve_of(predict: Predict, cuts: Floats, column: int, columns: int) -> Curve:
    """What ``column`` adds to ``predict``, which sums over its columns and steps at ``cuts``.

    It is asked at one point of each piece with all else missing, and measured from where all is
    missing: so what is missing adds nothing.
    """
    points = np.append(cuts, np.inf)
    asked = np.full((len(points) + 1, columns), np.nan)
    asked[:-1, column] = points
    found = predict(asked)
    return Curve(cuts, found[:-1] - found[-1])


def grid_of(predict: Predict, first: int, columns: int) -> Floats:
    """What the bins in the columns ``first`` and the next add together, of shape (16, 16)."""
    asked = np.full((BINS * BINS + 1, columns), np.nan)
    asked[:-1, first : first + 2] = np.indices((BINS, BINS)).reshape(2, -1).T
    found = predict(asked)
    grid: Floats = (found[:-1] - found[-1]).reshape(BINS, BINS)
    return grid
