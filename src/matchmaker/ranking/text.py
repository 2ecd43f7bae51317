"""Text as impacts: a need's words against the offerings' (scoring.md 10).

Statistics are taken from a base and frozen with it; offerings that come later are weighed with the
base's, so a new offering changes nobody else's step.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.tokens import CONCEPT_PREFIX, TokenCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.facts import OfferingFacts

UNIT: Final = 1 << 20
"""Impacts and idf are integers of this unit."""


@dataclass(frozen=True, slots=True)
class TextWeights:
    """The published numbers of the text feature.

    Saturation k1, length share b, and the share that is full marks.
    """

    k1: float
    b: float
    full: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """What the base knows of words.

    Offerings N, average length by language, offerings that hold each token.
    """

    offerings: int
    average_length: Mapping[str, float]
    holding: Mapping[str, int]

    def idf(self, token: str) -> float:
        """ln(1 + (N - df + .5) / (df + .5)); 0 for a token the base has not seen."""
        df = self.holding.get(token, 0)
        return math.log(1 + (self.offerings - df + 0.5) / (df + 0.5)) if df else 0.0


@dataclass(frozen=True, slots=True)
class TextIndex:
    """Postings: token ``tokens[t]`` stands in ``offering[start[t].

    Start[t + 1]]`` with these impacts.

    ``idf`` is 0 for a token that the base has not seen: it is known to be there, and does not
    score.
    """

    tokens: tuple[str, ...]
    place: Mapping[str, int]
    idf: Int
    start: Int
    offering: NDArray[np.int32]
    impact: NDArray[np.int32]

    def offerings_with(self, token: str) -> NDArray[np.int32]:
        """Places of the offerings that hold ``token``, ascending."""
        t = self.place.get(token)
        return self.offering[:0] if t is None else self.offering[self.start[t] : self.start[t + 1]]


@dataclass(frozen=True, slots=True)
class TextScore:
    """Text of one need: summed idf of its known tokens, and per offering the sum of idf x sat."""

    known: tuple[str, ...]
    sum_idf: int
    sums: Int

    def steps(self, full: tuple[int, int]) -> Int:
        """Steps 0..1024 of the offerings.

        ``full`` is the share of the possible that is full marks.
        """
        if self.sum_idf == 0:
            return np.zeros(len(self.sums), np.int64)
        return np.minimum(1024, 1024 * full[1] * self.sums // (full[0] * self.sum_idf))


def statistics(base: Iterable[OfferingFacts]) -> TextStatistics:
    """The statistics of ``base``."""
    offerings = 0
    lengths: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    holding: Counter[str] = Counter()
    for facts in base:
        offerings += 1
        for language, counted in facts.text.items():
            lengths[language] += counted.length
            texts[language] += 1
        holding.update({token for counted in facts.text.values() for token in counted.counts})
    average = {language: lengths[language] / texts[language] for language in texts}
    return TextStatistics(offerings, average, holding)


def impacts(
    text: Mapping[str, TokenCount], known: TextStatistics, weights: TextWeights
) -> dict[str, int]:
    """Impact of each token of one offering.

    Idf x saturation, the greatest over languages, in 2^-20.
    """
    best: dict[str, float] = {}
    for language, counted in text.items():
        # A language the base has not: its own length stands for the average.
        average = known.average_length.get(language) or counted.length or 1
        norm = weights.k1 * (1 - weights.b + weights.b * counted.length / average)
        for token, times in counted.counts.items():
            best[token] = max(best.get(token, 0.0), times / (times + norm))
    return {
        token: round(known.idf(token) * saturation * UNIT) for token, saturation in best.items()
    }


def index_text(
    facts: Sequence[OfferingFacts], known: TextStatistics, weights: TextWeights
) -> TextIndex:
    """The postings of ``facts`` in their order, weighed with the statistics of the base."""
    postings: dict[str, list[tuple[int, int]]] = {}
    for place, offering in enumerate(facts):
        for token, impact in impacts(offering.text, known, weights).items():
            postings.setdefault(token, []).append((place, impact))
    tokens = tuple(sorted(postings))
    flat = [pair for token in tokens for pair in postings[token]]
    start = np.cumsum(np.array([0, *(len(postings[token]) for token in tokens)], np.int64))
    pairs = np.array(flat, np.int32).reshape(-1, 2)
    idf = np.array([round(known.idf(token) * UNIT) for token in tokens], np.int64)
    return TextIndex(
        tokens,
        places(tokens),
        idf,
        start,
        np.ascontiguousarray(pairs[:, 0]),
        np.ascontiguousarray(pairs[:, 1]),
    )


def places(tokens: Sequence[str]) -> dict[str, int]:
    """Where each token stands."""
    return {token: place for place, token in enumerate(tokens)}


def score(tokens: Sequence[str], index: TextIndex, offerings: int) -> TextScore:
    """The text of a need, given as distinct tokens, against all ``offerings`` of the index."""
    sums = np.zeros(offerings, np.int64)
    known: list[str] = []
    sum_idf = 0
    for token in tokens:
        t = index.place.get(token)
        if t is None or index.idf[t] == 0:
            continue
        known.append(token)
        sum_idf += int(index.idf[t])
        here = slice(index.start[t], index.start[t + 1])
        sums[index.offering[here]] += index.impact[here]
    return TextScore(tuple(known), sum_idf, sums)


def unmatched(plain: Sequence[str], index: TextIndex, visible: NDArray[np.bool_]) -> list[str]:
    """The plain tokens found in no visible offering, by code point."""
    return sorted(
        token
        for token in set(plain)
        if not token.startswith(CONCEPT_PREFIX) and not visible[index.offerings_with(token)].any()
    )
