"""What a second worker adds to memory: the index is mapped, its pages are shared.

``python -m tests.benchmark.mem [--offerings 100000]``: the proportional sizes (PSS) of all workers
together, with one and with two, on the pool and on ten offerings, in turn, five times each. What a
second worker adds on the pool, less what it adds on ten offerings (an interpreter, the taxonomy),
is what the index costs it. The last line is one JSON object.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.benchmark import world
from tests.benchmark.loading import drive
from tests.benchmark.measuring import REPEATS, Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.serving import match_requests, product

SHARE: Final = Bound(at_most=0.20)
FEW: Final = 10
NEEDS: Final = 20
CONNECTIONS: Final = 8
MOST_SECONDS: Final = 120.0


def memory(of: world.Product, workers: int) -> dict[str, int]:
    """Octets of the workers together once each has answered needs of both kinds."""
    with product(of, workers=workers) as service:
        for is_selective in (False, True):
            drive(
                service.port,
                match_requests(NEEDS, is_selective=is_selective),
                connections=CONNECTIONS * workers,
                seconds=MOST_SECONDS,
                at_most=NEEDS * workers * 2,
            )
        assert len(service.workers) == workers
        return service.memory()


def run(offerings: int, repeats: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    with world.database() as url:
        pool, few = (world.Product(world.data(count), url) for count in (offerings, FEW))
        ways: dict[str, Callable[[], dict[str, int]]] = {
            f"{name}_w{workers}": partial(memory, each, workers)
            for name, each in (("pool", pool), ("few", few))
            for workers in (1, 2)
        }
        found = interleaved(ways, repeats)
    figures = {
        kind: medians({name: [each[kind] for each in sizes] for name, sizes in found.items()}, 0)
        for kind in ("Pss", "Rss", "Private_Dirty")
    }
    added = {
        kind: (of["pool_w2"] - of["pool_w1"]) - (of["few_w2"] - of["few_w1"])
        for kind, of in figures.items()
    }
    return conclude(
        "mem",
        {"second_worker_share_of_index": (added["Pss"] / pool.index_octets, SHARE)},
        {
            "offerings": offerings,
            "repeats": repeats,
            "index_octets": pool.index_octets,
            "octets": figures,
            "index_in_second_worker": added,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, repeats=REPEATS)
    return run(asked.offerings, asked.repeats)


if __name__ == "__main__":
    sys.exit(main())
