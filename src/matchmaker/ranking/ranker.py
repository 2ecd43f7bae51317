"""What all rankers share: judged lists in, nDCG as their score, what scikit-learn asks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from matchmaker.ranking import metrics
from matchmaker.ranking.lists import Floats, Lists

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags


class Ranker(RegressorMixin, BaseEstimator):
    """The contract of a ranker: ``fit(X, y, *, qid, sample_weight)``, ``predict``, ``score``.

    ``X`` of shape (rows, features) may lack values: NaN stands where the need does not open a
    feature. ``y`` are grades >= 0, ``qid`` says which need a row belongs to, in any order; without
    it all rows are one list. ``sample_weight`` multiplies how much a judgement counts; a row of
    weight 0 stays a candidate. Equal scores stay equal: the order of a slate breaks them.
    """

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """The mean nDCG@10 over the needs with a relevant row; nought without one.

        A need counts by the mean of its ``sample_weight``.
        """
        lists = Lists.of(np.asarray(y, np.float64).ravel(), qid, sample_weight)
        of_need = metrics.ndcg_of(lists, self.predict(X)[lists.order])
        counts = lists.sums(lists.weights) / lists.lengths * lists.is_judged()
        return float(np.average(of_need, weights=counts)) if counts.any() else 0.0

    def predict(self, X: ArrayLike) -> Floats:
        """The score of each row, of shape (rows,): comparable within one need."""
        raise NotImplementedError

    def _judged(
        self, X: ArrayLike, y: ArrayLike | None, qid: ArrayLike | None, weights: ArrayLike | None
    ) -> tuple[Floats, Lists]:
        """``X``, checked, and its lists; ``X`` in their order."""
        checked, grades = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True
        )
        if weights is not None and not np.asarray(weights).any():
            raise ValueError("sample_weight: all weights are zero, so that nothing is judged")
        lists = Lists.of(grades, qid, weights)
        return checked[lists.order], lists

    def _checked(self, X: ArrayLike) -> Floats:
        """``X``, checked against what was fitted."""
        check_is_fitted(self)
        checked = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        return cast("Floats", checked)

    def __sklearn_tags__(self) -> Tags:
        """Grades are not negative, values may be missing, r2 says nothing of an order."""
        tags: Any = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True
        return tags
