"""How near the best an allocation is, and how much sooner it is there than the dense method.

``python -m tests.benchmark.allocation [--needs 3500] [--offerings 2000]``: the last line is one
JSON object. The needs are firms of the synthetic cohort, each scored on the whole pool by the very
steps of a match; worth is fit in millionths, capacity the pool's own 1 to 4. The peer is scipy's
``linear_sum_assignment`` on the columns repeated by capacity, as it is meant to be used. Judged by
processor time; every allocation is proven by `ranking.certificates`, which is not in its time.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.optimize import linear_sum_assignment
from tests.benchmark import synthetic
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.pool import pool

from matchmaker.matching.service import score
from matchmaker.ranking.allocation import NOBODY, NOT_ELIGIBLE, Allocation, Places, Worths, allocate
from matchmaker.ranking.certificates import fault_of

MILLION = 1_000_000


def scored(needs: int, offerings: int) -> tuple[Worths, Places]:
    """Fit in millionths of every pair, and the places of every offering."""
    made = pool(offerings, needs)
    model = synthetic.released().model
    worths = np.full((needs, made.index.offerings), NOT_ELIGIBLE, np.int32)
    for need, query in enumerate(made.all_survive):
        found = score(query, made.index, model, ())
        lo, hi = found.ends
        best = found.part.columns.planes.fold(np.maximum, found.row_scores)
        worths[need, found.scored] = ((best - lo) * MILLION // (hi - lo))[: len(found.scored)]
    draw = np.random.default_rng(1)
    capacity = draw.integers(1, 5, size=made.index.offerings)
    return worths, Places(capacity, np.zeros_like(capacity))


def dense(worths: Worths, places: Places) -> int:
    """The best sum by the dense method, everything given counted from 1."""
    repeated = np.repeat(worths + 1, places.capacity, axis=1)
    rows, columns = linear_sum_assignment(repeated, maximize=True)
    return int(repeated[rows, columns].sum(dtype=np.int64))


def run(needs: int, offerings: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    started = time.process_time()
    worths, places = scored(needs, offerings)
    scoring = time.process_time() - started
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
        },
        {
            "needs": needs,
            "offerings": offerings,
            "places": int(places.capacity.sum()),
            "first_choices": len(np.unique(worths.argmax(axis=1))),
            "seconds": found,
            "scoring_s": round(scoring, 2),
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, needs=3500, offerings=2000)
    return run(asked.needs, asked.offerings)


if __name__ == "__main__":
    sys.exit(main())
