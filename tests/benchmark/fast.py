"""What the kernels of the extra ``fast`` give: a match over a million, and the pairs of a batch.

``python -m tests.benchmark.fast [--offerings 100000] [--times 10] [--needs 10]``: the last line is
one JSON object. The pool stands ``times`` over (`tests.benchmark.tiling`). The bare loop is numba's
too: of the same needs it looks up the same codes in the same tables, adds block by block, takes the
best row of each offering and the first ten; no screen, no words, no prices, no order, no reasons.
Scored are all pairs of 3,500 needs and 2,000 offerings, as `tests.benchmark.allocation` scores
them. Judged by processor time of the one thread; each also with the kernels turned off. Where numba
is missing it says so, and that nothing was reached.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.benchmark import floor
from tests.benchmark.allocation import MOST_SCORING_S, scored
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.pool import Pool, Ways, answer, p50, pool
from tests.benchmark.tiling import tiled

from matchmaker.fast.turning import turn_on, turned_off

MOST_OF_BARE = 2.0
MOST_FAST_SCORING_S = 0.5
NEEDS, OFFERINGS = 3500, 2000


def without(work: Callable[[], object]) -> object:
    """``work`` with numpy alone."""
    with turned_off():
        return work()


def seconds_of(work: Callable[[], object]) -> float:
    """Of processor time."""
    start = time.process_time()
    work()
    return round(time.process_time() - start, 3)


def run(offerings: int, times: int, needs: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    from tests.benchmark.bare import bare  # it needs numba

    small = pool(OFFERINGS, NEEDS)
    made = pool(offerings, needs)
    made = Pool(tiled(made.index, times), made.all_survive, made.few_survive)
    lookups = [floor.gathers(query, made) for query in made.all_survive]
    before = load()
    ways: Ways = {
        "bare loop": [partial(bare, each, made.index.planes) for each in lookups],
        "all survive": [partial(answer, each, made.index) for each in made.all_survive],
        "3 % survive": [partial(answer, each, made.index) for each in made.few_survive],
    }
    plain: Ways = {
        f"{name}, numpy": [partial(without, each) for each in works]
        for name, works in ways.items()
        if name != "bare loop"
    }
    cpu, wall = p50({**ways, **plain})
    pairs = partial(scored, small.all_survive, small.index)
    scoring = interleaved(
        {
            "kernels": partial(seconds_of, pairs),
            "numpy": partial(seconds_of, partial(without, pairs)),
        }
    )
    seconds = medians(scoring)
    return conclude(
        "fast",
        {
            "all survive / bare loop": (
                cpu["all survive"] / cpu["bare loop"],
                Bound(at_most=MOST_OF_BARE),
            ),
            "scoring_s": (seconds["kernels"], Bound(at_most=MOST_FAST_SCORING_S)),
            "scoring_numpy_s": (seconds["numpy"], Bound(at_most=MOST_SCORING_S)),
        },
        {
            "offerings": made.index.offerings,
            "needs": needs,
            "p50_cpu_ms": cpu,
            "p50_wall_ms": wall,
            "scoring": scoring,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, times=10, needs=10)
    if find_spec("numba") is None:
        print("numba is not installed, so that there are no kernels: make .venv/.from-bench-lock")
        missing = {"numba": (0.0, Bound(at_least=1.0))}
        return conclude("fast", missing, {"numba": "not installed"}, load_before=load())
    with tempfile.TemporaryDirectory() as folder:
        turn_on(Path(folder) / "kernels")
        return run(asked.offerings, asked.times, asked.needs)


if __name__ == "__main__":
    sys.exit(main())
