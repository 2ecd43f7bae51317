"""How long it takes to explain where an offering stands, with what would change that.

``python -m tests.benchmark.explain [--offerings 100000] [--needs 50]``: the last line is one JSON
object. Of each need three offerings are asked about: the second behind those shown, one at the
middle of the order, and, of needs that 97 % of the pool does not survive, one that a must of the
firm excludes. It is the whole of ``POST /v1/match/explain`` but for HTTP: the match, the standing,
and every suggestion asked again. Judged by the median of processor time.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
from tests.benchmark import synthetic, world
from tests.benchmark.measuring import Bound, conclude, load, sizes
from tests.benchmark.pool import LANGUAGE, LIMIT, took

from matchmaker.core.settings import INDEX
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import Explanation, MatchInput

MOST_MS = 50.0


def asked_about(matcher: Matcher, request: MatchInput, *, is_selective: bool) -> list[str]:
    """The ids of the offerings that are asked about."""
    run, found = matcher.run(request, Caller(), as_of=synthetic.AS_OF)
    ids = run.published.index.offering_ids
    if is_selective:
        excluded = np.flatnonzero(found.verdict.excluded_by >= 0)
        return [ids[int(excluded[len(excluded) // 2])]]
    order = found.order(len(found.scored) // 2)
    return [ids[order[LIMIT + 1]], ids[order[len(found.scored) // 2 - 1]]]


def run(offerings: int, needs: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    matcher = synthetic.released().matcher(world.data(offerings) / INDEX)
    found: dict[str, list[float]] = {"below the cut": [], "in the middle": [], "excluded": []}
    told: dict[str, list[int]] = {name: [] for name in found}
    before = load()
    for is_selective, names in ((False, [*found][:2]), (True, [*found][2:])):
        for request in synthetic.requests(needs, is_selective=is_selective):
            ids = asked_about(matcher, request, is_selective=is_selective)
            for name, offering_id in zip(names, ids, strict=True):
                answers: list[Explanation] = []
                explain = partial(matcher.explain, request, offering_id, Caller(), LANGUAGE)
                found[name].append(took(lambda: answers.append(explain())).cpu)  # noqa: B023  (called at once)
                told[name].append(len(answers[0].suggestions))
    p50 = {name: round(statistics.median(times), 1) for name, times in found.items()}
    return conclude(
        "explain",
        {name: (value, Bound(at_most=MOST_MS)) for name, value in p50.items()},
        {
            "offerings": offerings,
            "needs": needs,
            "p90_cpu_ms": {name: _p90(times) for name, times in found.items()},
            "suggestions": {name: sum(counts) for name, counts in told.items()},
        },
        load_before=before,
    )


def _p90(times: Sequence[float]) -> float:
    return round(statistics.quantiles(times, n=10)[-1], 1)


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, needs=50)
    return run(asked.offerings, asked.needs)


if __name__ == "__main__":
    sys.exit(main())
