"""The price of a package in one currency: 12 months and three years (scoring.md 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.facts import (
    MOST_AMOUNT,
    MOST_PER_UNIT,
    UNITS,
    YEARLY_PARTS,
    PriceCard,
    PricePart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.ranking.columns import Int

Bools = NDArray[np.bool_]
_FLAT: Final = len(UNITS)


@dataclass(frozen=True, slots=True)
class PriceColumn:
    """Price cards of the rows, their parts summed by what they are multiplied with.

    ``currency`` is a place in ``currencies``, -1 where the price is unknown. ``once`` and
    ``yearly`` have shape (rows, 5): minor units per user, machine, site, employee, and flat.
    ``counts`` has shape (rows, 4): whether the card needs that count.
    """

    currencies: tuple[str, ...]
    currency: NDArray[np.int16]
    once: Int
    yearly: Int
    counts: Bools


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of the rows for one need.

    ``first_year`` and ``three_years`` are minor units, meaningless where not ``known``. ``waits``
    marks a row whose card is complete in the need's currency and lacks only a count of the profile;
    ``waits_for`` has shape (rows, 4) and says which.
    """

    known: Bools
    waits: Bools
    waits_for: Bools
    first_year: Int
    three_years: Int


def price_column(cards: Sequence[PriceCard | None]) -> PriceColumn:
    """The cards of the rows as arrays.

    A card without parts, or with a part of unknown amount, is unknown.
    """
    complete = [_complete(card) for card in cards]
    currencies = tuple(sorted({card.currency for card in complete if card is not None}))
    rows = len(cards)
    currency = np.full(rows, -1, np.int16)
    once = np.zeros((rows, _FLAT + 1), np.int64)
    yearly = np.zeros((rows, _FLAT + 1), np.int64)
    counts = np.zeros((rows, _FLAT), np.bool_)
    for row, card in enumerate(complete):
        if card is None:
            continue
        currency[row] = currencies.index(card.currency)
        for part in card.parts:
            place = _FLAT if part.per is None else UNITS.index(part.per)
            target = yearly if part.part in YEARLY_PARTS else once
            target[row, place] += part.amount or 0
            if part.per is not None:
                counts[row, place] = True
    return PriceColumn(currencies, currency, once, yearly, counts)


def prices(column: PriceColumn, currency: str, counts: Mapping[str, int | None]) -> Prices:
    """Prices of all rows in ``currency`` for a firm with these ``counts`` (None = unknown)."""
    given = [counts.get(unit) for unit in UNITS]
    place = column.currencies.index(currency) if currency in column.currencies else -2
    stated = column.currency == place
    waits_for = column.counts & np.array([count is None for count in given]) & stated[:, None]
    waits = waits_for.any(axis=1)
    times = np.array([*(count or 0 for count in given), 1], np.int64)
    once, yearly = column.once @ times, column.yearly @ times
    return Prices(stated & ~waits, waits, waits_for, once + yearly, once + 3 * yearly)


def price_steps(known: Int, budget: int, *, full: int, even: int, none: int) -> Int:
    """Steps 0..1024 of first-year prices against ``budget`` > 0.

    With r = price / budget in thousandths of the card's grid: 1 up to ``full``, straight to .5 at
    ``even``, straight to 0 at ``none``; floor of the exact fraction.
    """
    steps = np.zeros(len(known), np.int64)
    upper = even * budget
    scaled = np.minimum(known, none * budget // 1000 + 1) * 1000
    first = scaled <= full * budget
    second = ~first & (scaled <= upper)
    third = ~first & ~second & (scaled < none * budget)
    steps[first] = 1024
    fall, rest = 2 * (even - full) * budget, 2 * (none - even) * budget
    steps[second] = _floor_fraction(
        2 * (even - full) * budget - (scaled[second] - full * budget), fall
    )
    steps[third] = _floor_fraction(none * budget - scaled[third], rest)
    return steps


def _floor_fraction(numerator: Int, denominator: int) -> Int:
    """floor(1024 numerator / denominator), exact in 64 bits up to 2^53."""
    return numerator * 1024 // denominator


def _complete(card: PriceCard | None) -> PriceCard | None:
    if card is None or not card.parts or not all(map(_is_usable, card.parts)):
        return None
    return card


def _is_usable(part: PricePart) -> bool:
    """Whether the amount is stated, and small enough that no sum can overflow."""
    most = MOST_AMOUNT if part.per is None else MOST_PER_UNIT
    return part.amount is not None and part.amount <= most
