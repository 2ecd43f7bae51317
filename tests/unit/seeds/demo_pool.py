"""The demo pool as it lies in the files, and how alike two of its texts are."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.factories import SEEDS

from matchmaker.taxonomy.registry import Taxonomy

DEMO = SEEDS / "demo"
LANGUAGES = ("zh", "en")

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")

Line = dict[str, Any]


def lines(pattern: str) -> list[Line]:
    return [
        json.loads(line)
        for path in sorted(DEMO.glob(pattern))
        for line in path.read_text().splitlines()
    ]


def text_of(offering: Mapping[str, Any], language: str) -> str:
    """Title and summary, lower case."""
    parts = (offering["title"].get(language), offering["summary"].get(language))
    return "\n".join(part for part in parts if part).lower()


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def han(text: str) -> list[str]:
    return _HAN.findall(text)


def units(text: str, language: str) -> list[str]:
    return han(text) if language == "zh" else words(text)


class Originality:
    """What is left of a text once words of the vocabularies, names and numbers are taken out.

    What is taken out leaves no gap, so that a template filled with other words stays the same text.
    """

    def __init__(self, taxonomy: Taxonomy, providers: Sequence[Line]) -> None:
        entries = [e for scheme in taxonomy.schemes.values() for e in scheme.entries.values()]
        names = {
            "zh": [*(e.labels.zh for e in entries), *(p["name"].get("zh") for p in providers)],
            "en": [*(e.labels.en for e in entries), *(p["name"].get("en") for p in providers)],
        }
        self._taken_out = {
            language: _pattern([name for name in known if name], language)
            for language, known in names.items()
        }

    def trigrams(self, offering: Mapping[str, Any], language: str) -> frozenset[tuple[str, ...]]:
        left = units(self._taken_out[language].sub(" ", text_of(offering, language)), language)
        return frozenset(zip(left, left[1:], left[2:], strict=False))


def _pattern(phrases: Sequence[str], language: str) -> re.Pattern[str]:
    """Any of the phrases, the longest first; a single Han character is no word of a vocabulary."""
    known = {phrase.lower() for phrase in phrases if language == "en" or len(phrase) > 1}
    longest_first = sorted(known, key=lambda phrase: (-len(phrase), phrase))
    joined = "|".join(map(re.escape, longest_first))
    return re.compile(rf"\b(?:{joined})\b" if language == "en" else f"(?:{joined})")


def overlap(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Shared trigrams as a share of the smaller set: a text hidden in a longer one is found."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 1.0


def alike(
    offerings: Sequence[Line], originality: Originality, most: float
) -> list[tuple[str, str, str, float]]:
    """Every pair that shares ``most`` or more, as (language, one, other, overlap)."""
    found = []
    for language in LANGUAGES:
        sets = [(o["external_id"], originality.trigrams(o, language)) for o in offerings]
        for (one, first), (other, second) in itertools.combinations(sets, 2):
            share = overlap(first, second)
            if share >= most:
                found.append((language, one, other, round(share, 2)))
    return found
