"""Whole requests over HTTP, against the obvious build on the same pool and with the same answers.

``python -m tests.benchmark.e2e [--offerings 100000] [--seconds 3]``: all of the pool survives, or
about 3 % of it; 1 and 32 connections, 1 and 2 workers; in turn, five times each. Ours is numpy
alone; with the extra `fast`, which the peers bring, it is asked once more over one connection. The
last line is one JSON object. The rival is `tests.benchmark.rival`; docs/adr/0028 says how it was
tuned.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from tests.benchmark import world
from tests.benchmark.loading import Driven, drive
from tests.benchmark.measuring import Bound, conclude, interleaved, load, sizes
from tests.benchmark.rival.running import Rival, rival
from tests.benchmark.serving import Service, match_requests, product

FASTER: Final = Bound(at_least=10.0)
FAST: Final = Bound(at_least=20.0)
SCALES: Final = Bound(at_least=1.7)
SAME_SIZE: Final = Bound(at_least=0.98)
NEEDS: Final = 200
SETTINGS: Final = ((1, 1), (32, 1), (32, 2))
"""Connections and workers."""
COMPARED: Final = ((1, 1), (32, 2))
SECTION_4_MS: Final = (26.0, 45.0)
"""What the rival of performance.md 4 took for a request at one connection, in its two runs."""
KINDS: Final = {"all": False, "selective": True}


class Setting(NamedTuple):
    """One thing that is measured."""

    system: str
    kind: str
    connections: int
    workers: int

    def __str__(self) -> str:
        return f"{self.system}_{self.kind}_c{self.connections}_w{self.workers}"


Services = Mapping[tuple[str, int], Service]


@contextlib.contextmanager
def services(ours: world.Product, theirs: Rival, answer: int) -> Iterator[Services]:
    """Both systems with one worker and with two, by name and number of workers; `fast` with one."""
    with contextlib.ExitStack() as running:
        found: dict[tuple[str, int], Service] = {}
        found["fast", 1] = running.enter_context(product(ours, kernels="auto"))
        for workers in (1, 2):
            found["ours", workers] = running.enter_context(product(ours, workers=workers))
            found["rival", workers] = running.enter_context(
                theirs.served(answer=answer, workers=workers)
            )
        yield found


def measure(running: Services, seconds: float) -> dict[Setting, list[Driven]]:
    """What each setting gave each time."""
    requests = {
        kind: match_requests(NEEDS, is_selective=selective) for kind, selective in KINDS.items()
    }
    settings = [
        Setting(system, kind, connections, workers)
        for kind in KINDS
        for connections, workers in SETTINGS
        for system in ("ours", "fast", "rival")
        if system != "fast" or connections == 1
    ]
    ways: dict[str, Callable[[], Driven]] = {
        str(each): partial(
            drive,
            running[each.system, each.workers].port,
            requests[each.kind],
            connections=each.connections,
            seconds=seconds,
        )
        for each in settings
    }
    for each in ways.values():
        _ = each()
    found = interleaved(ways)
    return {each: found[str(each)] for each in settings}


def answer_size(ours: world.Product) -> int:
    """Mean octets of our answer, to which the rival's are filled up."""
    with product(ours) as service:
        found = [
            drive(
                service.port,
                match_requests(20, is_selective=selective),
                connections=1,
                seconds=60,
                at_most=20,
            ).answer
            for selective in KINDS.values()
        ]
    return round(statistics.mean(found))


def run(offerings: int, seconds: float) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    directory = world.data(offerings)
    with world.database() as url, rival(offerings) as theirs:
        ours = world.Product(directory, url)
        answer = answer_size(ours)
        with services(ours, theirs, answer) as running:
            found = measure(running, seconds)
    rate = {each: statistics.median(d.rate for d in driven) for each, driven in found.items()}
    judged = {
        f"{kind}_c{connections}_w{workers}_times_rival": (
            rate[Setting("ours", kind, connections, workers)]
            / rate[Setting("rival", kind, connections, workers)],
            FASTER,
        )
        for kind in KINDS
        for connections, workers in COMPARED
    } | {
        f"{kind}_two_workers_times_one": (
            rate[Setting("ours", kind, 32, 2)] / rate[Setting("ours", kind, 32, 1)],
            SCALES,
        )
        for kind in KINDS
    }
    judged |= {
        f"fast_{kind}_c1_w1_times_rival": (
            rate[Setting("fast", kind, 1, 1)] / rate[Setting("rival", kind, 1, 1)],
            FAST,
        )
        for kind in KINDS
    }
    sizes = {
        system: statistics.mean(
            d.answer for each, driven in found.items() if each.system == system for d in driven
        )
        for system in ("ours", "rival")
    }
    judged["answer_size_of_rival_to_ours"] = sizes["rival"] / sizes["ours"], SAME_SIZE
    return conclude(
        "e2e",
        judged,
        {
            "offerings": offerings,
            "seconds": seconds,
            "answer_octets": {system: round(size) for system, size in sizes.items()},
            "rate": {str(each): round(value, 1) for each, value in rate.items()},
            "p50_ms": _latencies(found, 0.5),
            "p99_ms": _latencies(found, 0.99),
            "rival_of_performance_md_4_ms": SECTION_4_MS,
        },
        load_before=before,
    )


def _latencies(found: Mapping[Setting, list[Driven]], share: float) -> dict[str, float]:
    return {
        str(each): round(statistics.median(d.ms(share) for d in driven), 2)
        for each, driven in found.items()
    }


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, seconds=3.0)
    return run(asked.offerings, asked.seconds)


if __name__ == "__main__":
    sys.exit(main())
