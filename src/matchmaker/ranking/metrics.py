"""How good an order is, need by need; equal scores count as the mean over their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.lists import Floats, Lists

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CUT: Final = 10


def ndcg(
    grades: ArrayLike, scores: ArrayLike, qid: ArrayLike | None = None, *, k: int = CUT
) -> float:
    """The mean nDCG@k over the needs that have a relevant row; NaN without one.

    Gain 2^grade - 1, discount 1 / log2(place + 1) (Järvelin, Kekäläinen 2002; Burges et al. 2005).
    The mean over all orders of equal scores is exact, not drawn (McSherry, Najork 2008).
    """
    lists = Lists.of(grades, qid)
    of_need = ndcg_of(lists, np.asarray(scores, np.float64)[lists.order], k=k)
    judged = of_need[lists.is_judged()]
    return float(judged.mean()) if len(judged) else float("nan")


def ndcg_of(lists: Lists, scores: Floats, *, k: int = CUT) -> Floats:
    """nDCG@k of each list, of shape (lists,); 0 where nothing is relevant."""
    gains, discounts = lists.gains(), _discounts(lists, k)
    best = lists.sums(gains[_best_first(lists, gains)] * discounts)
    reached = lists.sums(_gains_in_order(lists, scores, gains) * discounts)
    return np.divide(reached, best, out=np.zeros(lists.count), where=best > 0)


def _gains_in_order(lists: Lists, scores: Floats, gains: Floats) -> Floats:
    """The gain at each place; where scores are equal, their mean."""
    if not len(scores):
        return gains
    order = _best_first(lists, scores)
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = scores[order][1:] != scores[order][:-1]
    is_first[lists.starts] = True
    starts = np.flatnonzero(is_first)
    lengths = np.diff(starts, append=len(order))
    return np.repeat(np.add.reduceat(gains[order], starts) / lengths, lengths)


def _best_first(lists: Lists, values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.lexsort((-values, lists.numbers()))


def _discounts(lists: Lists, k: int) -> Floats:
    """1 / log2(place + 1) of each place of each list, 0 behind the first k."""
    places = np.arange(len(lists.grades)) - lists.spread(lists.starts)
    return np.where(places < k, 1 / np.log2(places + 2), 0.0)
