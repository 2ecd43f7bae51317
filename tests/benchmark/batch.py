"""A whole batch, by the code that runs one: how long it takes, and how much memory.

``python -m tests.benchmark.batch [--firms 20000] [--offerings 5000] [--processes 1]``: the last
line is one JSON object. The firms are those of the synthetic cohort, all ask the first one's need;
each offering has five places, and fifty are to fill theirs. Every firm is scored on every offering,
the allocation is made and proven in a process of its own, and every firm is answered. Judged by
processor time of all processes, and by the greatest memory of this one and of the largest other.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

from tests.benchmark import synthetic, world
from tests.benchmark.measuring import Bound, conclude, load, sizes
from tests.factories import SEEDS

from matchmaker.core.settings import INDEX
from matchmaker.matching.batches import jobs
from matchmaker.matching.batches.jobs import Means
from matchmaker.matching.batches.running import Limits, Where
from matchmaker.matching.batches.scoring import Asked, Entrant
from matchmaker.matching.query import Caller

MOST_SECONDS = 600.0
MOST_GIB = 8.0
PLACES = 5
FLOORS = 50


def used() -> tuple[float, float]:
    """Seconds of processor time, and GiB, of this process and of those that it waited for."""
    ours = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(each.ru_utime + each.ru_stime for each in ours)
    return seconds, sum(each.ru_maxrss for each in ours) / 1024**2


def run(firms: int, offerings: int, processes: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    index = world.data(offerings) / INDEX
    matcher = synthetic.released().matcher(index)
    means = Means(matcher, Where(Path(SEEDS), index), processes)
    requests = synthetic.requests(firms, is_selective=False)
    entrants = [Entrant(str(place), each.profile) for place, each in enumerate(requests)]
    asked = Asked(
        need=requests[0].need, pools=None, limit=10, caller=Caller(), as_of=synthetic.AS_OF
    )
    ids = [*matcher.holder.current().index.offering_ids][:FLOORS]
    limits = Limits(PLACES, {}, dict.fromkeys(ids, PLACES))
    before, started, wall = load(), used()[0], time.perf_counter()
    stages: dict[str, float] = {}

    async def tell(done: int, total: int | None, note: str | None) -> None:
        await asyncio.sleep(0)
        stages[note or ""] = round(used()[0] - started, 1)
        if done % 2048 == 0:
            print(f"{note} {done} of {total}: {stages[note or '']} s", flush=True)

    report, lines = asyncio.run(jobs.done(means, asked, entrants, limits, tell=tell))
    seconds, gib = used()
    return conclude(
        "batch",
        {
            "cpu_s": (seconds - started, Bound(at_most=MOST_SECONDS)),
            "gib": (gib, Bound(at_most=MOST_GIB)),
        },
        {
            "firms": firms,
            "offerings": offerings,
            "processes": processes,
            "matched": report.matched,
            "octets": len(lines),
            "wall_s": round(time.perf_counter() - wall, 1),
            "cpu_s_at_the_end_of": stages,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, firms=20_000, offerings=5000, processes=1)
    return run(asked.firms, asked.offerings, asked.processes)


if __name__ == "__main__":
    sys.exit(main())
