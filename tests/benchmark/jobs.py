"""How many jobs a second are done while workers are killed, and whether each took effect once.

``python -m tests.benchmark.jobs [--jobs 10000] [--kills 25] [--workers 3] [--repeats 1]``: the last
line is one JSON object. The server is as it is shipped (durable); the time counts from the start of
the first worker process, the waiting for the leases of the killed ones included.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from dataclasses import asdict

from tests.benchmark.measuring import Bound, conclude, load
from tests.clusters import reachable_directory
from tests.fault.trial import Outcome, trial

from matchmaker.core import migrate
from matchmaker.core.postgres import Embedded

WANTED = Bound(at_least=300.0)
"""Jobs a second while killed."""


async def measure(arguments: argparse.Namespace) -> list[Outcome]:
    """The outcome of each repetition, on one server."""
    found: list[Outcome] = []
    with reachable_directory() as place, Embedded(place).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        for repeat in range(arguments.repeats):
            async with trial(server) as made:
                outcome = await made.kills(
                    arguments.jobs, arguments.kills, workers=arguments.workers, seed=repeat
                )
            print(f"{outcome} {outcome.rate:.0f} jobs/s", flush=True)
            found.append(outcome)
    return found


def run(arguments: argparse.Namespace) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    found = asyncio.run(measure(arguments))
    rates = [round(outcome.rate, 1) for outcome in found]
    exact = [outcome.is_exact for outcome in found]
    return conclude(
        "jobs",
        {
            "rate": (statistics.median(rates), WANTED),
            "share_exact": (statistics.mean(exact), Bound(at_least=1.0)),
        },
        {"rates": rates, "outcomes": [asdict(outcome) for outcome in found]},
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("jobs", 10_000), ("kills", 25), ("workers", 3), ("repeats", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
