"""How much each item is chosen, and by whom: smoothed shares that a ranker reads as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils import check_random_state

from matchmaker.ranking.ranker import Ranker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from matchmaker.ranking.lists import Floats

_WIDE: Final = 2.0**26
"""More than any code of a segment; codes below it make keys that a float holds exactly."""


@dataclass(frozen=True, slots=True)
class _Shares:
    """Smoothed shares by key, and by item for keys that were not seen."""

    keys: Floats
    shares: Floats

    def at(self, asked: Floats, otherwise: Floats) -> Floats:
        """The share of each key; ``otherwise`` for one that was not seen."""
        if not len(self.keys):
            return otherwise
        place = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        return np.where(self.keys[place] == asked, self.shares[place], otherwise)


class PopularityPrior(TransformerMixin, Ranker):
    """Popularity of items, by segment of who asks, each drawn towards what is known more widely.

    Parameters
    ----------
    item : int, default=0
        The column of ``X`` with the item's code.
    segments : sequence of int, default=()
        Columns with a code of who asks; NaN where it is unknown.
    strength : float, default=20
        Judgements that the wider share counts as: the share of all items for an item, the item's
        share for the item in a segment.
    folds : int, default=5
        Parts of the needs whose own judgements ``fit_transform`` leaves out in turn.
    random_state : int, RandomState instance or None, default=None
        Draws the parts.

    Attributes
    ----------
    share_ : float
        The share of all items.
    n_features_in_ : int
        Number of columns seen during fit.

    Notes
    -----
    A share is the mean gain, (2^grade - 1) over the greatest. ``fit_transform`` differs from
    ``fit(...).transform(...)`` as `sklearn.preprocessing.TargetEncoder` does: a need's own
    judgements never enter its columns (minus-self statistics gave nDCG@10 .03, docs/adr/0043).

    References
    ----------
    Micci-Barreca, A Preprocessing Scheme for High-Cardinality Categorical Attributes, 2001.

    Examples
    --------
    >>> prior = PopularityPrior(strength=1).fit([[0], [0], [1]], [1, 1, 0])
    >>> prior.predict([[0], [1], [7]]).round(2).tolist()
    [0.89, 0.33, 0.67]
    """

    def __init__(
        self,
        item: int = 0,
        segments: Sequence[int] = (),
        *,
        strength: float = 20.0,
        folds: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Keep the parameters."""
        self.item = item
        self.segments = segments
        self.strength = strength
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """The shares of all judgements.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Codes: whole numbers >= 0.
        y : array-like of shape (n_rows,)
            Grades >= 0.
        qid : array-like of shape (n_rows,), default=None
            The need of each row; the shares do not depend on it.
        sample_weight : array-like of shape (n_rows,), default=None
            How much each judgement counts.
        """
        rows, lists = self._judged(X, y, qid, sample_weight)
        self._most = float(lists.gains().max()) or 1.0
        self._learn(rows, lists.gains() / self._most, lists.weights)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Of shape (n_rows, 1 + n_segments), in [0, 1]: the item's share, and in each segment."""
        return self._columns(self._checked(X))

    def fit_transform(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Floats:
        """What ``transform`` gives, each row without the judgements of its own part of the needs.

        Without ``qid`` each row is a need of its own.
        """
        rows = np.asarray(X, np.float64)
        needs = np.arange(len(rows)) if qid is None else np.asarray(qid)
        self.fit(rows, y, qid=needs, sample_weight=sample_weight)
        gains = (np.exp2(np.asarray(y, np.float64)) - 1) / self._most
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight)
        names, numbers = np.unique(needs, return_inverse=True)
        random = check_random_state(self.random_state)
        fold = random.permutation(np.arange(len(names)) % self.folds)[numbers]
        columns, rest = np.empty((len(rows), 1 + len(self.segments))), clone(self)
        for each in np.unique(fold):
            train = fold != each
            rest._learn(rows[train], gains[train], weights[train])  # noqa: SLF001 - its own kind
            columns[~train] = rest._columns(rows[~train])  # noqa: SLF001
        return columns

    def predict(self, X: ArrayLike) -> Floats:
        """The item's share, moved by what each segment moves it, of shape (n_rows,)."""
        columns = self.transform(X)
        scores: Floats = columns[:, 0] + (columns[:, 1:] - columns[:, :1]).sum(axis=1)
        return scores

    def _learn(self, rows: Floats, gains: Floats, weights: Floats) -> None:
        """The share of all items, of each item, and of each item in each segment."""
        total = weights.sum()
        self.share_ = float(gains @ weights / total) if total else 0.0
        items, everywhere = rows[:, self.item], np.full(len(rows), self.share_)
        self._of_item = self._smoothed(items, gains, weights, everywhere)
        of_item = self._of_item.at(items, everywhere)
        self._of_segments = [
            self._smoothed(_keys(items, rows[:, each]), gains, weights, of_item)
            for each in self.segments
        ]

    def _smoothed(self, keys: Floats, gains: Floats, weights: Floats, wider: Floats) -> _Shares:
        """The share of each key, drawn towards the ``wider`` one of its rows."""
        known = ~np.isnan(keys)
        found, number = np.unique(keys[known], return_inverse=True)
        weight = np.bincount(number, weights[known], len(found))
        gain = np.bincount(number, (weights * gains)[known], len(found))
        prior = np.zeros(len(found))
        prior[number] = wider[known]
        return _Shares(found, (gain + self.strength * prior) / (weight + self.strength))

    def _columns(self, rows: Floats) -> Floats:
        items = rows[:, self.item]
        of_item = self._of_item.at(items, np.full(len(rows), self.share_))
        of_segments = [
            shares.at(_keys(items, rows[:, each]), of_item)
            for shares, each in zip(self._of_segments, self.segments, strict=True)
        ]
        return np.column_stack([of_item, *of_segments])


def _keys(items: Floats, segments: Floats) -> Floats:
    """One number for each item in each segment; NaN where the segment is unknown."""
    return items * _WIDE + segments
