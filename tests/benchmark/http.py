"""What a match costs a worker, against the same Litestar route returning fixed bytes.

``python -m tests.benchmark.http [--offerings 10000] [--requests 400]``: seconds on a processor for
each request at one connection, in turn, five times each. ``plain`` is a Litestar route that decodes
the same body and returns the bytes of a real answer; ``edged`` the product's own application with
the same declared route and those bytes, so that what our edges, access and sessions cost is seen
and does not pass as the floor: both are judged. The last line is one JSON object.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import httpx
from tests.benchmark import fixed, world
from tests.benchmark.loading import drive
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.serving import (
    MATCH,
    Service,
    match_bodies,
    match_requests,
    product,
    served,
)

ALL: Final = Bound(at_most=20.0)
SELECTIVE: Final = Bound(at_most=6.0)
NEEDS: Final = 100
MOST_SECONDS: Final = 60.0
EDGED_APP: Final = "tests.benchmark.fixed:served"
PLAIN_APP: Final = "tests.benchmark.fixed:plain"


def cpu_us(service: Service, requests: Sequence[bytes], count: int) -> float:
    """Microseconds on a processor for each request."""
    before = service.cpu_s()
    driven = drive(service.port, requests, connections=1, seconds=MOST_SECONDS, at_most=count)
    return round((service.cpu_s() - before) / len(driven.latencies) * 1e6, 1)


def run(offerings: int, count: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    directory = world.data(offerings)
    every = match_requests(NEEDS, is_selective=False)
    with contextlib.ExitStack() as running:
        url = running.enter_context(world.database())
        ours = running.enter_context(product(world.Product(directory, url)))
        body = match_bodies(1, is_selective=False)[0]
        answer = httpx.post(
            f"http://127.0.0.1:{ours.port}{MATCH}",
            content=body,
            headers={"Content-Type": fixed.JSON},
            timeout=60,
        )
        (directory / "answer.json").write_bytes(answer.raise_for_status().content)
        variables = {"DATABASE_URL": url, fixed.ANSWER: str(directory / "answer.json")}
        edged = running.enter_context(served(EDGED_APP, variables, directory))
        plain = running.enter_context(served(PLAIN_APP, variables, directory))
        selective = match_requests(NEEDS, is_selective=True)
        ways: dict[str, Callable[[], float]] = {
            "all": partial(cpu_us, ours, every, count),
            "selective": partial(cpu_us, ours, selective, count),
            "edged": partial(cpu_us, edged, every, 4 * count),
            "plain": partial(cpu_us, plain, every, 4 * count),
        }
        for way in ways.values():
            _ = way()
        found = interleaved(ways)
    middle = medians(found, 1)
    return conclude(
        "http",
        {
            f"{kind}_times_{floor}": (middle[kind] / middle[floor], bound)
            for kind, bound in (("all", ALL), ("selective", SELECTIVE))
            for floor in ("plain", "edged")
        },
        {
            "offerings": offerings,
            "requests": count,
            "answer_octets": len(answer.content),
            "cpu_us": found,
            "median_cpu_us": middle,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=10_000, requests=400)
    return run(asked.offerings, asked.requests)


if __name__ == "__main__":
    sys.exit(main())
