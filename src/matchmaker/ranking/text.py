"""Text as impacts: a need's words against the offerings' (scoring.md 10).

Statistics are taken from a base and frozen with it; offerings that come later are weighed with the
base's, so a new offering changes nobody else's step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.compiled import SWITCH
from matchmaker.ranking.tokens import CONCEPT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.ranking.columns import Int

UNIT: Final = 1 << 20
"""Impacts and idf are integers of this unit."""
COMMON: Final = 8
"""One offering of so many holds a common token."""
_SHORT: Final = 4096
"""So many places are sooner added together than token by token."""
_MOST_INT32: Final = 2**31 - 1
Bools = NDArray[np.bool_]
Sums = NDArray[np.int32] | NDArray[np.int64]


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
    """Where each token stands, and with which impact.

    ``tokens[t]`` stands in ``offering[start[t]: start[t + 1]]`` with these impacts; a common one
    has the impact on every offering in ``dense[row[t]]`` instead, and a bit for each that holds it
    in ``held[row[t]]``; ``row[t]`` is -1 for the others. ``idf`` is 0 for a token that the base has
    not seen: it is known to be there, and does not score. ``places`` are the offerings that scores
    are asked of, None = all.
    """

    tokens: tuple[str, ...]
    place: Mapping[str, int]
    idf: Int
    start: Int
    offering: NDArray[np.int32]
    impact: NDArray[np.int32]
    row: NDArray[np.int32]
    dense: NDArray[np.int32]
    held: NDArray[np.uint8]
    places: Int | None = None

    def at(self, places: Int) -> TextIndex:
        """The same words, their scores asked of these offerings alone."""
        return replace(self, places=places)

    def is_held(self, token: str, visible: Bools) -> bool:
        """Whether a ``visible`` offering holds ``token``."""
        t = self.place.get(token)
        if t is None:
            return False
        if self.row[t] >= 0:
            return bool((self.held[self.row[t]] & np.packbits(visible)).any())
        return bool(visible[self.offering[self.start[t] : self.start[t + 1]]].any())


@dataclass(frozen=True, slots=True)
class TextScore:
    """Text of one need: summed idf of its known tokens, and per offering the sum of idf x sat."""

    known: tuple[str, ...]
    sum_idf: int
    sums: Sums

    def steps(self, full: tuple[int, int]) -> Int:
        """Steps 0..1024 of the offerings.

        ``full`` is the share of the possible that is full marks.
        """
        times, width = 1024 * full[1], max(1, full[0] * self.sum_idf)
        if SWITCH.kernels:
            return SWITCH.kernels.text_steps(self.sums, times, width)
        steps = self.sums.astype(np.int64)
        steps *= times
        steps //= width
        return np.minimum(steps, 1024, out=steps)


def score(tokens: Sequence[str], index: TextIndex) -> TextScore:
    """The text of a need, given as distinct tokens, against the offerings asked."""
    found = np.array([index.place[token] for token in tokens if token in index.place], np.int64)
    known = found[index.idf[found] > 0]
    sum_idf, row = int(index.idf[known].sum()), index.row[known]
    sums = _zeros(index.dense.shape[1], sum_idf)
    _add_listed(sums, index, known[row < 0])
    if index.places is not None:
        sums = sums[index.places]
    _add_common(sums, index, row[row >= 0])
    places: list[int] = known.tolist()
    return TextScore(tuple(index.tokens[t] for t in places), sum_idf, sums)


def _add_common(sums: Sums, index: TextIndex, rows: NDArray[np.int32]) -> None:
    """Add the impacts of these common tokens to the sums of the offerings asked."""
    if SWITCH.kernels and index.places is None:
        SWITCH.kernels.add_common(sums, index.dense, rows)
        return
    for row in rows.tolist():
        dense = index.dense[row]
        impacts = dense if index.places is None else dense.take(index.places, mode="clip")
        np.add(sums, impacts, out=sums)


def _add_listed(sums: Sums, index: TextIndex, tokens: Int) -> None:
    """Add the impacts of these tokens at the places where they stand."""
    starts, ends = index.start[tokens], index.start[tokens + 1]
    lengths = ends - starts
    if int(lengths.sum()) <= _SHORT:
        at = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        at += np.arange(len(at))
        np.add.at(sums, index.offering[at], index.impact[at])
        return
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        np.add.at(sums, index.offering[start:end], index.impact[start:end])


def _zeros(offerings: int, greatest: int) -> Sums:
    """Room for sums up to ``greatest``: no impact is above its idf, so no sum is above theirs."""
    if greatest <= _MOST_INT32:
        return np.zeros(offerings, np.int32)
    return np.zeros(offerings, np.int64)


def unmatched(plain: Sequence[str], index: TextIndex, visible: Bools) -> list[str]:
    """The plain tokens found in no visible offering, by code point."""
    words = {token for token in plain if not token.startswith(CONCEPT_PREFIX)}
    everyone = bool(visible.all())
    return sorted(
        token
        for token in words
        if token not in index.place or not (everyone or index.is_held(token, visible))
    )
