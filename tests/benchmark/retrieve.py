"""Screen and text of a need whose musts 3 % of the pool survive, against search engines.

``python -m tests.benchmark.retrieve [--offerings 100000] [--needs 60]``: the first 200 by text of
those that survive, from a need already read; p50 over the needs, in turn, five times each. Against
tantivy and bm25s on the very same tokens, and against the rival's Postgres on its words. For some
needs the 200 are compared with those found by the scalar rules and the sums of each offering alone,
ties by place; the control, filtering the 200 of everything, must find fewer. The last line is one
JSON object.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import asyncpg
import numpy as np
from numpy.typing import NDArray
from tests.benchmark import engines, synthetic, world
from tests.benchmark.engines import Search
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.rival import app, queries
from tests.benchmark.rival.running import database
from tests.factories import times

from matchmaker.core.settings import INDEX
from matchmaker.matching.index import IndexHolder
from matchmaker.ranking import screen, text
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.text import UNIT, Sums, TextStatistics, TextWeights
from matchmaker.rules import Answer, Fact, answer

FIRST: Final = 200
FASTER: Final = Bound(at_most=1.0)
COMPLETE: Final = Bound(at_least=1.0)
NAIVE: Final = Bound(at_most=0.9)
CHECKED: Final = 10

Places = NDArray[np.int64]


def ours(query: Query, index: Index) -> Search:
    """Our search of a need."""

    def find() -> Places:
        alive = np.flatnonzero(screen.screen(query, index, {}).scored)
        return first(text.score(engines.asked(query), index.text.at(alive)).sums, alive, index)

    return find


def first(sums: Sums, alive: Places, index: Index) -> Places:
    """The first 200 of ``alive`` by their ``sums``, the greatest first, ties by place."""
    keys = sums.astype(np.int64) * index.offerings - alive
    if len(keys) > FIRST:
        best = np.argpartition(keys, len(keys) - FIRST)[-FIRST:]
        alive, keys = alive[best], keys[best]
    found: Places = alive[np.argsort(-keys)]
    return found


def naive(query: Query, index: Index) -> Places:
    """The first 200 of everything, then filtered: what a search engine beside filters gives."""
    sums = text.score(engines.asked(query), index.text).sums
    best = first(sums, np.arange(index.offerings), index)
    found: Places = best[screen.screen(query, index, {}).scored[best]]
    return found


def exact(query: Query, offerings: Sequence[OfferingFacts], index: Index) -> Places:
    """The first 200 by rule and sum of one offering after the other."""
    assert query.need_must is not None
    weights, known = synthetic.released().model.card.text, index.statistics
    asked = engines.asked(query)
    ranked = []
    for place, offering in enumerate(offerings):
        if answer(query.need_must, partial(_fact, offering)) == Answer.NO:
            continue
        ranked.append((-sum(_impact(token, offering, known, weights) for token in asked), place))
    return np.array([place for _, place in sorted(ranked)[:FIRST]], np.int64)


def _impact(
    token: str, offering: OfferingFacts, known: TextStatistics, weights: TextWeights
) -> int:
    """Idf x the greatest saturation over languages, one word of one offering (scoring.md 10)."""
    saturations = [0.0]
    for language, counted in offering.text.items():
        often, average = times(counted).get(token, 0), known.average_length[language]
        norm = weights.k1 * (1 - weights.b + weights.b * counted.length / average)
        saturations.append(often / (often + norm))
    return round(known.idf(token) * max(saturations) * UNIT)


def _fact(offering: OfferingFacts, field: str) -> Fact:
    return offering.declared.get(field.removeprefix("offering."))


def recall(
    asked: Sequence[Query], offerings: Sequence[OfferingFacts], index: Index
) -> dict[str, float]:
    """The least share of the exact 200, in their order, that ours and the naive way found."""
    found: dict[str, list[float]] = {"ours": [], "naive": []}
    for query in asked:
        wanted = exact(query, offerings, index)
        mine = ours(query, index)()
        assert isinstance(mine, np.ndarray)
        found["ours"].append(float(np.mean(mine == wanted)))
        found["naive"].append(float(np.isin(wanted, naive(query, index)).mean()))
    return {name: min(shares) for name, shares in found.items()}


def p50_ms(searches: Sequence[Search]) -> float:
    """Milliseconds of the median search."""
    took = []
    for search in searches:
        started = time.perf_counter()
        search()
        took.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(took), 3)


def postgres(url: str, needs: int) -> Callable[[], float]:
    """The same figure of the rival's database."""
    generate = synthetic.generator().need
    told = [generate(synthetic.SEED, row, selective=True)["need"] for row in range(needs)]

    async def measure() -> float:
        connection = await asyncpg.connect(url)
        took = []
        try:
            common = await queries.common_words(url)
            for need in told:
                query, filters = queries.text_query(need["text"], common), app.filters(need)
                assert filters is not None
                started = time.perf_counter()
                await queries.places(connection, query, filters)
                took.append((time.perf_counter() - started) * 1000)
        finally:
            await connection.close()
        return round(statistics.median(took), 3)

    return lambda: asyncio.run(measure())


def compare(
    asked: Sequence[Query], offerings: Sequence[OfferingFacts], index: Index
) -> tuple[Mapping[str, list[float]], int]:
    """The figures of every engine, and how many segments tantivy has."""
    tantivy, bm25s = engines.Tantivy(offerings), engines.Bm25s(offerings)
    ways: dict[str, Callable[[], float]] = {
        "ours": partial(p50_ms, [ours(query, index) for query in asked]),
        "tantivy": partial(p50_ms, [tantivy.search(query, FIRST) for query in asked]),
        "bm25s": partial(p50_ms, [bm25s.search(query, FIRST) for query in asked]),
    }
    with database(len(offerings)) as url:
        ways["postgres"] = postgres(url, len(asked))
        for way in ways.values():
            _ = way()
        return interleaved(ways), tantivy.segments


def run(number: int, needs: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    index = IndexHolder(world.data(number) / INDEX).current().index
    offerings = list(synthetic.facts(range(number)))
    assert list(index.offering_ids) == [each.offering_id for each in offerings]
    asked = [synthetic.query(each) for each in synthetic.requests(needs, is_selective=True)]
    recalls = recall(asked[:CHECKED], offerings, index)
    found, segments = compare(asked, offerings, index)
    middle = medians(found)
    return conclude(
        "retrieve",
        {
            "times_tantivy": (middle["ours"] / middle["tantivy"], FASTER),
            "filtered_recall": (recalls["ours"], COMPLETE),
            "filtered_recall_of_the_control": (recalls["naive"], NAIVE),
        },
        {
            "offerings": number,
            "needs": needs,
            "first": FIRST,
            "tantivy_segments": segments,
            "p50_ms": found,
            "median_p50_ms": middle,
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=100_000, needs=60)
    return run(asked.offerings, asked.needs)


if __name__ == "__main__":
    sys.exit(main())
