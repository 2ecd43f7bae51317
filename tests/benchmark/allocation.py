"""How near the best an allocation is, and how much sooner it is there than the dense method.

``python -m tests.benchmark.allocation [--needs 3500] [--offerings 2000]``: the last line is one
JSON object. The needs are firms of the synthetic cohort, scored on the whole pool as a batch scores
them; worth is fit in millionths, capacity the pool's own 1 to 4. The peer is scipy's
``linear_sum_assignment`` on the columns repeated by capacity, as it is meant to be used. Judged by
processor time; every allocation is proven by `ranking.certificates`, which is not in its time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment
from tests.benchmark import synthetic
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.pool import pool

from matchmaker.matching.batches.running import CHUNK
from matchmaker.matching.scorer import Scorer
from matchmaker.matching.service import score
from matchmaker.ranking.allocation import NOBODY, NOT_ELIGIBLE, Allocation, Places, allocate
from matchmaker.ranking.certificates import fault_of
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.tables import MILLION
from matchmaker.ranking.wishes import Worths

MOST_SCORING_S = 2.0


def scored(queries: Sequence[Query], index: Index) -> Worths:
    """Fit in millionths of every pair, as a batch finds it."""
    worths = np.full((len(queries), index.offerings), NOT_ELIGIBLE, np.int32)
    scorer = Scorer(index, synthetic.released().model)
    for start in range(0, len(queries), CHUNK):
        for need, found in enumerate(scorer.orders(queries[start : start + CHUNK]), start):
            lo, hi = found.ends
            worths[need, found.scored] = (found.best - lo) * MILLION // (hi - lo)
    return worths


def one_by_one(queries: Sequence[Query], index: Index) -> None:
    """Score every need as a match of its own does."""
    for query in queries:
        _ = score(query, index, synthetic.released().model).best


def places_of(offerings: int) -> Places:
    """The places of every offering."""
    capacity = np.random.default_rng(1).integers(1, 5, size=offerings)
    return Places(capacity, np.zeros_like(capacity))


def seconds_of(work: Callable[[], object]) -> float:
    """Of processor time."""
    start = time.process_time()
    work()
    return round(time.process_time() - start, 3)


def dense(worths: Worths, places: Places) -> int:
    """The best sum by the dense method, everything given counted from 1."""
    repeated = np.repeat(worths + 1, places.capacity, axis=1)
    rows, columns = linear_sum_assignment(repeated, maximize=True)
    return int(repeated[rows, columns].sum(dtype=np.int64))


def run(needs: int, offerings: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    made = pool(offerings, needs)
    queries, index = made.all_survive, made.index
    scoring = interleaved(
        {
            "together": partial(seconds_of, partial(scored, queries, index)),
            "one by one": partial(seconds_of, partial(one_by_one, queries, index)),
        }
    )
    worths, places = scored(queries, index), places_of(index.offerings)
    faults: list[str | None] = []
    sums: dict[str, int] = {}

    def ours() -> float:
        start = time.process_time()
        found: Allocation = allocate(worths, places)
        took = time.process_time() - start
        faults.append(fault_of(worths, places, found))
        sums["ours"] = found.total + int((found.offering != NOBODY).sum())
        return round(took, 3)

    def peer() -> float:
        start = time.process_time()
        sums["dense"] = dense(worths, places)
        return round(time.process_time() - start, 3)

    found = interleaved({"ours": ours, "dense": peer})
    seconds = medians(found)
    return conclude(
        "allocation",
        {
            "fit_share": (sums["ours"] / sums["dense"], Bound(at_least=0.999)),
            "times_faster": (seconds["dense"] / seconds["ours"], Bound(at_least=5.0)),
            "proven": (float(not any(faults)), Bound(at_least=1.0)),
            "scoring_s": (medians(scoring)["together"], Bound(at_most=MOST_SCORING_S)),
        },
        {
            "needs": needs,
            "offerings": offerings,
            "places": int(places.capacity.sum()),
            "first_choices": len(np.unique(worths.argmax(axis=1))),
            "seconds": found,
            "scoring": scoring,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, needs=3500, offerings=2000)
    return run(asked.needs, asked.offerings)


if __name__ == "__main__":
    sys.exit(main())
