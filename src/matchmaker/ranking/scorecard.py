"""The scorecard: a scikit-learn ranker whose weights are published before any match was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from matchmaker.ranking.planes import Planes
from matchmaker.ranking.steps import FULL, Level, Steps
from matchmaker.ranking.tables import MILLION, ScoreTables, score

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from matchmaker.ranking.card import Card

_TOLERANCE = 1e-6


class IncompatibleTables(ValueError):
    """Compiled tables do not give what the model predicts."""


class ScorecardRanker(RegressorMixin, BaseEstimator):
    """Additive ranker with hand-set, published weights over monotone sub-scores.

    Parameters
    ----------
    weights : tuple of int
        Weight of each feature in millionths, all >= 0.

    Attributes:
    ----------
    weights_ : ndarray of shape (n_features,)
        The weights in force, in millionths.
    n_features_in_ : int
        Number of features seen during fit.

    Notes: ----- With no judged needs (n = 0) the published weights are the model, so ``fit`` may be
    called without labels. Equal scores are not broken here: the order of a slate does that
    (scoring.md 15).
    """

    def __init__(self, weights: tuple[int, ...] = ()) -> None:
        """Keep the parameters."""
        self.weights = weights

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:  # noqa: ARG002 - n = 0: labels are learned from later
        """The ranker with the published weights in force.

        ``X`` of shape (n, features) only fixes their number.
        """
        steps = validate_data(self, X, ensure_min_samples=0)
        weights = np.asarray(self.weights or (MILLION,) * steps.shape[1], np.int64)
        if len(weights) != steps.shape[1] or (weights < 0).any():
            raise ValueError("one weight >= 0 for each feature is needed")
        self.weights_ = weights
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Scores of shape (n,) for steps 0..1024 of shape (n, features)."""
        check_is_fitted(self)
        steps = validate_data(self, X, reset=False)
        scores: NDArray[np.float64] = steps @ (self.weights_ / MILLION) / FULL
        return scores


def from_card(card: Card) -> ScorecardRanker:
    """The fitted ranker of ``card``, its features in the card's order."""
    weights = tuple(feature.weight for feature in card.features.values())
    return ScorecardRanker(weights).fit(np.zeros((0, len(weights))))


def check(card: Card, tables: ScoreTables) -> None:
    """Nothing, where ``tables`` are those of the ranker of ``card``.

    Both are compared on 64 rows that run through every region of every table.

    Raises:
        IncompatibleTables: they differ by more than 10^-6 per effect (scoring.md 7).
    """
    rows, names = 64, tuple(card.features)
    grid = (np.arange(rows)[:, None] * (2 * np.arange(len(names)) + 17) * 31) % (FULL + 1)
    steps = {
        name: Steps(Level.ROW, grid[:, place].astype(np.int64), np.zeros(rows, np.bool_))
        for place, name in enumerate(names)
    }
    without_pairs = ScoreTables(tables.name, tables.effects, tables.references, {})
    served = score(without_pairs, steps, Planes((rows,))) / MILLION
    if np.abs(served - from_card(card).predict(grid)).max() > _TOLERANCE * len(names):
        raise IncompatibleTables(card.name)
