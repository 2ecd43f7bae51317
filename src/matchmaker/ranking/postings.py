"""The words of the offerings, taken one by one and turned into impacts together."""

from __future__ import annotations

from array import array
from collections import defaultdict
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from matchmaker.ranking.columns import placed
from matchmaker.ranking.text import COMMON, UNIT, TextIndex, TextStatistics, TextWeights
from matchmaker.ranking.tokens import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.facts import OfferingFacts
    from matchmaker.ranking.tokens import PackedCount, TokenCount

    Words = Mapping[str, TokenCount | PackedCount]
    """Counted words by language."""


class TextReader:
    """Takes the counted words of offering after offering."""

    def __init__(self, texts: Iterable[Words] = ()) -> None:
        """Take ``texts``: of each offering its words by language."""
        self._number: defaultdict[str, int] = defaultdict(count().__next__)
        self._languages: defaultdict[str, int] = defaultdict(count().__next__)
        self._token, self._times = array("i"), array("i")
        self._text: list[tuple[int, int, int]] = []
        """Of each text: its language, its length, how many tokens it has."""
        self._texts = array("q")
        """How many texts each offering has."""
        self.extend(texts)

    def extend(self, texts: Iterable[Words]) -> None:
        """The words of the next offerings."""
        counts = list[str]()
        for text in texts:
            self._texts.append(len(text))
            for language, counted in text.items():
                found = counted.packed()
                tokens = found.tokens.split()
                self._token.extend(map(self._number.__getitem__, tokens))
                self._text.append((self._languages[language], found.length, len(tokens)))
                counts.append(found.counts)
        # All at once: to make numbers of each text alone takes five times as long.
        times = np.fromstring(BETWEEN.join(filter(None, counts)), np.int32, sep=BETWEEN)
        self._times.frombytes(times.tobytes())

    def statistics(self) -> TextStatistics:
        """The statistics of these offerings as a base."""
        language, length, _ = self._lengths
        average = {
            name: int(length[language == number].sum()) / int((language == number).sum())
            for name, number in self._languages.items()
        }
        holding = dict(zip(self._tokens, np.diff(self._postings.start).tolist(), strict=True))
        return TextStatistics(len(self._texts), average, holding)

    def index(self, known: TextStatistics, weights: TextWeights, places: Int) -> TextIndex:
        """Their impacts, weighed with the statistics of the base.

        The offerings stand at ``places`` in the index. The greatest saturation of an offering's
        languages counts; idf x saturation is rounded once, half to even.
        """
        found, idf = self._postings, np.array([known.idf(token) for token in self._tokens])
        saturation = self._saturation(known, weights)[found.position]
        if len(found.first) < len(saturation):
            saturation = np.maximum.reduceat(saturation, found.first)
        holders = np.diff(found.start)
        impact = np.rint(np.repeat(idf, holders) * saturation * UNIT).astype(np.int32)
        offering = places.astype(np.int32)[found.offering[found.first]]
        common = np.flatnonzero(holders * COMMON >= max(1, len(self._texts)))
        row = np.full(len(idf), -1, np.int32)
        row[common] = np.arange(len(common))
        dense = np.zeros((len(common), len(self._texts)), np.int32)
        held = np.zeros(dense.shape, np.bool_)
        for place, t in enumerate(common):
            here = slice(found.start[t], found.start[t + 1])
            dense[place, offering[here]] = impact[here]
            held[place, offering[here]] = True
        is_rare = np.repeat(row < 0, holders)
        holders[common] = 0
        return TextIndex(
            tokens=self._tokens,
            place=placed(self._tokens),
            idf=np.rint(idf * UNIT).astype(np.int64),
            start=np.concatenate([[0], np.cumsum(holders)]),
            offering=offering[is_rare],
            impact=impact[is_rare],
            row=row,
            dense=dense,
            held=np.packbits(held, axis=1),
        )

    @cached_property
    def _tokens(self) -> tuple[str, ...]:
        return tuple(sorted(self._number))

    @cached_property
    def _lengths(self) -> tuple[Int, Int, Int]:
        language, length, tokens = np.array(self._text, np.int64).reshape(-1, 3).T
        return language, length, tokens

    @cached_property
    def _postings(self) -> _Postings:
        """The tokens turned from offering by offering to token by token."""
        rank = np.zeros(len(self._number), np.int32)
        rank[[self._number[token] for token in self._tokens]] = np.arange(len(rank))
        ends = np.concatenate([[0], np.cumsum(self._lengths[2])])
        of_offering = ends[np.concatenate([[0], np.cumsum(self._texts, dtype=np.int64)])]
        token = rank[np.array(self._token, np.int32)]
        by_offering = (np.arange(len(token), dtype=np.int32), token, of_offering)
        turned: Any = csr_array(by_offering, shape=(len(self._texts), len(rank))).tocsc()
        is_first = np.ones(len(token), np.bool_)
        is_first[1:] = turned.indices[1:] != turned.indices[:-1]
        is_first[turned.indptr[:-1][np.diff(turned.indptr) > 0]] = True
        first = np.flatnonzero(is_first)
        bounds: Int = np.asarray(turned.indptr, np.int64)
        start = first.searchsorted(bounds)
        return _Postings(start, first, turned.indices, turned.data)

    def _saturation(self, known: TextStatistics, weights: TextWeights) -> NDArray[np.float64]:
        """The saturation tf / (tf + norm) of each token as it was taken."""
        language, length, tokens = self._lengths
        averages = [known.average_length.get(name) or 0.0 for name in self._languages]
        average = np.array(averages, np.float64)[language]
        # A language the base has not: its own length stands for the average.
        average = np.where(average > 0, average, np.maximum(length, 1))
        norm = weights.k1 * (1 - weights.b + weights.b * length / average)
        times = np.array(self._times, np.int32)
        saturation: NDArray[np.float64] = times / (times + np.repeat(norm, tokens))
        return saturation


class _Postings(NamedTuple):
    """Token t stands in the offerings of ``first[start[t]: start[t + 1]]``.

    ``first`` are places in ``offering`` and ``position`` (where the token was taken); what lies
    between two of them is the same token of the same offering in its other languages.
    """

    start: Int
    first: Int
    offering: NDArray[np.int32]
    position: NDArray[np.int32]


def statistics(base: Iterable[OfferingFacts]) -> TextStatistics:
    """The statistics of ``base``."""
    return TextReader(facts.text for facts in base).statistics()


def index_text(
    facts: Sequence[OfferingFacts], known: TextStatistics, weights: TextWeights
) -> TextIndex:
    """The postings of ``facts`` in their order, weighed with the statistics of the base."""
    reader = TextReader(offering.text for offering in facts)
    return reader.index(known, weights, np.arange(len(facts)))
