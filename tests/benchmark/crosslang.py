"""Asked in one language and told in the other: what the glossary alone brings.

``python -m tests.benchmark.crosslang [DIR...] [--draws 10]``: the demo needs, each against the
texts of the other language alone, with the glossary and without one. A demo offering is relevant to
a need as far as what both state agrees: 2 for a category in common, 1 for a scene, 0 for another
kind. A DIR holds a catalogue in the form of `psg` whose queries are Chinese; its grades count.
Equal scores are drawn ``--draws`` times; texts alone, no profile, no musts. The last line is one
JSON object keyed by what was asked, each with ``ndcg@10``, ``recall@10`` and ``mrr``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from tests.benchmark.languages import demo_offerings, said, tokenizers
from tests.benchmark.measuring import Bound, conclude, load
from tests.benchmark.psg import catalogue, metrics
from tests.benchmark.texts import Texts, Told

from matchmaker.core import shipped
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.tokens import Tokenizer
from matchmaker.released import Released

TWICE: Final = Bound(at_least=2.0)
OTHER: Final = {"zh": "en", "en": "zh"}


class Asked(NamedTuple):
    """Queries against documents of the other language."""

    told: Sequence[Told]
    queries: Sequence[tuple[str, Mapping[str, int]]]
    """Each with the grades of documents, by their place."""


def demo() -> Iterator[tuple[str, Asked]]:
    """The demo needs by the language they are written in."""
    offerings = demo_offerings()
    lines = (shipped.folder("seeds") / "demo/needs.jsonl").read_text().splitlines()
    needs = [json.loads(line)["need"] for line in lines]
    for language, other in OTHER.items():
        queries = [
            (need["text"], graded)
            for need in needs
            if _language(need["text"]) == language and (graded := _grades(need, offerings))
        ]
        yield f"demo {language}->{other}", Asked([said(each, other) for each in offerings], queries)


def folder(path: Path) -> Asked:
    """The catalogue in ``path``: its solutions in English, asked as its queries are written."""
    found = catalogue.read(path)
    places = {solution.id: str(place) for place, solution in enumerate(found.solutions)}
    told = [{"en": [each.title] * 2 + [each.description]} for each in found.solutions]
    queries = [
        (need.text, {places[name]: grade for name, grade in graded.items() if name in places})
        for need in found.needs
        if metrics.is_judged(graded := found.grades.get(need.id, {}))
    ]
    return Asked(told, queries)


def judged(
    asked: Asked, tokenizer: Tokenizer, weights: TextWeights, draws: int
) -> dict[str, float] | None:
    """The means over the queries."""
    texts, random = Texts(asked.told, tokenizer, weights), np.random.default_rng(1)
    names = np.arange(len(asked.told)).astype(str)
    found = []
    for query, grades in asked.queries:
        sums = texts.sums(query).astype(np.int64)
        for _ in range(draws):
            order = np.lexsort((random.random(len(names)), -sums))
            found.append(metrics.figures(names[order].tolist(), grades))
    mean = metrics.mean(found)
    if mean is None:
        return None
    return {
        "ndcg@10": round(mean.ndcg, 4),
        "recall@10": round(mean.recall, 4),
        "mrr": round(mean.mrr, 4),
        "queries": len(asked.queries),
    }


def _grades(need: Mapping[str, Any], offerings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The relevant offerings of a demo need, by place."""
    found = {}
    for place, offering in enumerate(offerings):
        if offering["kind"] == need["kind"]:
            in_common = {
                field: set(need.get(field) or ()) & set(offering.get(field) or ())
                for field in ("categories", "scenes")
            }
            if grade := 2 if in_common["categories"] else 1 if in_common["scenes"] else 0:
                found[str(place)] = grade
    return found


def _language(text: str) -> str:
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"


def main() -> int:
    """0 when the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="DIR")
    parser.add_argument("--draws", type=int, default=10)
    given, before = parser.parse_args(), load()
    released = Released(shipped.folder("seeds"))
    weights, known = released.model.card.text, tokenizers(released.words.tokenizer)
    asked = {**dict(demo()), **{path.name: folder(path) for path in given.folders}}
    entries: dict[str, Any] = {}
    wanted = {}
    for name, each in asked.items():
        found = {
            of: judged(each, tokenizer, weights, given.draws) for of, tokenizer in known.items()
        }
        entries[name] = {"lexical": found["none"], "glossary": found["released"]}
        print(f"{name:14} {entries[name]}", flush=True)
        if found["none"] and found["released"] and found["none"]["ndcg@10"]:
            ratio = found["released"]["ndcg@10"] / found["none"]["ndcg@10"]
            wanted[f"{name}: glossary / lexical"] = (ratio, TWICE)
    return conclude("crosslang", wanted, entries, load_before=before)


if __name__ == "__main__":
    sys.exit(main())
