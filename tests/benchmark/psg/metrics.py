"""How good an order is, given graded solutions; a solution without a grade counts as 0."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CUT: Final = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one order, or means of several; each in [0, 1]."""

    ndcg: float
    recall: float
    mrr: float


def figures(order: Sequence[str], grades: Mapping[str, int]) -> Figures:
    """The figures of ``order``; ``grades`` holds at least one of 1 or more."""
    return Figures(ndcg(order, grades), recall(order, grades), reciprocal_rank(order, grades))


def mean(found: Iterable[Figures]) -> Figures | None:
    """The mean of each figure; None of nothing."""
    listed = list(found)
    if not listed:
        return None
    return Figures(
        statistics.fmean(each.ndcg for each in listed),
        statistics.fmean(each.recall for each in listed),
        statistics.fmean(each.mrr for each in listed),
    )


def is_judged(grades: Mapping[str, int]) -> bool:
    """Whether any solution is relevant: without one no order is better than another."""
    return any(grade >= 1 for grade in grades.values())


def ndcg(order: Sequence[str], grades: Mapping[str, int]) -> float:
    """Discounted gain of the first `CUT`, as a share of the best that all grades allow.

    Gain 2^grade - 1.
    """
    best = _discounted(sorted(grades.values(), reverse=True))
    return _discounted([grades.get(solution, 0) for solution in order]) / best


def recall(order: Sequence[str], grades: Mapping[str, int]) -> float:
    """The share of all solutions graded 1 or more that stands among the first `CUT`."""
    relevant = {solution for solution, grade in grades.items() if grade >= 1}
    return len(relevant.intersection(order[:CUT])) / len(relevant)


def reciprocal_rank(order: Sequence[str], grades: Mapping[str, int]) -> float:
    """1 / the place of the first solution graded 1 or more, however deep; 0 without one."""
    places = (place for place, solution in enumerate(order, 1) if grades.get(solution, 0) >= 1)
    return 1 / next(places, math.inf)


def _discounted(grades: Sequence[int]) -> float:
    return sum(
        (2.0 ** max(grade, 0) - 1) / math.log2(place + 1)
        for place, grade in enumerate(grades[:CUT], 1)
    )
