"""The learned ranker: the card and the trees, each by how far it has earned its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from matchmaker.ranking import metrics
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker, NotAdditive
from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.scorecard import ScorecardRanker

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from matchmaker.ranking.lists import Floats, Lists
    from matchmaker.ranking.tables import Effects

_SHARES: Final = np.linspace(0, 1, 21)
_LEAST_NEEDS: Final = 2
"""Needs without which nothing can be left out."""


class MatchRanker(Ranker):
    """(1 - l) card + l k trees: additive, and monotone where its two members are.

    Parameters
    ----------
    card : ScorecardRanker, default=None
        The card; None = equal weights.
    trees : ListwiseGradientBoostingRanker, default=None
        The trees, additive; None = the defaults.
    prior : float, default=20
        Judged needs at which the data and the prior of ``l`` count alike.
    folds : int, default=5
        Parts of the needs that are left out in turn.
    random_state : int, RandomState instance or None, default=None
        Draws the parts.

    Attributes
    ----------
    card_ : ScorecardRanker
        The card in force.
    trees_ : ListwiseGradientBoostingRanker or None
        The trees; None where too few needs are judged to leave one out.
    share_ : float
        l, the share of the trees; 0 without judged needs.
    scale_ : float
        k = sd(card) / sd(trees) within the needs of the training set.
    n_judged_ : int
        Needs with a relevant row.
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    l is where needs left out of both members are ranked best, drawn towards n / (n + prior) as by
    ``prior`` further needs (docs/adr/0046). Without judged needs the model is the published card,
    exactly. Scores are comparable within one need; equal ones stay tied.

    References
    ----------
    Wolpert, Stacked Generalization, 1992; Breiman, Stacked Regressions, 1996.

    Examples
    --------
    >>> MatchRanker(ScorecardRanker((2_000_000, 0))).fit([[0, 0]], [0]).predict([[512, 9]])
    array([1.])
    """

    def __init__(
        self,
        card: ScorecardRanker | None = None,
        trees: ListwiseGradientBoostingRanker | None = None,
        *,
        prior: float = 20.0,
        folds: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Keep the parameters."""
        self.card = card
        self.trees = trees
        self.prior = prior
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
        """The fitted ranker.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Steps 0..1024; NaN where the need does not open a feature.
        y : array-like of shape (n_rows,)
            Grades >= 0.
        qid : array-like of shape (n_rows,), default=None
            The need of each row.
        sample_weight : array-like of shape (n_rows,), default=None
            How much each judgement counts.

        Raises
        ------
        NotAdditive
            The trees may use any features together.
        """
        rows, lists = self._judged(X, y, qid, sample_weight)
        if self.trees is not None and not self.trees.additive:
            raise NotAdditive("only additive trees can be blended with a card")
        judged, of_judged = lists.part(lists.is_judged())
        rows, self.n_judged_ = rows[of_judged], judged.count
        self.share_, self.scale_, self.trees_ = 0.0, 1.0, None
        if judged.count < _LEAST_NEEDS:
            self.card_ = self._card(rows, judged)
            return self
        self.share_ = self._earned(rows, judged)
        self.card_, self.trees_, self.scale_ = self._members(rows, judged)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Scores of shape (n_rows,); what is missing adds nothing."""
        rows = self._checked(X)
        scores = (1 - self.share_) * self.card_.predict(rows)
        if self.trees_ is not None:
            scores += self.share_ * self.scale_ * self.trees_.predict(rows)
        return scores

    def effects(self) -> Effects:
        """What each step and each pair of bins adds, in millionths (`tables.compile_model`)."""
        self._checked(np.zeros((1, self.n_features_in_)))
        singles, _ = self.card_.effects()
        if self.trees_ is None:
            return singles, {}
        of_trees, pairs = self.trees_.effects()
        by = self.share_ * self.scale_
        blended = (1 - self.share_) * singles + by * of_trees
        return blended, {pair: by * grid for pair, grid in pairs.items()}

    def _earned(self, rows: Floats, lists: Lists) -> float:
        """The share of the trees that needs left out speak for, drawn towards the prior."""
        count = lists.count
        random = check_random_state(self.random_state)
        fold = random.permutation(np.arange(count) % min(self.folds, count))
        found = np.zeros(len(_SHARES))
        for each in range(int(fold.max()) + 1):
            (train, rows_in), (out, rows_out) = lists.part(fold != each), lists.part(fold == each)
            card, trees, scale = self._members(rows[rows_in], train)
            of_card = card.predict(rows[rows_out])
            of_trees = scale * trees.predict(rows[rows_out])
            for place, share in enumerate(_SHARES):
                blended = (1 - share) * of_card + share * of_trees
                found[place] += metrics.ndcg_of(out, blended).sum()
        # Of equally good shares the middle one.
        best = float(np.mean(_SHARES[found >= found.max() - 1e-9 * count]))
        by_size = count / (count + self.prior)
        return by_size * best + (1 - by_size) * by_size

    def _members(
        self, rows: Floats, lists: Lists
    ) -> tuple[ScorecardRanker, ListwiseGradientBoostingRanker, float]:
        """Card and trees of these needs, and k."""
        card = self._card(rows, lists)
        trees = ListwiseGradientBoostingRanker() if self.trees is None else clone(self.trees)
        trees.fit(rows, lists.grades, qid=lists.numbers(), sample_weight=lists.weights)
        of_trees = _spread_within(lists, trees.predict(rows))
        scale = _spread_within(lists, card.predict(rows)) / of_trees if of_trees else 0.0
        return card, trees, scale

    def _card(self, rows: Floats, lists: Lists) -> ScorecardRanker:
        card = ScorecardRanker() if self.card is None else clone(self.card)
        if not lists.count:
            return card.fit(np.zeros((0, self.n_features_in_)))
        return card.fit(rows, lists.grades, qid=lists.numbers(), sample_weight=lists.weights)


def _spread_within(lists: Lists, scores: Floats) -> float:
    """The standard deviation of ``scores`` around the mean of their list."""
    means = lists.sums(scores) / lists.lengths
    return float(np.sqrt(np.mean((scores - lists.spread(means)) ** 2)))
