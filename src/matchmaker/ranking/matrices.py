"""What the features add that hardly two needs ask alike: matrices, need beside need.

Prices and words are looked at offering by offering, scene fit and cases code by code. Quotients of
whole numbers are taken by floating point: below 2^53 their floor is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from matchmaker.ranking.coding import runs
from matchmaker.ranking.compiled import SWITCH
from matchmaker.ranking.facts import GROUP, UNITS
from matchmaker.ranking.price import UNPRICED, counted
from matchmaker.ranking.singles import case_steps, meeting_points
from matchmaker.ranking.steps import FULL

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.card import CardFeature, Grid
    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.index import CasesColumn, LevelsColumn
    from matchmaker.ranking.planes import Planes
    from matchmaker.ranking.price import Bools, PriceColumn
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.tables import Sum
    from matchmaker.ranking.text import TextIndex

    Floats = NDArray[np.float64]

_EXACT: Final = 2**52
"""Whole numbers up to it are exact, and the floor of their quotients."""
_MOST_INT32: Final = 2**31 - 1


class SceneFits:
    """Scene fit over the codes of a column of levels."""

    def __init__(self, column: LevelsColumn, grid: Grid, effects: Sum) -> None:
        """No scene has been asked for yet."""
        self._column, self._grid, self._effects = column, grid, effects
        self._points: dict[tuple[str, int | None], Int] = {}
        self._of_sums: dict[int, Sum] = {}

    def add(self, total: Sum, queries: Sequence[Query]) -> None:
        """Add what each need has from each row to ``total``, of shape (rows, needs)."""
        found = np.empty((len(queries), self._column.grid.shape[1]), self._effects.dtype)
        for query, into in zip(queries, found, strict=True):
            points, *others = [self._points_of(s, query.levels.get(s)) for s in query.scenes]
            for each in others:
                points = points + each
            # Sums are in range by the card: clip only spares take a copy for its errors.
            self._of_sum(len(query.scenes)).take(points, out=into, mode="clip")
        add_looked(total, found.T, self._column.codes)

    def _points_of(self, scene: str, present: int | None) -> Int:
        key = scene, present
        if key not in self._points:
            values = self._column.grid[self._column.scenes.index(scene)]
            self._points[key] = meeting_points(present, self._grid).take(values)
        return self._points[key]

    def _of_sum(self, scenes: int) -> Sum:
        """What each sum of points adds where so many scenes are asked for."""
        if scenes not in self._of_sums:
            sums = np.arange(1000 * scenes + 1)
            self._of_sums[scenes] = self._effects.take(sums * FULL // (1000 * scenes))
        return self._of_sums[scenes]


class Cases:
    """Verified cases over the codes of their column."""

    def __init__(self, column: CasesColumn, grid: Grid, effects: Sum) -> None:
        """Note where groups and scenes stand."""
        self._column, self._grid, self._effects = column, grid, effects
        self._groups = {group: place for place, group in enumerate(column.groups)}
        self._bits = {scene: 1 << place for place, scene in enumerate(column.scenes)}

    def add(self, total: Sum, queries: Sequence[Query]) -> None:
        """Add what each need has from each offering to ``total``, of shape (offerings, needs)."""
        column, needs = self._column, len(queries)
        pairs = [
            (need, self._groups[group])
            for need, query in enumerate(queries)
            for group in {each[:GROUP] for each in query.industries if len(each) >= GROUP}
            if group in self._groups
        ]
        asked = np.array([self._asked(query) for query in queries], np.int64)
        need, group = np.array(pairs, np.int64).reshape(-1, 2).T
        lengths = np.diff(column.start)[group]
        case, of_need = runs(column.start[group], lengths), np.repeat(need, lengths)
        fits = column.bits[case] & asked[of_need] != 0
        places = column.of[case[fits]] * needs + of_need[fits]
        number = np.bincount(places, minlength=column.lists * needs)
        steps = case_steps(int(number.max(initial=0)), self._grid)
        table = self._effects.take(steps).take(number).reshape(column.lists, needs)
        add_looked(total, table, column.codes)

    def _asked(self, query: Query) -> int:
        asked = 0
        for scene in query.scenes:
            asked |= self._bits.get(scene, 0)
        return asked


def _price_steps(card: Card, lines: Lines) -> Int:
    """As `price.price_steps` has them, of shape (rows, needs); none for what is held."""
    price = np.minimum(card.flat[:, None], lines.most)
    counted = card.flat[card.places, None] + lines.adds[card.units[card.places]]
    price[card.places] = np.minimum(counted, lines.most)
    price *= 1000 * FULL
    near = lines.near_end - price
    near /= lines.near_width
    far = np.subtract(lines.far_end, price, out=price)
    far /= lines.far_width
    (np.maximum if lines.is_greatest else np.minimum)(near, far, out=near)
    return np.clip(near, 0, FULL, out=near).astype(np.int64)


class Card(NamedTuple):
    """Prices as needs read them that lack the same counts, in one currency.

    ``flat`` is UNPRICED where the price is not known; at the ``places`` what ``units`` count comes
    to it; the rows that are held wait for a count and stand at the reference.
    """

    flat: Floats
    units: Codes
    places: Int
    is_held: Bools


class Lines(NamedTuple):
    """Of each need, the two lines that a price falls along (`price.price_steps`), 1024 times over.

    Beyond ``most`` every price is alike; ``adds`` is, for each code of units, what they come to.
    """

    adds: Floats
    most: Floats
    near_end: Floats
    near_width: Floats
    far_end: Floats
    far_width: Floats
    is_greatest: bool


class Prices:
    """First-year prices against budgets, row by row."""

    def __init__(
        self, column: PriceColumn, planes: Planes, feature: CardFeature, effects: Sum
    ) -> None:
        """No price has been read yet."""
        self._column, self._planes = column, planes
        self._feature, self._effects = feature, effects
        self._cards: dict[Hashable, Card] = {}

    def alike(self, query: Query) -> Hashable:
        """Needs may stand side by side that are equal in this; None: not in any matrix."""
        full, even, none = (self._feature.grid[name] for name in ("full", "even", "none"))
        greatest = FULL * 2 * none * (query.budget or 0)
        if not (full < even < none and 0 < greatest < _EXACT):
            return None
        return query.currency, tuple([query.counts.get(unit) is None for unit in UNITS])

    def add(self, total: Sum, queries: Sequence[Query], alike: Hashable) -> None:
        """Add what each need has from each row to ``total``, of shape (rows, needs).

        All needs are ``alike`` so.
        """
        card = self._cards.get(alike) or self._read(queries[0])
        self._cards[alike] = card
        lines = self._lines(queries)
        if SWITCH.kernels:
            SWITCH.kernels.add_prices(total, self._effects, card, lines)
        else:
            total += self._effects.take(_price_steps(card, lines), mode="clip")
        if card.is_held.any():
            total[card.is_held] += self._effects[self._feature.reference]

    def _lines(self, queries: Sequence[Query]) -> Lines:
        times = [[query.counts.get(unit) or 0 for query in queries] for unit in UNITS]
        adds = self._column.per[:, :, 0] @ np.array(times, np.int64)
        amount = np.array([query.budget for query in queries], np.float64)
        full, even, none = (self._feature.grid[name] for name in ("full", "even", "none"))
        return Lines(
            adds.astype(np.float64),
            np.floor(none * amount / 1000) + 1,
            (2 * even - full) * amount * FULL,
            2 * (even - full) * amount,
            none * amount * FULL,
            2 * (none - even) * amount,
            is_greatest=even - full <= none - even,
        )

    def _read(self, query: Query) -> Card:
        column, by = self._column, counted(self._column, query.currency, query.counts)
        known = (column.currency == by.place) & (column.flat < UNPRICED)
        waits = known & by.lacks.take(column.units)
        hides = self._planes.spread(self._planes.fold(np.logical_or, ~known))
        known &= ~waits
        flat = np.where(known, column.flat, UNPRICED).astype(np.float64)
        places = np.flatnonzero(known & (column.units != 0))
        return Card(flat, column.units, places, waits & ~hides)


class Wanted(NamedTuple):
    """The words of a need that an index knows, and the sum of their idf."""

    known: Int
    sum_idf: int


def wanted(tokens: Sequence[str], index: TextIndex) -> Wanted:
    """The words among ``tokens`` that count."""
    place = index.place
    found = np.array([place[token] for token in tokens if token in place], np.int64)
    idf = index.idf[found]
    return Wanted(found[idf > 0], int(idf.sum()))


class Heard(NamedTuple):
    """The tokens of needs one after the other, how many each has; step = sum x times // width."""

    known: Int
    counts: Int
    widths: Floats
    times: int


