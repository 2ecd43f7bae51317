"""How many jobs a second are done while workers are killed, and whether each took effect once.

``python -m tests.benchmark.jobs [--jobs 10000] [--kills 25] [--workers 3] [--repeats 5]``: the last
line is one JSON object. The server is as it is shipped (durable); the time counts from the start of
the first worker process, the waiting for the leases of the killed ones included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from dataclasses import asdict
from typing import Any

from tests.clusters import reachable_directory
from tests.fault.trial import Outcome, trial

from matchmaker.core import migrate
from matchmaker.core.postgres import Embedded

WANTED = 300.0
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


def summary(found: list[Outcome]) -> dict[str, Any]:
    """What the last line says."""
    rates = [outcome.rate for outcome in found]
    return {
        "rate": round(statistics.median(rates), 1),
        "rates": [round(rate, 1) for rate in rates],
        "wanted": WANTED,
        "is_exact": all(outcome.is_exact for outcome in found),
        "outcomes": [asdict(outcome) for outcome in found],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("jobs", 10_000), ("kills", 25), ("workers", 3), ("repeats", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    print(json.dumps(summary(asyncio.run(measure(parser.parse_args())))))
