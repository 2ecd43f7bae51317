"""Trees grown for whole lists: scikit-learn's histogram boosting under a listwise loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils import check_random_state

from matchmaker.ranking.curves import Curves, bins, curve_of, grid_of
from matchmaker.ranking.losses import LOSSES, ListwiseLoss
from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.steps import FULL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from matchmaker.ranking.lists import Floats, Lists
    from matchmaker.ranking.tables import Effects

_ENOUGH: Final = 30
"""Judged needs from which ``early_stopping="auto"`` holds some of them out."""


class NotAdditive(ValueError):
    """The model is no sum over features and listed pairs, so that it has no tables."""


class ListwiseGradientBoostingRanker(Ranker):
    """Gradient-boosted trees under a loss over whole lists, additive and monotone if asked.

    `sklearn.ensemble.HistGradientBoostingRegressor` grows the trees; the loss over the lists is
    ours (`matchmaker.ranking.losses`).

    Parameters
    ----------
    objective : {"xendcg", "lambdarank"}, default="xendcg"
        The loss. ``xendcg`` is linear in the rows of a list, ``lambdarank`` looks at pairs.
    additive : bool, default=True
        Whether each tree may use one feature, or one of ``pairs``, alone. Only an additive model
        has tables.
    pairs : sequence of (int, int), default=()
        Pairs of features that a tree may use together, on 16 x 16 bins of 64 steps; their values
        are steps 0..1024.
    monotonic : sequence of {-1, 0, 1} of shape (n_features,), default=None
        Declared signs: 1 where the score must not fall with the feature, -1 where it must not rise.
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization, max_bins
        As for `~sklearn.ensemble.HistGradientBoostingRegressor`.
    early_stopping : "auto" or bool, default="auto"
        Whether the number of trees is that at which held-out needs are ranked best; the trees are
        then grown again on all needs. ``auto``: from 30 judged needs.
    validation_fraction : float, default=0.2
        The share of judged needs held out.
    n_iter_no_change : int, default=20
        Trees without a better nDCG@10 on held-out needs before growing ends.
    random_state : int, RandomState instance or None, default=None
        Draws the shares of ``xendcg``, the needs held out, and the rows that bins are made of.

    Attributes
    ----------
    booster_ : HistGradientBoostingRegressor
        The trees of the features.
    pair_booster_ : HistGradientBoostingRegressor or None
        The trees of the pairs, two bin columns for each, grown on what the features leave over.
    curves_ : Curves or None
        The model taken apart; None unless it is additive.
    n_iter_ : int
        The number of trees of the features.
    n_features_in_ : int
        Number of features seen during fit.

    Notes
    -----
    Scores are comparable within one need. Rows with equal scores stay tied. A missing value goes
    where the trees learned, as in scikit-learn; an additive model is measured from there, so that
    what is missing adds nothing, and a pair adds where both its features are known.

    References
    ----------
    Bruch, An Alternative Cross Entropy Loss for Learning-to-Rank, 2021 (``xendcg``).
    Burges, From RankNet to LambdaRank to LambdaMART, 2010 (``lambdarank``).
    Lou, Caruana, Gehrke, Hooker, Accurate Intelligible Models with Pairwise Interactions, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 1025, (400, 2))
    >>> y, qid = (X[:, 0] > 700).astype(int), np.repeat(np.arange(20), 20)
    >>> ranker = ListwiseGradientBoostingRanker(monotonic=(1, 0), random_state=0)
    >>> round(ranker.fit(X, y, qid=qid).score(X, y, qid=qid), 2)
    1.0
    """

    def __init__(  # noqa: PLR0913 - the parameters of an estimator
        self,
        *,
        objective: str = "xendcg",
        additive: bool = True,
        pairs: Sequence[tuple[int, int]] = (),
        monotonic: Sequence[int] | None = None,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_leaf_nodes: int = 15,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        max_bins: int = 255,
        early_stopping: str | bool = "auto",
        validation_fraction: float = 0.2,
        n_iter_no_change: int = 20,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Keep the parameters."""
        self.objective = objective
        self.additive = additive
        self.pairs = pairs
        self.monotonic = monotonic
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        qid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """The fitted ranker.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Values of the features; NaN where missing.
        y : array-like of shape (n_rows,)
            Grades >= 0.
        qid, sample_weight : array-like of shape (n_rows,), default=None
            The need of each row; how much each judgement counts, such as 1 / propensity.
        offset : array-like of shape (n_rows,), default=None
            Scores that the trees are added to while they grow, and that ``predict`` leaves out. The
            Newton step is capped beside it.

        Raises
        ------
        ValueError
            A parameter, a grade, a weight or an offset is out of range.
        """
        rows, lists = self._judged(X, y, qid, sample_weight)
        if self.objective not in LOSSES:
            raise ValueError(f"objective must be one of {sorted(LOSSES)}")
        shift = None if offset is None else np.asarray(offset, np.float64)[lists.order]
        if shift is not None and not np.isfinite(shift).all():
            raise ValueError("offset must be finite")
        self._grow(rows, lists, shift)
        self.n_iter_ = int(self.booster_.n_iter_)
        self.curves_ = self._curves() if self.additive else None
        return self

    def _grow(self, rows: Floats, lists: Lists, offset: Floats | None) -> None:
        """The trees of the features, then those of the pairs."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        signs, grow, capped = self._signs(), _Growing(self, lists, seed), offset is not None
        singles = [{each} for each in range(rows.shape[1])] if self.additive else None
        self.booster_ = grow.trees(rows, signs, singles, offset, capped=capped)
        self.pair_booster_: Any = None
        if self.additive and self.pairs:
            known = self.booster_.predict(rows) + (0 if offset is None else offset)
            together = None if signs is None else signs[np.ravel(self.pairs)]
            groups = [{each, each + 1} for each in range(0, 2 * len(self.pairs), 2)]
            self.pair_booster_ = grow.trees(
                self._bins(rows), together, groups, known, capped=capped
            )

    def predict(self, X: ArrayLike) -> Floats:
        """Scores of shape (n_rows,), without the offset; comparable within one need."""
        rows = self._checked(X)
        if self.curves_ is not None:
            return self.curves_.at(rows)
        scores: Floats = self.booster_.predict(rows)
        return scores

    def effects(self) -> Effects:
        """What each step and each pair of bins adds, in millionths (`tables.compile_model`).

        Raises
        ------
        NotAdditive
            The trees may use any features together.
        """
        self._checked(np.zeros((1, self.n_features_in_)))
        if self.curves_ is None:
            raise NotAdditive("a model whose trees mix features has no tables")
        return effects_of(self.curves_)

    def _bins(self, rows: Floats) -> Floats:
        """The two bin columns of each pair, both missing where one is."""
        pairs = [rows[:, [*pair]] for pair in self.pairs]
        known = [~np.isnan(pair).any(axis=1, keepdims=True) for pair in pairs]
        found = [np.where(k, bins(pair), np.nan) for k, pair in zip(known, pairs, strict=True)]
        return np.hstack(found)

    def _signs(self) -> NDArray[np.int64] | None:
        """The declared sign of each feature."""
        if self.monotonic is None:
            return None
        signs = np.asarray(self.monotonic, np.int64)
        if signs.shape != (self.n_features_in_,) or not np.isin(signs, (-1, 0, 1)).all():
            raise ValueError("monotonic must be one of -1, 0, 1 for each feature")
        return signs

    def _curves(self) -> Curves:
        """The trees taken apart."""
        width, booster = self.n_features_in_, self.booster_
        cuts: list[set[float]] = [set() for _ in range(width)]
        for (tree,) in booster._predictors:  # noqa: SLF001 - held by a contract test
            inner = tree.nodes[tree.nodes["is_leaf"] == 0]
            for feature, cut in zip(inner["feature_idx"], inner["num_threshold"], strict=True):
                cuts[feature].add(float(cut))
        singles = [
            curve_of(booster.predict, np.array(sorted(each)), place, width)
            for place, each in enumerate(cuts)
        ]
        pairs = {}
        for place, pair in enumerate(self.pairs):
            predict = self.pair_booster_.predict
            pairs[pair] = grid_of(predict, 2 * place, 2 * len(self.pairs))
        return Curves(tuple(singles), pairs)


@dataclass(frozen=True, slots=True)
class _Growing:
    """What grows the trees of ``of`` on judged lists; ``seed`` draws all that is drawn."""

    of: ListwiseGradientBoostingRanker
    lists: Lists
    seed: int

    def trees(
        self,
        columns: Floats,
        signs: NDArray[np.int64] | None,
        groups: list[set[int]] | None,
        offset: Floats | None,
        *,
        capped: bool,
    ) -> Any:  # noqa: ANN401 - scikit-learn has no types
        """Fitted trees beside ``offset``, as many as rank held-out needs best."""
        booster = HistGradientBoostingRegressor(
            learning_rate=self.of.learning_rate,
            max_iter=self.of.max_iter,
            max_leaf_nodes=self.of.max_leaf_nodes,
            min_samples_leaf=self.of.min_samples_leaf,
            l2_regularization=self.of.l2_regularization,
            max_bins=self.of.max_bins,
            monotonic_cst=signs,
            interaction_cst=groups,
            n_iter_no_change=self.of.n_iter_no_change,
            random_state=self.seed,
        )
        loss = partial(LOSSES[self.of.objective], capped=capped, seed=self.seed)
        if self._holds_out():
            booster.set_params(max_iter=self._needed(clone(booster), loss, columns, offset))
        return _grown(booster, loss(self.lists, offset=offset), columns)

    def _holds_out(self) -> bool:
        judged = int(self.lists.is_judged().sum())
        if self.of.early_stopping == "auto":
            return judged >= _ENOUGH
        return bool(self.of.early_stopping) and judged > 1

    def _needed(
        self,
        booster: Any,  # noqa: ANN401
        loss: Callable[..., ListwiseLoss],
        columns: Floats,
        offset: Floats | None,
    ) -> int:
        """The number of trees, one at least, at which held-out needs are ranked best."""
        judged = np.flatnonzero(self.lists.is_judged())
        out = np.zeros(self.lists.count, np.bool_)
        size = min(max(1, round(self.of.validation_fraction * len(judged))), len(judged) - 1)
        out[np.random.default_rng(self.seed).choice(judged, size, replace=False)] = True
        held_out, rows_out = self.lists.part(out)
        train, rows_in = self.lists.part(~out)
        known = None if offset is None else np.append(offset[rows_in], offset[rows_out])
        found = loss(train, held_out, offset=known)
        grown = _grown(booster, found, columns[rows_in], columns[rows_out])
        return max(1, int(np.argmax(grown.validation_score_)))


def _grown(
    booster: Any,  # noqa: ANN401
    loss: ListwiseLoss,
    columns: Floats,
    held_out: Floats | None = None,
) -> Any:  # noqa: ANN401
    """The fitted ``booster``; with ``held_out`` it ends where that is ranked no better."""
    # A column that is missing everywhere breaks scikit-learn's bins; a constant one has no split.
    columns = np.where(np.isnan(columns).all(axis=0), 0.0, columns)
    numbers = np.arange(len(columns), dtype=np.float64)
    booster.set_params(loss=loss, early_stopping=held_out is not None)
    if held_out is None:
        booster.fit(columns, numbers)
    else:
        beyond = len(columns) + np.arange(len(held_out), dtype=np.float64)
        booster.fit(columns, numbers, X_val=held_out, y_val=beyond)
    loss.forget()
    return booster


def effects_of(curves: Curves, scale: float = 1e6) -> Effects:
    """``curves`` at every step, times ``scale``."""
    steps = np.arange(FULL + 1, dtype=np.float64)
    singles = np.array([curve.at(steps) for curve in curves.singles]) * scale
    return singles, {pair: grid * scale for pair, grid in curves.pairs.items()}