class Texts:
    """Words, offering by offering."""

    def __init__(self, index: TextIndex, full: tuple[int, int], effects: Sum) -> None:
        """Of an index that is asked of all its offerings."""
        self._index, self._full, self._effects = index, full, effects
        self._lengths = np.diff(index.start)

    def can(self, words: Wanted) -> bool:
        """Whether the words of a need can stand in a matrix."""
        greatest = (FULL * self._full[1] + self._full[0]) * words.sum_idf
        is_small = greatest < _EXACT and words.sum_idf <= _MOST_INT32
        return self._index.places is None and is_small

    def add(self, total: Sum, words: Sequence[Wanted]) -> None:
        """Add what each need has from each offering to ``total``, of shape (offerings, needs)."""
        widths = np.array([max(1, self._full[0] * each.sum_idf) for each in words], np.float64)
        times = FULL * self._full[1]
        known = np.concatenate([each.known for each in words])
        counts = np.array([len(each.known) for each in words])
        if SWITCH.kernels:
            asked = Heard(known, counts, widths, times)
            SWITCH.kernels.add_texts(total, self._effects, self._index, asked)
            return
        sums = self._sums(known, counts)
        sums *= times
        sums /= widths[:, None]
        steps = np.minimum(sums, FULL, out=sums).astype(np.int64)
        total += self._effects.take(steps, mode="clip").T

    def _sums(self, known: Int, counts: Int) -> Floats:
        """Of the tokens ``known``, of which each need has so many, of shape (needs, offerings)."""
        index, size, needs = self._index, self._index.dense.shape[1], len(counts)
        need, row = np.repeat(np.arange(needs), counts), index.row[known]
        listed = row < 0
        tokens = known[listed]
        lengths = self._lengths[tokens]
        at = runs(index.start[tokens], lengths)
        places = np.repeat(need[listed] * size, lengths) + index.offering[at]
        # Of nothing it makes whole numbers.
        sums = np.bincount(places, index.impact[at], minlength=needs * size).astype(np.float64)
        sums = sums.reshape(needs, size)
        ends = np.bincount(need[~listed], minlength=needs).cumsum()
        for place, rows in enumerate(np.split(row[~listed], ends[:-1])):
            # In 32 bits, which are enough: in 64 it takes four times as long.
            sums[place] += np.add.reduce(index.dense[rows], axis=0, dtype=np.int32)
        return sums


def add_looked(total: Sum, table: Sum, codes: Codes | None) -> None:
    """Add to each row of ``total`` that of ``table`` with its code; its own, without codes."""
    if codes is None:
        total += table
    elif SWITCH.kernels:
        SWITCH.kernels.add_looked(total, np.ascontiguousarray(table), codes)
    else:
        total += table.take(codes, axis=0, mode="clip")
