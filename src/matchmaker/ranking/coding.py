"""A block of offerings as codes: each thing said once and numbered, the rest arrays.

An index takes in blocks. What offerings say is turned into codes here, once; a block can be kept,
and what is taken of it later is what was coded.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.columns import Coder
from matchmaker.ranking.tokens import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.lines import Line, Said
    from matchmaker.ranking.postings import Words
    from matchmaker.ranking.price import Summed, Units

_T = TypeVar("_T", bound="Hashable")
Whole = NDArray[np.integer[Any]]


class SaidCodes(NamedTuple):
    """What one after the other says: ``number`` are places in ``distinct``, ``each`` how many."""

    distinct: Sequence[Said]
    number: Whole
    each: Whole

    def at(self, places: Int) -> SaidCodes:
        """What those at ``places`` say."""
        return SaidCodes(self.distinct, self.number[spans(self.each, places)], self.each[places])


class PriceCodes(NamedTuple):
    """The summed cards of rows: codes from 1 of their currencies and units, 0 for none; sums."""

    currencies: Sequence[str]
    units: Sequence[Units]
    currency: Whole
    unit: Whole
    first_year: Whole
    yearly: Whole

    def at(self, rows: Int) -> PriceCodes:
        """The cards of these ``rows``."""
        arrays = (self.currency, self.unit, self.first_year, self.yearly)
        return PriceCodes(self.currencies, self.units, *(array[rows] for array in arrays))


class TextCodes(NamedTuple):
    """The words of offerings, of which each has ``each`` texts.

    Of each text its language, its length and how many tokens it has; of those the numbers, and how
    many times they occur.
    """

    languages: Sequence[str]
    tokens: Sequence[str]
    each: Whole
    language: Whole
    length: Whole
    holds: Whole
    token: Whole
    times: Whole

    def at(self, places: Int) -> TextCodes:
        """The words of the offerings at ``places``."""
        text = spans(self.each, places)
        word = spans(self.holds, text)
        return TextCodes(
            self.languages,
            self.tokens,
            self.each[places],
            *(array[text] for array in (self.language, self.length, self.holds)),
            *(array[word] for array in (self.token, self.times)),
        )


class Block(NamedTuple):
    """Some offerings: what they say, what their packages say, prices of those, and words."""

    ids: Sequence[str]
    packages: Whole
    offerings: SaidCodes
    rows: SaidCodes
    prices: PriceCodes
    texts: TextCodes

    def at(self, places: Int) -> Block:
        """Those at ``places`` alone; what nobody of them says is of no account."""
        rows, chosen = spans(self.packages, places), (int(place) for place in places)
        return Block(
            [self.ids[place] for place in chosen],
            self.packages[places],
            self.offerings.at(places),
            self.rows.at(rows),
            self.prices.at(rows),
            self.texts.at(places),
        )


def block_of(lines: Sequence[Line]) -> Block:
    """``lines`` as codes."""
    return Block(
        [line.offering_id for line in lines],
        np.array([len(line.packages) for line in lines], np.int64),
        said_codes([line.said for line in lines]),
        said_codes([package for line in lines for package in line.packages]),
        price_codes([price for line in lines for price in line.prices]),
        text_codes([line.text for line in lines]),
    )


def said_codes(said: Sequence[Sequence[Said]]) -> SaidCodes:
    """What is said as numbers; the same is what is one object."""
    distinct, number = _numbered([*chain.from_iterable(said)])
    return SaidCodes(distinct, number, np.array([*map(len, said)], np.int64))


def price_codes(cards: Sequence[Summed]) -> PriceCodes:
    """Summed cards as codes."""
    currencies = Coder([card.currency for card in cards])
    units = Coder([card.units for card in cards])
    sums = np.array([card[2:] for card in cards], np.int64).reshape(-1, 2)
    return PriceCodes(
        currencies.distinct, units.distinct, currencies.codes(), units.codes(), *sums.T.copy()
    )


def text_codes(texts: Iterable[Words]) -> TextCodes:
    """Counted words as codes."""
    each, languages, lengths, holds = list[int](), list[str](), list[int](), list[int]()
    words, counts = list[str](), list[str]()
    for text in texts:
        each.append(len(text))
        for name, counted in text.items():
            found = counted.packed()
            held = found.tokens.split()
            languages.append(name)
            lengths.append(found.length)
            holds.append(len(held))
            words += held
            counts.append(found.counts)
    names, language = _numbered(languages)
    tokens, token = _numbered(words)
    # All at once: to make numbers of each text alone takes five times as long.
    times = np.fromstring(BETWEEN.join(filter(None, counts)), np.int32, sep=BETWEEN)
    of_all, length, held_by = (np.array(numbers, np.int64) for numbers in (each, lengths, holds))
    return TextCodes(names, tokens, of_all, language, length, held_by, token, times)


def _numbered(every: Sequence[_T]) -> tuple[list[_T], NDArray[np.int32]]:
    """The distinct ones in order of first appearance, and where each stands among them."""
    places = {each: place for place, each in enumerate(dict.fromkeys(every))}
    return [*places], np.fromiter(map(places.__getitem__, every), np.int32, len(every))


def spans(lengths: Whole, taken: Int) -> Int:
    """Where the parts stand of those ``taken``, of which each has so many."""
    starts: Int = np.cumsum(lengths, dtype=np.int64) - lengths
    return runs(starts[taken], lengths[taken])


def runs(starts: Int, lengths: Whole) -> Int:
    """The places from each of the ``starts`` on, so many, one run after the other."""
    ends = np.cumsum(lengths, dtype=np.int64)
    found: Int = np.repeat(starts - (ends - lengths), lengths)
    found += np.arange(len(found))
    return found
