"""Losses over whole lists, in the form that scikit-learn's gradient boosting takes one.

The target that boosting hands over is the number of the row; the loss holds the lists. So training
rows and held-out rows are told apart, and what is held out is judged need by need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn._loss.link import IdentityLink
from sklearn._loss.loss import BaseLoss

from matchmaker.ranking import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.lists import Floats, Lists

_NOWHERE: Final = np.zeros(0)
_LEAST: Final = 1e-15
_LEAST_HESSIAN: Final = 1e-6


class ListwiseLoss(BaseLoss):
    """A loss over ``train``; judged by nDCG on ``held_out``, whose rows are numbered after them.

    ``offset``, of the training rows and then of those held out, is added to what the trees say.
    Beside one that is too sharp the second derivative vanishes and leaves grow without end: where
    it is ``capped`` the Newton step is held at 1 (docs/adr/0043).
    """

    def __init__(
        self,
        train: Lists,
        held_out: Lists | None = None,
        *,
        offset: Floats | None = None,
        capped: bool = False,
        seed: int = 0,
    ) -> None:
        """Keep the lists."""
        super().__init__(closs=None, link=IdentityLink())
        self.train, self.held_out = train, held_out
        self.offset, self.capped = offset, capped
        self.random = np.random.default_rng(seed)

    def fit_intercept_only(self, y_true: Floats, sample_weight: Floats | None = None) -> Floats:
        """Nought: a constant moves no list."""
        del y_true, sample_weight
        return np.zeros(1)

    def __call__(
        self,
        y_true: Floats,
        raw_prediction: Floats,
        sample_weight: Floats | None = None,
        n_threads: int = 1,
    ) -> float:
        """1 - mean nDCG@10 of the held-out lists; nought for the training rows, nobody asks."""
        del sample_weight, n_threads
        size = len(self.train.grades)
        if self.held_out is None or y_true[0] < size:
            return 0.0
        scores = raw_prediction.ravel()
        if self.offset is not None:
            scores = scores + self.offset[size:]
        of_need = metrics.ndcg_of(self.held_out, scores)
        return 1 - float(of_need[self.held_out.is_judged()].mean())

    def gradient_hessian(  # noqa: PLR0917 - the signature is scikit-learn's
        self,
        y_true: Floats,
        raw_prediction: Floats,
        sample_weight: Floats | None = None,
        gradient_out: NDArray[Any] = _NOWHERE,
        hessian_out: NDArray[Any] = _NOWHERE,
        n_threads: int = 1,
    ) -> None:
        """First and second derivatives at each training row, written into the two arrays."""
        del y_true, sample_weight, n_threads
        scores = raw_prediction.ravel().astype(np.float64)
        if self.offset is not None:
            scores += self.offset[: len(scores)]
        gradient, hessian = self.derivatives(scores)
        if self.capped:
            hessian = np.maximum(hessian, np.abs(gradient))
        gradient_out[...] = gradient.reshape(gradient_out.shape)
        hessian_out[...] = np.maximum(hessian, _LEAST_HESSIAN).reshape(hessian_out.shape)

    def derivatives(self, scores: Floats) -> tuple[Floats, Floats]:
        """First and second derivatives by the score of each row."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop the lists: what was fitted needs them no more."""
        self.train = self.held_out = self.offset = None  # type: ignore[assignment]


class XeNdcg(ListwiseLoss):
    """Cross entropy to relevance shares that are drawn anew for each tree (Bruch 2021).

    A row's share is weight x (2^grade - u) with u uniform, normalised in its list; a list without
    a relevant row is left out. Third-order terms as in LightGBM's ``rank_xendcg``.
    """

    def __init__(
        self,
        train: Lists,
        held_out: Lists | None = None,
        *,
        offset: Floats | None = None,
        capped: bool = False,
        seed: int = 0,
    ) -> None:
        """Keep the lists, and how much each of them counts."""
        super().__init__(train, held_out, offset=offset, capped=capped, seed=seed)
        weight = train.sums(train.weights * train.gains())
        total = train.sums(train.gains())
        counts = np.divide(weight, total, out=np.zeros(train.count), where=total > 0)
        self.counts = train.spread(counts)
        self.powers = np.exp2(train.grades)

    def derivatives(self, scores: Floats) -> tuple[Floats, Floats]:
        """Three terms of the gradient, and rho (1 - rho)."""
        lists = self.train
        share = lists.softmax(scores)
        # In place: fresh memory for each term took a third of the time at 200,000 rows.
        gradient = self.random.random(len(scores))
        np.subtract(self.powers, gradient, out=gradient)
        gradient *= lists.weights
        total = lists.sums(gradient)
        gradient *= lists.spread(np.divide(1.0, total, out=np.zeros(lists.count), where=total > 0))
        np.subtract(share, gradient, out=gradient)
        rest = 1 - share
        np.maximum(rest, _LEAST, out=rest)
        term = gradient / rest
        for is_last in (False, True):
            others = lists.spread(lists.sums(term))
            others -= term
            others *= share
            gradient += others
            if not is_last:
                np.divide(others, rest, out=term)
        gradient *= self.counts
        rest *= share
        rest *= self.counts
        return gradient, rest


