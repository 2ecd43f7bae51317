"""A model one of whose features weighs no more than another (scoring.md 7: text, scene fit)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.tables import MILLION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.tables import Additive, Effects

_ROUNDING: Final = 2.0
"""Millionths that the ends of two tables may move when they are rounded."""


@dataclass(frozen=True)
class Bounded:
    """``model``, the table of ``column`` flattened until it spans no more than that of ``limit``.

    Words are what a provider writes as it likes: they may not outweigh what it covers.
    """

    model: Additive
    column: int
    limit: int

    @cached_property
    def factor(self) -> float:
        """What the table is multiplied with; 1 where it spans no more anyway."""
        singles, _ = self.model.effects()
        span, most = np.ptp(singles[self.column]), np.ptp(singles[self.limit])
        return 1.0 if span <= most else max(float((most - _ROUNDING) / span), 0.0)

    def effects(self) -> Effects:
        """What each step and each pair of bins adds, in millionths (`tables.compile_model`)."""
        singles, pairs = self.model.effects()
        held = singles.copy()
        held[self.column] *= self.factor
        return held, pairs

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of shape (rows,); what is missing adds nothing."""
        singles, _ = self.model.effects()
        column = X[:, self.column]
        given = ~np.isnan(column)
        scores = self.model.predict(X)
        cut = (1 - self.factor) / MILLION * singles[self.column]
        scores[given] -= cut[column[given].astype(np.int64)]
        return scores
