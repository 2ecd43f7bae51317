"""The words of the offerings, taken one by one and turned into impacts together."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from matchmaker.ranking.coding import spans, text_codes
from matchmaker.ranking.impacts import Impacts
from matchmaker.ranking.text import UNIT, TextStatistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.coding import TextCodes
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.facts import OfferingFacts
    from matchmaker.ranking.text import TextIndex, TextWeights
    from matchmaker.ranking.tokens import PackedCount, TokenCount

    Words = Mapping[str, TokenCount | PackedCount]
    """Counted words by language."""


class TextReader:
    """Takes the counted words of offering after offering.

    Which of them are asked about is said by the numbers they have arrived with, in order of id.
    What is asked after something else was, with the same weights, costs only what has turned.
    """

    def __init__(self) -> None:
        """No word yet."""
        self._number: defaultdict[str, int] = defaultdict(count().__next__)
        self._languages: defaultdict[str, int] = defaultdict(count().__next__)
        self._token, self._times = array("i"), array("i")
        self._text = array("q")
        """Of each text: its language, its length, how many tokens it has."""
        self._texts = array("q")
        """How many texts each offering has."""
        self._turned: tuple[Int, _Postings] | None = None
        self._weighed: _Weighed | None = None

    def extend(self, codes: TextCodes) -> None:
        """The words of the next offerings."""
        token, language = (
            np.fromiter(map(numbers.__getitem__, names), np.int32, len(names))
            for numbers, names in (
                (self._number, codes.tokens),
                (self._languages, codes.languages),
            )
        )
        of_text = (language[codes.language], codes.length, codes.holds)
        text = np.stack([each.astype(np.int64) for each in of_text], axis=1)
        self._texts.frombytes(codes.each.astype(np.int64).tobytes())
        self._text.frombytes(text.tobytes())
        self._token.frombytes(token[codes.token].tobytes())
        self._times.frombytes(codes.times.astype(np.int32).tobytes())

    def statistics(self, taken: Int) -> TextStatistics:
        """The statistics of the offerings ``taken`` as a base."""
        texts, postings = self._texts_of(taken), self._postings_of(taken)
        of_language = ((n, texts.language == number) for n, number in self._languages.items())
        average = {
            name: int(texts.length[here].sum()) / int(here.sum())
            for name, here in of_language
            if here.any()
        }
        holding = dict(zip(postings.tokens, np.diff(postings.start).tolist(), strict=True))
        # The index of a base is asked for next.
        self._turned = taken, postings
        return TextStatistics(len(taken), average, holding)

    def index(
        self, known: TextStatistics, weights: TextWeights, taken: Int, places: Int
    ) -> TextIndex:
        """The impacts of the offerings ``taken``, which stand at ``places`` in the index.

        Weighed with the statistics of the base that are ``known``.
        """
        rank, where = np.full(len(self._texts), -1), np.zeros(len(self._texts), np.int32)
        rank[taken], where[taken] = np.arange(len(taken)), places
        last, arrived = self._weighed, 0
        if last is not None and (last.known, last.weights) == (known, weights):
            arrived = last.arrived
        impacts = self._impacts(known, weights, taken[taken >= arrived])
        if last is not None and arrived:
            impacts = last.impacts.kept(rank).joined(impacts, rank)
        self._weighed = _Weighed(known, weights, len(self._texts), impacts)
        return impacts.index(where, len(taken))

    def _impacts(self, known: TextStatistics, weights: TextWeights, taken: Int) -> Impacts:
        """The greatest saturation of an offering's languages counts.

        idf x saturation is rounded once, half to even.
        """
        found = self._postings_of(taken)
        idf = np.array([known.idf(token) for token in found.tokens], np.float64)
        saturation = self._saturation(known, weights, self._texts_of(taken))[found.position]
        if len(found.first) < len(saturation):
            saturation = np.maximum.reduceat(saturation, found.first)
        impact = np.repeat(idf, np.diff(found.start)) * saturation
        return Impacts(
            tokens=found.tokens,
            idf=idf,
            start=found.start,
            offering=taken.astype(np.int32)[found.offering[found.first]],
            impact=np.rint(impact * UNIT).astype(np.int32),
        )

    def _texts_of(self, taken: Int) -> _Texts:
        """The texts of the offerings ``taken``, one after the other."""
        of_offering = np.array(self._texts)
        language, length, tokens = np.array(self._text).reshape(-1, 3).T
        every = np.arange(len(of_offering))
        if np.array_equal(taken, every):
            return _Texts(of_offering, language, length, tokens, slice(None))
        text = spans(of_offering, taken)
        return _Texts(
            of_offering[taken], language[text], length[text], tokens[text], spans(tokens, text)
        )

    def _postings_of(self, taken: Int) -> _Postings:
        """The tokens turned from offering by offering to token by token."""
        kept, self._turned = self._turned, None
        if kept is not None and np.array_equal(kept[0], taken):
            return kept[1]
        texts = self._texts_of(taken)
        number = np.frombuffer(self._token, np.int32)[texts.words]
        names = [*self._number]
        held = np.flatnonzero(np.bincount(number, minlength=len(names)))
        tokens = tuple(sorted([names[n] for n in held.tolist()]))
        rank = np.zeros(len(names), np.int32)
        rank[[self._number[token] for token in tokens]] = np.arange(len(tokens))
        ends = np.concatenate([[0], np.cumsum(texts.tokens)])
        of_offering = ends[np.concatenate([[0], np.cumsum(texts.of_offering)])]
        by_offering = (np.arange(len(number), dtype=np.int32), rank[number], of_offering)
        turned: Any = csr_array(by_offering, shape=(len(taken), len(tokens))).tocsc()
        is_first = np.ones(len(number), np.bool_)
        is_first[1:] = turned.indices[1:] != turned.indices[:-1]
        is_first[turned.indptr[:-1]] = True
        first = np.flatnonzero(is_first)
        start = first.searchsorted(np.asarray(turned.indptr, np.int64))
        return _Postings(tokens, start, first, turned.indices, turned.data)

    def _saturation(
        self, known: TextStatistics, weights: TextWeights, texts: _Texts
    ) -> NDArray[np.float64]:
        """The saturation tf / (tf + norm) of each token as it was taken."""
        averages = [known.average_length.get(name) or 0.0 for name in self._languages]
        average = np.array(averages, np.float64)[texts.language]
        # A language the base has not: its own length stands for the average.
        average = np.where(average > 0, average, np.maximum(texts.length, 1))
        norm = weights.k1 * (1 - weights.b + weights.b * texts.length / average)
        times = np.frombuffer(self._times, np.int32)[texts.words]
        saturation: NDArray[np.float64] = times / (times + np.repeat(norm, texts.tokens))
        return saturation


class _Texts(NamedTuple):
    """How many texts each offering has; of each text its language, its length, its tokens.

    ``words`` says where those stand in what was taken.
    """

    of_offering: Int
    language: Int
    length: Int
    tokens: Int
    words: Int | slice


class _Postings(NamedTuple):
    """Token t stands in the offerings of ``first[start[t]: start[t + 1]]``.

    ``first`` are places in ``offering`` and ``position`` (where the token was taken); what lies
    between two of them is the same token of the same offering in its other languages.
    """

    tokens: tuple[str, ...]
    start: Int
    first: Int
    offering: NDArray[np.int32]
    position: NDArray[np.int32]


class _Weighed(NamedTuple):
    """The impacts of what was asked about last, when so many had arrived."""

    known: TextStatistics
    weights: TextWeights
    arrived: int
    impacts: Impacts


def statistics(base: Iterable[OfferingFacts]) -> TextStatistics:
    """The statistics of ``base``."""
    texts = [facts.text for facts in base]
    return _read(texts).statistics(np.arange(len(texts)))


def index_text(
    facts: Sequence[OfferingFacts], known: TextStatistics, weights: TextWeights
) -> TextIndex:
    """The postings of ``facts`` in their order, weighed with the statistics of the base."""
    reader, every = _read(offering.text for offering in facts), np.arange(len(facts))
    return reader.index(known, weights, every, every)


def _read(texts: Iterable[Words]) -> TextReader:
    reader = TextReader()
    reader.extend(text_codes(texts))
    return reader
