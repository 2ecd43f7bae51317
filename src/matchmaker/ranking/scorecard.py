"""The scorecard: a ranker whose weights are published before any match was judged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.validation import validate_data

from matchmaker.ranking.lists import Floats, Lists
from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.steps import FULL
from matchmaker.ranking.tables import MILLION, ScoreTables
from matchmaker.ranking.tables import check as check_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from matchmaker.ranking.card import Card
    from matchmaker.ranking.tables import Effects

_SHARPEST: Final = math.log(100)
"""How far the fitted sharpness may be from 1, in logarithms, and the spread of its prior."""


class ScorecardRanker(Ranker):
    """Additive ranker with hand-set, published weights over monotone sub-scores.

    Judged needs move the weights to where the lists are likeliest, held by a prior around those
    published: the mode of the posterior under a listwise softmax.

    Parameters
    ----------
    weights : sequence of int, default=()
        Published weight of each feature in millionths, all >= 0; empty = a million each.
    spread : float, default=0.5
        Standard deviation of the prior, as a share of each published weight: what is published as
        nought stays nought. 0 keeps the published weights.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features,)
        The weights in force, in millionths, all >= 0.
    sharpness_ : float
        What scores are multiplied by to be log-odds of choice; 1 without judged needs.
    n_judged_ : int
        Needs with a relevant row that the weights were learned from.
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    With no judged needs (n = 0) the published weights are the model, exactly; ``fit`` may be called
    without labels, and without rows. A published scale says nothing of how sharp choices are, so
    the sharpness is fitted too and kept apart: the weights stay on the published scale. Equal
    scores are not broken here: the order of a slate does that (scoring.md 15).

    References
    ----------
    McFadden, Conditional Logit Analysis of Qualitative Choice Behavior, 1974.
    Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007 (the loss).

    Examples
    --------
    >>> ScorecardRanker((1_000_000, 500_000)).fit([[0, 0]]).predict([[1024, 512]])
    array([1.25])
    """

    def __init__(self, weights: Sequence[int] = (), *, spread: float = 0.5) -> None:
        """Keep the parameters."""
        self.weights = weights
        self.spread = spread

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """The ranker with the likeliest weights in force; the published ones without labels.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Steps 0..1024; NaN where the need does not open a feature.
        y : array-like of shape (n_rows,), default=None
            Grades >= 0.
        qid : array-like of shape (n_rows,), default=None
            The need of each row.
        sample_weight : array-like of shape (n_rows,), default=None
            How much each judgement counts.

        Raises
        ------
        ValueError
            The weights are not one >= 0 for each feature, or a grade or weight is negative.
        """
        if y is None:
            rows, lists = (
                validate_data(
                    self, X, ensure_min_samples=0, ensure_all_finite="allow-nan", dtype=np.float64
                ),
                Lists.of([]),
            )
        else:
            rows, lists = self._judged(X, y, qid, sample_weight)
        weights = np.asarray(self.weights or (MILLION,) * rows.shape[1], np.float64)
        if len(weights) != rows.shape[1] or (weights < 0).any() or self.spread < 0:
            raise ValueError("one weight >= 0 for each feature is needed, and a spread >= 0")
        judged, of_judged = lists.part(lists.is_judged())
        self.n_judged_ = judged.count
        self.weights_, self.sharpness_ = weights, 1.0
        if judged.count:
            parts = np.nan_to_num(rows[of_judged]) / FULL * (weights / MILLION)
            ratios, self.sharpness_ = _likeliest(parts, judged, self.spread)
            self.weights_ = weights * ratios
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Scores of shape (n_rows,) for steps of shape (n_rows, n_features); NaN adds nothing."""
        rows = np.nan_to_num(self._checked(X))
        scores: Floats = rows @ (self.weights_ / MILLION) / FULL
        return scores

    def effects(self) -> Effects:
        """What each step adds, in millionths (`tables.compile_model`)."""
        self._checked(np.zeros((1, self.n_features_in_)))
        return self.weights_[:, None] * np.arange(FULL + 1) / FULL, {}

    def __sklearn_tags__(self) -> Tags:
        """Labels are not required: with n = 0 the published weights are the model."""
        tags: Any = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


def _likeliest(parts: Floats, lists: Lists, spread: float) -> tuple[Floats, float]:
    """What each published weight is multiplied by, and the sharpness.

    ``parts`` of shape (rows, features) are what the published weights add.
    """
    wanted = lists.weights * lists.gains()
    total = lists.sums(lists.gains())
    wanted /= lists.spread(total)
    mass = lists.spread(lists.sums(wanted))

    def minus_log(scores: Floats) -> tuple[float, Floats]:
        """Of what was judged, and its gradient by the scores."""
        shares = lists.softmax(scores)
        return -float(wanted @ np.log(np.maximum(shares, 1e-300))), mass * shares - wanted

    def minus_log_posterior(at: Floats) -> tuple[float, Floats]:
        """At (logarithm of the sharpness, ratios), and its gradient."""
        sharpness, ratios = np.exp(at[0]), at[1:]
        scores = sharpness * (parts @ ratios)
        value, gradient = minus_log(scores)
        away = np.append(at[0] / _SHARPEST, (ratios - 1) / spread)
        slope = np.append(gradient @ scores, sharpness * (gradient @ parts))
        per = np.append(_SHARPEST, np.full(len(ratios), spread))
        return value + 0.5 * float(away @ away), slope + away / per

    count = parts.shape[1]
    bounds = [(-_SHARPEST, _SHARPEST), *[(0, None)] * count]
    if not spread:
        return np.ones(count), 1.0
    found = minimize(minus_log_posterior, np.append(0.0, np.ones(count)), jac=True, bounds=bounds).x
    return np.asarray(found[1:], np.float64), float(np.exp(found[0]))


def from_card(card: Card) -> ScorecardRanker:
    """The fitted ranker of ``card``, its features in the card's order."""
    weights = tuple(feature.weight for feature in card.features.values())
    return ScorecardRanker(weights).fit(np.zeros((0, len(weights))))


def check(card: Card, tables: ScoreTables) -> None:
    """Nothing, where ``tables`` without pairs are those of the ranker of ``card``.

    Raises:
        IncompatibleTables: they differ by more than 10^-6 per effect (scoring.md 7).
    """
    without_pairs = ScoreTables(tables.name, tables.effects, tables.references, {})
    check_tables(without_pairs, from_card(card))
