"""How well a need finds the offering that answers it in other words, with and without a glossary.

``python -m tests.benchmark.paraphrases`` asks each need of ``paraphrases.jsonl`` against the
offering sentences of all of them and the demo pool in both languages, by the text score only, and
prints one JSON object: the number of questions, mean reciprocal rank and the share found among the
first five by route (language asked, language told), with no glossary, with the released one and
with each file named as an argument. A need in the offering's own words would always find it: those
are asked in snatches, each run of three words or six characters by itself, to show what a glossary
costs where none is wanted.

The pairs were written before the glossary that they judge, but by one hand: they show what helps
and what hurts, not how much a stranger's words would gain.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from tests.benchmark.languages import demo_offerings, figures, ranks, said, tokenizers
from tests.benchmark.texts import Told

from matchmaker.core import shipped
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.tokens import Tokenizer
from matchmaker.released import Released

OTHER_WORDS: Final = "other words"
SNATCH: Final = {"en": 3, "zh": 6}
PAIRS: Final = Path(__file__).with_name("paraphrases.jsonl")


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A need and the one offering that was written to answer it."""

    kind: str
    area: str
    asked: str
    told: str
    need: str
    offering: str

    @property
    def route(self) -> str:
        """The language asked and the language told, and whether words are shared."""
        return f"{self.asked}->{self.told}, {self.kind}"


def pairs() -> list[Pair]:
    """The pairs as they lie in the file."""
    return [msgspec.json.decode(line, type=Pair) for line in PAIRS.read_bytes().splitlines()]


def by_route(
    found: Sequence[Pair], tokenizer: Tokenizer, weights: TextWeights
) -> Mapping[str, Mapping[str, float]]:
    """The figures of each route, and its number of questions."""
    told: list[Told] = [{pair.told: [pair.offering]} for pair in found]
    told += [said(each, "zh", "en") for each in demo_offerings()]
    asked = [(question, place) for place, pair in enumerate(found) for question in questions(pair)]
    reached: dict[str, list[float]] = {}
    for rank, (_, place) in zip(ranks(asked, told, tokenizer, weights), asked, strict=True):
        reached.setdefault(found[place].route, []).append(rank)
    return {
        route: {"questions": len(reached_), **figures(reached_)}
        for route, reached_ in sorted(reached.items())
    }


def questions(pair: Pair) -> list[str]:
    """What is asked of a pair: its need, or the snatches of it."""
    if pair.kind == OTHER_WORDS:
        return [pair.need]
    parts, gap = (pair.need.split(), " ") if pair.asked == "en" else (list(pair.need), "")
    length = SNATCH[pair.asked]
    return [gap.join(parts[at : at + length]) for at in range(len(parts) - length + 1)]


def main(others: Sequence[str]) -> None:
    """Print the figures."""
    released = Released(shipped.folder("seeds"))
    weights = released.model.card.text
    report = {
        name: by_route(pairs(), tokenizer, weights)
        for name, tokenizer in tokenizers(released.words.tokenizer, others).items()
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