class LambdaRank(ListwiseLoss):
    """Pairs of rows of different grade, each by the nDCG that swapping them moves (Burges 2010).

    As in LightGBM's ``lambdarank``: pairs that touch the first 30 places, the move over 0.01 plus
    the distance of the scores, and each list's gradients over log2(1 + their sum) / their sum.
    """

    PLACES: Final = 30
    _TOUCH: Final = 0.01

    def __init__(
        self,
        train: Lists,
        held_out: Lists | None = None,
        *,
        offset: Floats | None = None,
        capped: bool = False,
        seed: int = 0,
    ) -> None:
        """Keep the lists and their pairs."""
        super().__init__(train, held_out, offset=offset, capped=capped, seed=seed)
        self.better, self.worse = _pairs(train)
        gains = train.gains()
        best = train.sums(gains[np.lexsort((-gains, train.numbers()))] * self._discounts())
        most = np.divide(1.0, best, out=np.zeros(train.count), where=best > 0)
        rows = train.numbers()[self.better]
        weight = np.sqrt(train.weights[self.better] * train.weights[self.worse])
        self.worth = (gains[self.better] - gains[self.worse]) * most[rows] * weight

    def _discounts(self) -> Floats:
        """The discount of each place, of the whole list by its first `PLACES`."""
        places = np.arange(len(self.train.grades)) - self.train.spread(self.train.starts)
        return np.where(places < self.PLACES, 1 / np.log2(places + 2), 0.0)

    def derivatives(self, scores: Floats) -> tuple[Floats, Floats]:
        """The sums over the pairs of each row."""
        lists, size = self.train, len(scores)
        place = np.empty(size, np.int64)
        order = np.lexsort((-scores, lists.numbers()))
        place[order] = np.arange(size) - lists.spread(lists.starts)
        touching = np.minimum(place[self.better], place[self.worse]) < self.PLACES
        better, worse = self.better[touching], self.worse[touching]
        discount = 1 / np.log2(place + 2)
        apart = scores[better] - scores[worse]
        move = self.worth[touching] * np.abs(discount[better] - discount[worse])
        spreads = np.maximum.reduceat(scores, lists.starts) > np.minimum.reduceat(
            scores, lists.starts
        )
        is_moved = lists.spread(spreads)[better]
        move = np.where(is_moved, move / (self._TOUCH + np.abs(apart)), move)
        chance = 1 / (1 + np.exp(np.clip(apart, -50, 50)))
        pull, bend = move * chance, move * chance * (1 - chance)
        gradient = np.bincount(worse, pull, size) - np.bincount(better, pull, size)
        hessian = np.bincount(worse, bend, size) + np.bincount(better, bend, size)
        total = 2 * np.bincount(lists.numbers()[better], pull, lists.count)
        scale = np.divide(np.log2(1 + total), total, out=np.zeros(lists.count), where=total > 0)
        return gradient * lists.spread(scale), hessian * lists.spread(scale)


def _pairs(lists: Lists) -> tuple[Int, Int]:
    """The rows of all pairs of different grade in one list, the better first."""
    better, worse = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start, length in zip(lists.starts.tolist(), lists.lengths.tolist(), strict=True):
        grades = lists.grades[start : start + length]
        first, second = np.nonzero(grades[:, None] > grades[None, :])
        better.append(first + start)
        worse.append(second + start)
    return np.concatenate(better), np.concatenate(worse)


LOSSES: Final[dict[str, type[ListwiseLoss]]] = {"xendcg": XeNdcg, "lambdarank": LambdaRank}
"""The losses by the names that LightGBM gave them."""
