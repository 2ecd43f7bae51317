"""nDCG against a slow second implementation, ties included."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.ranking import metrics
from matchmaker.ranking.lists import Lists

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6
)


def slow(grades: list[int], scores: list[int], k: int) -> float:
    """The mean over all orders that the scores allow."""

    def gain(order: tuple[int, ...]) -> float:
        return sum(
            (2.0 ** grades[row] - 1) / math.log2(place + 1)
            for place, row in enumerate(order[:k], 1)
        )

    orders = [*itertools.permutations(range(len(grades)))]
    best = max(map(gain, orders))
    ranked = [o for o in orders if all(scores[a] >= scores[b] for a, b in itertools.pairwise(o))]
    return sum(map(gain, ranked)) / len(ranked) / best


@given(ROWS, st.integers(1, 5))
def test_it_is_the_mean_over_the_orders_of_equal_scores(
    rows: list[tuple[int, int, int]], k: int
) -> None:
    grades, scores, qid = (np.array(column) for column in zip(*rows, strict=True))
    of_need = [
        slow(grades[qid == need].tolist(), scores[qid == need].tolist(), k)
        for need in np.unique(qid)
        if grades[qid == need].any()
    ]
    found = metrics.ndcg(grades, scores, qid, k=k)

    assert found == pytest.approx(np.mean(of_need)) if of_need else math.isnan(found)


@given(ROWS)
def test_lists_are_parted_and_folded_need_by_need(rows: list[tuple[int, int, int]]) -> None:
    grades, values, qid = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    lists = Lists.of(grades, qid)
    names = np.unique(qid)

    assert lists.sums(values[lists.order]).tolist() == [values[qid == n].sum() for n in names]
    assert lists.sums(lists.softmax(values[lists.order])) == pytest.approx(np.ones(len(names)))
    for chosen in itertools.product((False, True), repeat=len(names)):
        part, of_part = lists.part(np.array(chosen))
        assert part.grades.tolist() == lists.grades[of_part].tolist()
        assert set(qid[part.order]) == set(names[np.array(chosen)])
        assert part.lengths.sum() == len(part.grades)
