"""How well a need in one language finds an offering written only in the other.

``python -m tests.benchmark.languages`` asks the demo pool with each offering's own title and
summary in one language against the other language's texts alone, by the text score only, and prints
one JSON object: mean reciprocal rank and the share found among the first five, with the released
glossary, with the drafts beside it, and with none. The pool was written without the glossaries in
sight, each language for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from matchmaker.app import Released
from matchmaker.core import shipped
from matchmaker.matching.registry import GLOSSARY, Glossary
from matchmaker.ranking import postings, text
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.tokens import Concept, Tokenizer

FIRST: Final = 5
Offering = Mapping[str, Any]


def figures(
    offerings: Sequence[Offering], tokenizer: Tokenizer, weights: TextWeights, asked: str, told: str
) -> dict[str, float]:
    """The figures of needs in ``asked`` against texts in ``told``."""
    facts = [
        OfferingFacts(
            offering_id=each["external_id"],
            provider_id="p",
            kind=each["kind"],
            packages=(),
            text={told: tokenizer.count([each["title"][told], *_words(each, told)])},
        )
        for each in offerings
    ]
    index = postings.index_text(facts, postings.statistics(facts), weights)
    ranks = []
    for place, each in enumerate(offerings):
        plain, concepts = tokenizer.tokens(" ".join(_words(each, asked)))
        sums = text.score([*plain, *concepts], index).sums
        # Equal sums share their places.
        ranks.append(1 + (sums > sums[place]).sum() + ((sums == sums[place]).sum() - 1) / 2)
    found = sum(rank <= FIRST for rank in ranks) / len(ranks)
    return {
        "mrr": round(float(sum(1 / rank for rank in ranks)) / len(ranks), 3),
        f"recall@{FIRST}": round(float(found), 3),
    }


def tokenizer_of(path: Path | None, like: Tokenizer) -> Tokenizer:
    """The released stop lists with the glossary in ``path``."""
    if path is None:
        return Tokenizer(like.stop_characters, like.stop_words)
    glossary = msgspec.yaml.decode(path.read_bytes(), type=Glossary)
    concepts = tuple(Concept(e.id, {"zh": e.zh, "en": e.en}) for e in glossary.concepts)
    return Tokenizer(like.stop_characters, like.stop_words, concepts)


def main() -> None:
    """Print the figures."""
    seeds = shipped.folder("seeds")
    released = Released(seeds)
    files = sorted((seeds / "demo").glob("offerings-*.jsonl"))
    offerings = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    glossaries = {
        "released": seeds / GLOSSARY,
        "drafts": seeds / "drafts" / "glossary.yaml",
        "none": None,
    }
    report = {
        name: {
            f"{asked}->{told}": figures(
                offerings,
                tokenizer_of(path, released.words.tokenizer),
                released.model.card.text,
                asked,
                told,
            )
            for asked, told in (("en", "zh"), ("zh", "en"))
        }
        for name, path in glossaries.items()
    }
    print(json.dumps(report))


def _words(offering: Offering, language: str) -> list[str]:
    return [offering["title"][language], offering["summary"][language]]


if __name__ == "__main__":
    main()
