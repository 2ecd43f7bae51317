"""How well a text finds its own offering: across the languages, and within each.

``python -m tests.benchmark.languages`` asks the demo pool by the text score only and prints one
JSON object: mean reciprocal rank and the share found among the first five, with no glossary, with
the released one and with each file named as an argument. Across: an offering's title and summary in
one language against the other language's texts alone. Within: its title against the summaries
alone, where a glossary is to cost nothing. The pool was written without the glossaries in sight,
each language for itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.benchmark.texts import Texts, Told

from matchmaker.core import shipped
from matchmaker.matching.registry import GLOSSARY, Glossary
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.tokens import Concept, Tokenizer
from matchmaker.released import Released

FIRST: Final = 5
Offering = Mapping[str, Any]


def ranks(
    needs: Sequence[tuple[str, int]],
    offerings: Sequence[Told],
    tokenizer: Tokenizer,
    weights: TextWeights,
) -> list[float]:
    """Where the offering meant by each need stands, from 1; equal sums share their places.

    A need is its text and the place of the offering it means.
    """
    texts = Texts(offerings, tokenizer, weights)
    found = []
    for need, place in needs:
        sums = texts.sums(need)
        equal = (sums == sums[place]).sum()
        found.append(float(1 + (sums > sums[place]).sum() + (equal - 1) / 2))
    return found


def figures(found: Sequence[float]) -> dict[str, float]:
    """Mean reciprocal rank, and the share found among the first."""
    return {
        "mrr": round(sum(1 / rank for rank in found) / len(found), 3),
        f"recall@{FIRST}": round(sum(rank <= FIRST for rank in found) / len(found), 3),
    }


def across(
    offerings: Sequence[Offering], tokenizer: Tokenizer, weights: TextWeights, asked: str, told: str
) -> dict[str, float]:
    """The figures of titles and summaries in ``asked`` against texts in ``told``."""
    needs = [
        (f"{each['title'][asked]} {each['summary'][asked]}", place)
        for place, each in enumerate(offerings)
    ]
    return figures(ranks(needs, [said(each, told) for each in offerings], tokenizer, weights))


def within(
    offerings: Sequence[Offering], tokenizer: Tokenizer, weights: TextWeights, language: str
) -> dict[str, float]:
    """The figures of titles against summaries of the same language."""
    needs = [(each["title"][language], place) for place, each in enumerate(offerings)]
    summaries = [{language: [each["summary"][language]]} for each in offerings]
    return figures(ranks(needs, summaries, tokenizer, weights))


def said(offering: Offering, *languages: str) -> Told:
    """The texts of a demo offering, its title counted twice as an index counts it."""
    return {
        language: [offering["title"][language]] * 2 + [offering["summary"][language]]
        for language in languages
    }


def demo_offerings() -> list[Offering]:
    """The offerings of the demo pool."""
    files = sorted((shipped.folder("seeds") / "demo").glob("offerings-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def tokenizers(like: Tokenizer, others: Sequence[str] = ()) -> dict[str, Tokenizer]:
    """Tokenizers with the released stop lists: no glossary, the released one, those in files."""
    paths = {
        "released": shipped.folder("seeds") / GLOSSARY,
        **{name: Path(name) for name in others},
    }
    return {
        "none": Tokenizer(like.stop_characters, like.stop_words),
        **{name: _tokenizer_of(path, like) for name, path in paths.items()},
    }


def main(others: Sequence[str]) -> None:
    """Print the figures."""
    released = Released(shipped.folder("seeds"))
    weights = released.model.card.text
    offerings = demo_offerings()
    report = {
        name: {
            **{
                f"{asked}->{told}": across(offerings, tokenizer, weights, asked, told)
                for asked, told in (("en", "zh"), ("zh", "en"))
            },
            **{
                f"{language} title": within(offerings, tokenizer, weights, language)
                for language in ("en", "zh")
            },
        }
        for name, tokenizer in tokenizers(released.words.tokenizer, others).items()
    }
    print(json.dumps(report))


def _tokenizer_of(path: Path, like: Tokenizer) -> Tokenizer:
    glossary = msgspec.yaml.decode(path.read_bytes(), type=Glossary)
    concepts = tuple(Concept(e.id, {"zh": e.zh, "en": e.en}) for e in glossary.concepts)
    return Tokenizer(like.stop_characters, like.stop_words, concepts)


if __name__ == "__main__":
    main(sys.argv[1:])
