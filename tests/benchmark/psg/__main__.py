"""A real catalogue through the real import and the real serving path, judged by its own grades.

``python -m tests.benchmark.psg DIR`` reads a catalogue (solutions.jsonl, queries.jsonl, qrels.txt,
categories.jsonl), imports it into a database of its own, matches every query and prints one JSON
object on the last line, keyed by ranker: ``ndcg@10`` (gain 2^grade - 1), ``recall@10`` and ``mrr``
(relevant = grade 1 or more), and ``ms``, the median milliseconds of one full answer in process.

`matchmaker`
    need and the sector's industries: exactly the slate of POST /v1/match
`matchmaker_text_only`
    the need's text alone, no profile
`matchmaker_uncapped`, `matchmaker_text_only_uncapped`
    the same by score alone, below
`matchmaker_no_overlap`
    a glossary without the concepts that equal a query or a category (``overlap``); without
    such concepts it is `matchmaker`
`bm25`
    k1 1.2, b .75, title and description, the same tokens, no glossary
`random`
    shuffled, mean of 20 seeds
`leak`
    the control, below

The default curation's cap of two offerings per provider is a move of the slate for fairness, which
costs a little; bm25 and random have none. So the two figures `_uncapped` run the same code on a
card whose cap does not bind. The judged order is the whole slate, checked to begin as the answer
does.

The grades were made from the solutions' ``categories``; no ranker but `leak` is given them. `leak`
states them the way our own providers do: the solution categories are replaced by the catalogue's
names, each without a family, every offering declares its own and says them in its summary, and the
need asks for the one it is named after. It must come out above .90, or the run measures nothing.

With ``--train DIR2`` it says what the judgements of DIR2 teach instead (`learned`).

Many scores are equal, and their order is a draw (a hash of the input and the ids, which are new in
every import). So each figure is the mean of 10 draws, of the serving path too: it is asked 10 times
with up to 9 blanks after the text, which change the hash alone. The last digits still move.
Queries without a relevant solution are not judged; missing figures are null.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tests.benchmark.psg import metrics
from tests.benchmark.psg.catalogue import Catalogue, Need, import_lines, read
from tests.benchmark.psg.metrics import Figures
from tests.benchmark.psg.overlap import Overlap, overlap, without
from tests.benchmark.psg.rankers import Bm25, Ranker, served, shuffled
from tests.benchmark.psg.serving import (
    Serving,
    category_codes,
    serving,
    uncapped,
    with_categories,
    with_words,
)

from matchmaker.core import shipped
from matchmaker.released import Released

WANTED_NDCG: Final = 0.76
WANTED_OVER_BM25: Final = 1.05
LEAST_OF_THE_LEAK: Final = 0.90
DRAWS: Final = 10
SEEDS: Final = 20


def judged(catalogue: Catalogue, ranker: Ranker, draws: int = DRAWS) -> Figures | None:
    """The means over the judged needs and ``draws``; None without a judged need."""
    return metrics.mean(
        metrics.figures(ranker.order(need, draw), catalogue.grades[need.id])
        for draw in range(draws)
        for need in catalogue.needs
        if metrics.is_judged(catalogue.grades.get(need.id, {}))
    )


def milliseconds(ranker: Ranker, needs: Sequence[Need]) -> float | None:
    """The median of one answer per need; None without needs."""
    found = []
    for need in needs:
        started = perf_counter()
        ranker.answer(need)
        found.append((perf_counter() - started) * 1000)
    return statistics.median(found) if found else None


def told(found: Figures | None, ms: float | None) -> dict[str, float | None]:
    """The entry of one ranker."""
    return {
        "ndcg@10": round(found.ndcg, 4) if found else None,
        "recall@10": round(found.recall, 4) if found else None,
        "mrr": round(found.mrr, 4) if found else None,
        "ms": None if ms is None else round(ms, 3),
    }


def measured(catalogue: Catalogue, ranker: Ranker, draws: int = DRAWS) -> dict[str, float | None]:
    """The entry of ``ranker``."""
    return told(judged(catalogue, ranker, draws), milliseconds(ranker, catalogue.needs))


def entries(
    catalogue: Catalogue, released: Released, seeds: Path, shared: Overlap
) -> dict[str, Any]:
    """The entry of every ranker."""
    solutions, found = catalogue.solutions, dict[str, Any]()
    with serving(import_lines(solutions), released) as real:
        free = Serving(uncapped(real.matcher), real.external_ids)
        for name, path in (("", real), ("_uncapped", free)):
            text_only = served(path, solutions, has_profile=False)
            found[f"matchmaker{name}"] = measured(catalogue, served(path, solutions))
            found[f"matchmaker_text_only{name}"] = measured(catalogue, text_only)
    found["matchmaker_no_overlap"] = found["matchmaker"]
    if shared.concepts:
        rest = with_words(released, without(released.words, shared.concepts))
        with serving(import_lines(solutions), rest) as real:
            found["matchmaker_no_overlap"] = measured(catalogue, served(real, solutions))
    bm25, chance = Bm25(solutions, released.words.tokenizer), shuffled(solutions)
    found["bm25"] = measured(catalogue, Ranker(bm25.order, bm25.order))
    found["random"] = measured(catalogue, chance, SEEDS)
    codes = category_codes(catalogue.categories)
    leaking = with_categories(released, catalogue.categories, seeds)
    with serving(import_lines(solutions, codes), leaking) as real:
        found["leak"] = measured(catalogue, served(real, solutions, codes=codes))
    return found


def reached(found: dict[str, Any]) -> dict[str, bool]:
    """Which figures were reached; those that could not be measured were not."""
    ndcg = {name: entry["ndcg@10"] or 0.0 for name, entry in found.items()}
    text, bm25 = ndcg["matchmaker_text_only"], ndcg["bm25"]
    return {
        "matchmaker>=.76": ndcg["matchmaker"] >= WANTED_NDCG,
        "text_only>=1.05*bm25": bm25 > 0 and text >= WANTED_OVER_BM25 * bm25,
        "leak>.90": ndcg["leak"] > LEAST_OF_THE_LEAK,
    }


def warnings(catalogue: Catalogue) -> list[str]:
    """What a reader of the figures should know of the folder."""
    unjudged = sum(
        not metrics.is_judged(catalogue.grades.get(need.id, {})) for need in catalogue.needs
    )
    counted = {
        "queries without a relevant solution, not judged": unjudged,
        "solutions left out, their id stands before": catalogue.repeated,
        "texts shortened to what the import takes": catalogue.shortened,
    }
    return [
        *(f"sector without industries: {sector}" for sector in catalogue.unmapped),
        *(f"{number} {what}" for what, number in counted.items() if number),
    ]


def report(folder: Path) -> dict[str, Any]:
    """The whole JSON object for the catalogue in ``folder``; prints warnings."""
    catalogue = read(folder)
    for warning in warnings(catalogue):
        print(f"warning: {warning}", flush=True)
    seeds = shipped.folder("seeds")
    released = Released(seeds)
    texts = [*(need.text for need in catalogue.needs), *sorted(catalogue.categories)]
    shared = overlap(released.words.tokenizer, released.taxonomy, texts)
    found = entries(catalogue, released, seeds, shared)
    return {
        **found,
        "overlap": list(shared.phrases),
        "overlap_unread": list(shared.unread),
        "queries": len(catalogue.needs),
        "offerings": len(catalogue.solutions),
        "shortened": catalogue.shortened,
        "unmapped_sectors": list(catalogue.unmapped),
        "load": [round(value, 2) for value in os.getloadavg()],
        "reached": reached(found),
    }


def _learned(folder: Path, train: Path) -> dict[str, Any]:
    # Its peers are no dependency of the product: whoever judges the card alone goes without them.
    from tests.benchmark.psg import learned

    return learned.report(folder, train)


def main() -> int:
    """0 when everything was measured, whatever was reached."""
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.psg", description=summary)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--train", type=Path, metavar="DIR2", help="Learn from its judgements.")
    asked = parser.parse_args()
    found = report(asked.folder) if asked.train is None else _learned(asked.folder, asked.train)
    print(json.dumps(found, ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
