"""The bare loop, compiled: nothing but lookups, sums and the first ten. It needs numba."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from tests.benchmark.floor import Gather
from tests.benchmark.pool import LIMIT

from matchmaker.ranking.blocks import blocks
from matchmaker.ranking.columns import Codes, Int
from matchmaker.ranking.planes import Planes


@njit
def gather(total: Int, table: Int, codes: Codes) -> None:
    for i in range(len(total)):
        total[i] += table[codes[i]]


@njit
def first(best: Int, limit: int) -> Int:
    kept = np.sort(best[:limit])
    for i in range(limit, len(best)):
        if best[i] > kept[0]:
            kept[0] = best[i]
            kept.sort()
    return np.flatnonzero(best >= kept[0])


def bare(lookups: Sequence[Gather], planes: Planes) -> Int:
    """The places of the first ten by nothing but lookups and sums."""
    by_offering, by_row = (np.zeros(size, np.int64) for size in (planes.wholes, planes.parts))
    for total, of_rows in ((by_offering, False), (by_row, True)):
        for block in blocks(len(total)):
            for table, codes, is_of_rows in lookups:
                if is_of_rows is of_rows:
                    gather(total[block], table, codes[block])
    by_offering += planes.fold(np.maximum, by_row)
    found: Int = first(by_offering, LIMIT)
    return found
