"""How long the slowest requests take while others take the processors.

``python -m tests.benchmark.noisy [--offerings 100000] [--requests 300]``: one worker, one
connection, all of the pool survives; quiet and with as many busy processes as there are
processors, in turn, five times each. The last line is one JSON object.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tests.benchmark import world
from tests.benchmark.loading import Driven, drive
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.serving import match_requests, product

SLOWER: Final = Bound(at_most=5.0)
NEEDS: Final = 100
HOGS: Final = 2
MOST_SECONDS: Final = 120.0
_HOG: Final = (
    "import time\nuntil = time.monotonic() + float({0})\nwhile time.monotonic() < until: pass\n"
)


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """So many processes that do nothing but run; each ends by itself if nobody ends it."""
    program = _HOG.format(2 * MOST_SECONDS)
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def run(offerings: int, count: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    requests = match_requests(NEEDS, is_selective=False)
    with world.database() as url, product(world.Product(world.data(offerings), url)) as ours:
        ask = partial(
            drive, ours.port, requests, connections=1, seconds=MOST_SECONDS, at_most=count
        )

        def beside(busy: int) -> Driven:
            with hogs(busy):
                return ask()

        _ = ask()
        ways: dict[str, Callable[[], Driven]] = {
            "quiet": partial(beside, 0),
            "hogs": partial(beside, HOGS),
        }
        found = interleaved(ways)
    slowest = medians({name: [d.ms(0.99) for d in driven] for name, driven in found.items()}, 2)
    usual = medians({name: [d.ms(0.5) for d in driven] for name, driven in found.items()}, 2)
    return conclude(
        "noisy",
        {"p99_with_hogs_times_quiet": (slowest["hogs"] / slowest["quiet"], SLOWER)},
        {
            "offerings": offerings,
            "requests": count,
            "processors": os.cpu_count(),
            "hogs": HOGS,
            "p50_ms": usual,
            "p99_ms": slowest,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, requests=300)
    return run(asked.offerings, asked.requests)


if __name__ == "__main__":
    sys.exit(main())
