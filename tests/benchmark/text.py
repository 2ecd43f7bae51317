"""Our text score on a test collection, beside BM25 libraries on the very same tokens.

``python -m tests.benchmark.text DIR [--draws 10]``: ``docs.jsonl`` (or ``.gz``) with ``doc_id``,
``title``, ``text``; ``queries.jsonl`` with ``query_id``, ``text``; ``qrels.txt`` with
``query 0 doc grade``. A grade of 1 or more is relevant, and so is -1, which Cranfield writes for
what was relevant least; each gains the same. Equal scores are drawn ``--draws`` times. One thread.
The last line is one JSON object keyed by ranker: ``ndcg@10``, ``recall@10``, ``mrr``, ``ms`` a
query (scores of all documents). The tokens have no glossary: its concepts are of another field.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bm25s
import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi
from tests.benchmark.measuring import Bound, conclude, load
from tests.benchmark.psg import metrics
from tests.benchmark.texts import Texts
from tests.factories import times

from matchmaker.core import shipped
from matchmaker.ranking.tokens import Tokenizer
from matchmaker.released import Released

K1: Final = 1.2
B: Final = 0.75
LEAST_OF_BM25S: Final = Bound(at_least=1.0)

Scores = NDArray[np.float64]
Ranker = Callable[[str], Scores]


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents, queries, and what is relevant to each query."""

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def read(folder: Path) -> Collection:
    """The collection in ``folder``; a document is its title and its text."""
    rows = _rows(folder, "docs")
    relevant: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.txt").read_text().splitlines():
        query, _, document, grade = line.split()
        if int(grade) != 0:
            relevant.setdefault(query, {})[document] = 1
    return Collection(
        documents={str(row["doc_id"]): _said(row) for row in rows},
        queries={str(row["query_id"]): row["text"] for row in _rows(folder, "queries")},
        relevant=relevant,
    )


def rankers(collection: Collection, tokenizer: Tokenizer) -> Mapping[str, Ranker]:
    """Each scores all documents for a query; all of them have the same tokens."""
    told = list(collection.documents.values())
    tokens = [_tokens(tokenizer, each) for each in told]
    weights = Released(shipped.folder("seeds")).model.card.text
    ours = Texts([{"en": [each]} for each in told], tokenizer, weights)
    fast = bm25s.BM25(method="lucene", k1=K1, b=B)
    fast.index(tokens, show_progress=False)
    plain = BM25Okapi(tokens, k1=K1, b=B)
    random = np.random.default_rng(0)
    return {
        "matchmaker": lambda query: ours.sums(query).astype(np.float64),
        "bm25s": lambda query: fast.get_scores(_asked(tokenizer, query)).astype(np.float64),
        "rank_bm25": lambda query: plain.get_scores(_asked(tokenizer, query)),
        "random": lambda _: random.random(len(told)),
    }


def judged(collection: Collection, ranker: Ranker, draws: int) -> dict[str, float]:
    """The means over the judged queries."""
    names, random = np.array(list(collection.documents)), np.random.default_rng(1)
    found, seconds = [], []
    for query, grades in collection.relevant.items():
        started = time.perf_counter()
        scores = ranker(collection.queries[query])
        seconds.append(time.perf_counter() - started)
        for _ in range(draws):
            order = np.lexsort((random.random(len(names)), -scores))
            found.append(metrics.figures(names[order].tolist(), grades))
    mean = metrics.mean(found)
    assert mean is not None
    return {
        "ndcg@10": round(mean.ndcg, 4),
        "recall@10": round(mean.recall, 4),
        "mrr": round(mean.mrr, 4),
        "ms": round(statistics.median(seconds) * 1000, 3),
    }


def _tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return [token for token, often in times(tokenizer.count([text])).items() for _ in range(often)]


def _asked(tokenizer: Tokenizer, query: str) -> list[str]:
    plain, concepts = tokenizer.tokens(query)
    return [*plain, *concepts]


def _said(row: Mapping[str, Any]) -> str:
    """Its title is said once more where the text does not begin with it."""
    title, text = str(row.get("title") or ""), str(row.get("text") or "")
    return text if text.startswith(title) else f"{title} {text}"


def _rows(folder: Path, name: str) -> Sequence[Mapping[str, Any]]:
    packed = folder / f"{name}.jsonl.gz"
    plain = folder / f"{name}.jsonl"
    content = gzip.decompress(packed.read_bytes()) if packed.is_file() else plain.read_bytes()
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def main() -> int:
    """0 when the figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--draws", type=int, default=10)
    asked, before = parser.parse_args(), load()
    collection = read(asked.folder)
    like = Released(shipped.folder("seeds")).words.tokenizer
    tokenizer = Tokenizer(like.stop_characters, like.stop_words)
    entries = {}
    for name, ranker in rankers(collection, tokenizer).items():
        entries[name] = judged(collection, ranker, asked.draws)
        print(f"{name:12} {entries[name]}", flush=True)
    return conclude(
        "text",
        {
            "matchmaker / bm25s": (
                entries["matchmaker"]["ndcg@10"] / entries["bm25s"]["ndcg@10"],
                LEAST_OF_BM25S,
            )
        },
        {**entries, "queries": len(collection.relevant), "documents": len(collection.documents)},
        load_before=before,
    )


if __name__ == "__main__":
    sys.exit(main())
