"""How far a match is from a bare loop of its own lookups, and what it saves where few survive.

``python -m tests.benchmark.floor [--offerings 100000] [--needs 20]``: the last line is one JSON
object. The bare loop takes the very tables and codes of the same need (``numpy.take`` with ``out=``
and ``mode="clip"``, each feature over offerings or over rows as the match has it), adds in place,
takes the best row of each offering and partitions for the first ten: no screen, no text, no price,
no order, no explanation. A match is the query to the reasons of the first ten. Judged by processor
time of the one thread there is; the wall clock stands beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tests.benchmark import synthetic
from tests.benchmark.measuring import Bound, conclude, load, sizes
from tests.benchmark.pool import LIMIT, Pool, Ways, answer, p50, pool

from matchmaker.matching.service import score
from matchmaker.ranking.columns import Int
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.query import Query
from matchmaker.ranking.steps import Level

MOST_OF_BARE = 3.0
MOST_OF_ALL = 1 / 3
Gather = tuple[Int, NDArray[np.integer], bool]
"""A table of effects, the codes it is looked up at, and whether they are of rows."""


def gathers(query: Query, made: Pool) -> list[Gather]:
    """The lookups that a match of ``query`` makes."""
    model = synthetic.released().model
    found = score(query, made.index, model, ())
    return [
        (model.tables.effects[name], step.table, step.level is Level.ROW)
        if step.codes is None
        else (
            model.tables.effects[name].take(step.table),
            np.array(step.codes),
            step.level is Level.ROW,
        )
        for name, step in found.steps.items()
    ]


def bare(lookups: Sequence[Gather], planes: Planes) -> Int:
    """The places of the first ten by nothing but lookups and sums."""
    by_offering, by_row = (np.zeros(size, np.int64) for size in (planes.wholes, planes.parts))
    buffer = np.empty(planes.parts, np.int64)
    for table, codes, is_of_rows in lookups:
        total = by_row if is_of_rows else by_offering
        here = buffer[: len(total)]
        np.take(table, codes, out=here, mode="clip")
        np.add(total, here, out=total)
    best = by_offering + planes.fold(np.maximum, by_row)
    return np.argpartition(best, len(best) - LIMIT)[len(best) - LIMIT :]


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, needs=20)
    made = pool(asked.offerings, asked.needs)
    index, before = made.index, load()
    lookups = [gathers(query, made) for query in made.all_survive]
    ways: Ways = {
        "bare loop": [partial(bare, each, index.planes) for each in lookups],
        "all survive": [partial(answer, each, index) for each in made.all_survive],
        "3 % survive": [partial(answer, each, index) for each in made.few_survive],
    }
    cpu, wall = p50(ways)
    return conclude(
        "floor",
        {
            "all survive / bare loop": (
                cpu["all survive"] / cpu["bare loop"],
                Bound(at_most=MOST_OF_BARE),
            ),
            "3 % survive / all survive": (
                cpu["3 % survive"] / cpu["all survive"],
                Bound(at_most=MOST_OF_ALL),
            ),
        },
        {
            "offerings": asked.offerings,
            "packages": index.planes.parts,
            "needs": asked.needs,
            "p50_cpu_ms": cpu,
            "p50_wall_ms": wall,
        },
        load_before=before,
    )


if __name__ == "__main__":
    sys.exit(main())
