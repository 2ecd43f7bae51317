"""The price of a package in one currency: 12 months and three years (scoring.md 11)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.blocks import blocks
from matchmaker.ranking.coding import price_codes
from matchmaker.ranking.columns import Coder, Codes, narrow
from matchmaker.ranking.compiled import Counted, PriceSteps
from matchmaker.ranking.facts import (
    MOST_AMOUNT,
    MOST_PER_UNIT,
    UNITS,
    YEARLY_PARTS,
    PriceCard,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matchmaker.ranking.coding import PriceCodes
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.compiled import Budget

    Units = tuple[tuple[int, int, bool], ...]
    """Of each unit: minor units in the first year, in a further one, and whether it counts."""
    Counts = Mapping[str, int | None]
    """Of the units that prices count, how many the firm has."""

Bools = NDArray[np.bool_]
UNPRICED: Final = 2**62
"""Minor units that stand for a price that is not known."""
NO_CURRENCY: Final = -1
_NO_UNIT: Final = (0, 0, False)
_NO_UNITS: Final = (_NO_UNIT,) * len(UNITS)


class Summed(NamedTuple):
    """A price card as an index holds it.

    Its currency, what counts per unit, and its flat minor units of the first year and of every
    further one.
    """

    currency: str | None
    units: Units | None
    first_year: int
    yearly: int


UNKNOWN: Final = Summed(None, None, UNPRICED, 0)


@dataclass(frozen=True, slots=True)
class PriceColumn:
    """Price cards of the rows, their flat parts summed when the index is built.

    ``currency`` is a place in ``currencies``, NO_CURRENCY where the price is unknown. ``flat`` and
    ``yearly`` are minor units of the first year and of every further one, without what is counted
    per unit; ``flat`` is UNPRICED where the price is unknown. ``units`` codes what is: of each
    user, machine, site and employee ``per[code]`` are its minor units (in the first year, in a
    further one), and ``counts[code]`` says whether it is needed; code 0 needs none.
    """

    currencies: tuple[str, ...]
    currency: NDArray[np.int16]
    flat: Int
    yearly: Int
    units: Codes
    per: Int
    counts: Bools

    def at(self, rows: Int | slice) -> PriceColumn:
        """The column of these rows."""
        return PriceColumn(
            self.currencies,
            self.currency[rows],
            self.flat[rows],
            self.yearly[rows],
            self.units[rows],
            self.per,
            self.counts,
        )


@dataclass(frozen=True)
class Prices:
    """Prices of the rows for one need: minor units of the first year, UNPRICED where not known.

    ``waits`` marks a row whose card is complete in the need's currency and lacks only counts of the
    profile.
    """

    first_year: Int
    waits: Bools

    @cached_property
    def known(self) -> Bools:
        """Where the price is known."""
        return self.first_year < UNPRICED


@dataclass(frozen=True, slots=True)
class RowPrice:
    """The price of one row for one need; None where not known, and the counts it waits for."""

    first_year: int | None
    three_years: int | None
    waits_for: tuple[str, ...]


class PriceReader:
    """Takes summed price cards row by row."""

    def __init__(self) -> None:
        """No card yet."""
        self._currencies: Coder[str] = Coder()
        self._units: Coder[Units] = Coder()
        self._sums = array("q")

    def extend(self, cards: PriceCodes) -> None:
        """The cards of the next rows."""
        currencies = [0, *map(self._currencies.code, cards.currencies)]
        self._currencies.add(np.array(currencies, np.uint32)[cards.currency])
        units = [0, *map(self._units.code, cards.units)]
        self._units.add(np.array(units, np.uint32)[cards.unit])
        sums = [each.astype(np.int64) for each in (cards.first_year, cards.yearly)]
        self._sums.frombytes(np.stack(sums, axis=1).tobytes())

    def column(self, rows: Int) -> PriceColumn:
        """The column of the cards of these ``rows``, in this order."""
        currencies, currency = self._currencies.of(rows)
        units, unit = self._units.of(rows)
        per = np.array([_NO_UNITS, *self._units.facts(units)], np.int64)
        flat, yearly = np.array(self._sums, np.int64).reshape(-1, 2)[rows].T.copy()
        return PriceColumn(
            currencies=tuple(self._currencies.facts(currencies)),
            currency=currency.astype(np.int16) + NO_CURRENCY,
            flat=flat,
            yearly=yearly,
            units=narrow(unit, len(units)),
            per=per[:, :, :2],
            counts=per[:, :, 2].astype(np.bool_),
        )


def price_column(cards: Iterable[PriceCard | None]) -> PriceColumn:
    """The cards of the rows as arrays."""
    reader, read = PriceReader(), [*map(summed, cards)]
    reader.extend(price_codes(read))
    return reader.column(np.arange(len(read)))


def prices(column: PriceColumn, currency: str, counts: Counts) -> Prices:
    """Prices of all rows in ``currency`` for a firm with these ``counts`` (None = unknown)."""
    return _read(column, counted(column, currency, counts))


def counted(column: PriceColumn, currency: str, counts: Counts) -> Counted:
    """What the prices of ``column`` are read by, in ``currency`` for a firm with these counts."""
    times = np.array([counts.get(unit) or 0 for unit in UNITS], np.int64)
    lacks: Bools = np.logical_or.reduce(column.counts & _missing(counts), axis=1)
    return Counted(_place(column, currency), column.per[:, :, 0] @ times, lacks)


def _read(column: PriceColumn, by: Counted) -> Prices:
    first, waits = column.flat.copy(), np.zeros(len(column.flat), np.bool_)
    if len(column.currencies) != 1 or by.place != 0:
        first[column.currency != by.place] = UNPRICED
    priced = np.flatnonzero(column.units != 0)
    if len(priced):
        units = column.units[priced]
        found = first[priced] + by.adds.take(units)
        if by.lacks.any():
            late = by.lacks.take(units) & (found < UNPRICED)
            waits[priced[late]] = True
            found[late] = UNPRICED
        first[priced] = found
    return Prices(first, waits)


def stepped(column: PriceColumn, by: Counted, budget: Budget) -> PriceSteps:
    """The steps of all rows of ``column`` by `price_steps`."""
    steps = np.zeros(len(column.flat), np.int64)
    known, waits = np.zeros(len(steps), np.bool_), np.zeros(len(steps), np.bool_)
    for block in blocks(len(steps)):
        found = _read(column.at(block), by)
        known[block], waits[block] = found.known, found.waits
        amount, full, even, none = budget
        steps[block] = price_steps(found.first_year, amount, full=full, even=even, none=none)
    return PriceSteps(steps, ~(known | waits), waits)


def row_price(column: PriceColumn, row: int, currency: str, counts: Counts) -> RowPrice:
    """The price of ``row`` as `prices` has it, and of three years."""
    if column.currency[row] != _place(column, currency):
        return RowPrice(None, None, ())
    first, yearly, units = int(column.flat[row]), int(column.yearly[row]), column.units[row]
    if units:
        needed = dict(zip(UNITS, column.counts[units].tolist(), strict=True))
        waits_for = tuple(u for u in UNITS if needed[u] and counts.get(u) is None)
        if waits_for:
            return RowPrice(None, None, waits_for)
        for unit, (per_first, per_yearly) in zip(UNITS, column.per[units].tolist(), strict=True):
            first += per_first * (counts.get(unit) or 0)
            yearly += per_yearly * (counts.get(unit) or 0)
    return RowPrice(first, first + 2 * yearly, ())


def awaited(column: PriceColumn, rows: Bools, currency: str, counts: Counts) -> tuple[str, ...]:
    """The counts that the prices of any of these ``rows`` in ``currency`` wait for."""
    missing = _missing(counts)
    if not (column.counts & missing).any():
        return ()
    stated = rows & (column.currency == _place(column, currency))
    used = np.bincount(column.units[stated], minlength=len(column.counts)) > 0
    needed = column.counts[used].any(axis=0) & missing
    return tuple(np.array(UNITS)[needed].tolist())


def price_steps(first_year: Int, budget: int, *, full: int, even: int, none: int) -> Int:
    """Steps 0..1024 of first-year prices against ``budget`` > 0.

    With r = price / budget in thousandths of the card's grid: 1 up to ``full``, straight to .5 at
    ``even``, straight to 0 at ``none``; floor of the exact fraction. Of the two lines the steeper
    one is the higher one before they meet: the step is their greatest, or their least. Exact in 64
    bits while 1024 x ``none`` x budget is below 2^63: to 4 x 10^12 where ``none`` is 2000.
    """
    scaled = np.minimum(first_year, none * budget // 1000 + 1)
    scaled *= 1000
    near = _falling(scaled, (2 * even - full) * budget, 2 * (even - full) * budget)
    far = _falling(scaled, none * budget, 2 * (none - even) * budget)
    bend = np.maximum if even - full <= none - even else np.minimum
    bend(near, far, out=near)
    return np.minimum(np.maximum(near, 0, out=near), 1024, out=near)


def _falling(scaled: Int, end: int, width: int) -> Int:
    """floor(1024 (end - scaled) / width)."""
    line = end - scaled
    line *= 1024
    line //= width
    return line


def _place(column: PriceColumn, currency: str) -> int:
    return column.currencies.index(currency) if currency in column.currencies else 2 * NO_CURRENCY


def _missing(counts: Counts) -> Bools:
    return np.array([counts.get(unit) is None for unit in UNITS], np.bool_)


def summed(card: PriceCard | None) -> Summed:
    """What an index needs of ``card``.

    Unknown where there are no parts, or an amount is not stated or so great that a sum could
    overflow.
    """
    if card is None or not card.parts:
        return UNKNOWN
    first = yearly = 0
    per_unit: dict[str, tuple[int, int, bool]] | None = None
    for part, amount, per in card.parts:
        if amount is None or amount > (MOST_AMOUNT if per is None else MOST_PER_UNIT):
            return UNKNOWN
        again = amount if part in YEARLY_PARTS else 0
        if per is None:
            first, yearly = first + amount, yearly + again
            continue
        per_unit = per_unit or dict.fromkeys(UNITS, _NO_UNIT)
        known, known_yearly, _ = per_unit[per]
        per_unit[per] = known + amount, known_yearly + again, True
    units = None if per_unit is None else tuple(per_unit.values())
    return Summed(card.currency, units, first, yearly)
