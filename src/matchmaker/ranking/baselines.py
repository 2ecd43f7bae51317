"""The rankers that every other one has to beat, with the same interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.steps import FULL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from matchmaker.ranking.lists import Floats
    from matchmaker.ranking.tables import Effects


class _Fixed(Ranker):
    """A ranker that learns nothing: what is judged only fixes the number of features."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """The ranker, for rows of the width of ``X`` of shape (n_rows, n_features)."""
        self._judged(X, y, qid, sample_weight)
        self.is_fitted_ = True
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Scores of shape (n_rows,)."""
        rows = np.nan_to_num(self._checked(X))
        singles, _ = self._effects(1)
        scores: Floats = rows @ singles[:, -1] / 1e6
        return scores

    def effects(self) -> Effects:
        """What each step adds, in millionths (`tables.compile_model`)."""
        self._checked(np.zeros((1, self.n_features_in_)))
        return self._effects(FULL)

    def _effects(self, steps: int) -> Effects:
        """Straight lines from nought, at ``steps`` equal steps of 1 / 1024."""
        raise NotImplementedError


class ShuffleRanker(_Fixed):
    """All scores equal: the order is that of ties, which a hash draws anew for each need.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    Its figures need no draws: a metric takes the mean over the orders of equal scores.
    """

    def _effects(self, steps: int) -> Effects:
        return np.zeros((self.n_features_in_, steps + 1)), {}


class ColumnRanker(_Fixed):
    """The order of one sub-score.

    Parameters
    ----------
    column : int, default=0
        The column of ``X`` that holds the sub-score.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
    """

    def __init__(self, column: int = 0) -> None:
        """Keep the parameter."""
        self.column = column

    def _effects(self, steps: int) -> Effects:
        if not 0 <= self.column < self.n_features_in_:
            raise ValueError("column is not one of X")
        singles = np.zeros((self.n_features_in_, steps + 1))
        singles[self.column] = 1e6 * np.arange(steps + 1) / FULL
        return singles, {}


class PopularityRanker(ColumnRanker):
    """The order of what is chosen most, whoever asks: a column of `PopularityPrior`.

    Parameters
    ----------
    column : int, default=0
        The column of ``X`` that holds the popularity, made from earlier needs alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
    """


class Bm25Ranker(ColumnRanker):
    """The order of the text alone.

    Parameters
    ----------
    column : int, default=0
        The column of ``X`` that holds the text sub-score.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    The text sub-score is BM25 over what the need could reach at most (scoring.md 10): within a need
    it orders as BM25 does, up to its grid and to full marks at .8.

    References
    ----------
    Robertson, Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
    """
