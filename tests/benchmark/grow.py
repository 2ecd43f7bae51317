"""How the time of a match grows with the pool.

``python -m tests.benchmark.grow [--sizes 10000 100000 1000000] [--needs 20]``: the last line is one
JSON object. A match is the query to the reasons of the first ten, p50 over the needs by processor
time of the one thread there is. The exponent is that between the first and the last size.
"""

from __future__ import annotations

import argparse
import math
import sys
from functools import partial

from tests.benchmark.measuring import Bound, conclude, load
from tests.benchmark.pool import Ways, answer, p50, pool

MOST_EXPONENT = 1.15


def main() -> int:
    """0 when the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--needs", type=int, default=20)
    asked = parser.parse_args()
    pools = {size: pool(size, asked.needs) for size in asked.sizes}
    before = load()
    ways: Ways = {
        f"{name} at {size}": [partial(answer, each, made.index) for each in queries]
        for size, made in pools.items()
        for name, queries in (("all", made.all_survive), ("3 %", made.few_survive))
    }
    cpu, wall = p50(ways)
    first, last = asked.sizes[0], asked.sizes[-1]
    exponents = {
        name: math.log(cpu[f"{name} at {last}"] / cpu[f"{name} at {first}"], last / first)
        for name in ("all", "3 %")
    }
    return conclude(
        "grow",
        {
            f"exponent, {name}": (value, Bound(at_most=MOST_EXPONENT))
            for name, value in exponents.items()
        },
        {
            "sizes": asked.sizes,
            "needs": asked.needs,
            "p50_cpu_ms": cpu,
            "p50_wall_ms": wall,
        },
        load_before=before,
    )


if __name__ == "__main__":
    sys.exit(main())
