"""The kernels: plain loops over rows, compiled for the types that an index has.

One thread, no OpenMP. Types are named so that nothing is compiled later than when this is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit, types

from matchmaker.ranking.compiled import PriceSteps
from matchmaker.ranking.price import UNPRICED
from matchmaker.ranking.slate import UNSCORED
from matchmaker.ranking.steps import FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.compiled import Budget, Counted
    from matchmaker.ranking.matrices import Card, Heard, Lines
    from matchmaker.ranking.planes import Planes
    from matchmaker.ranking.price import Bools, PriceColumn
    from matchmaker.ranking.tables import Sum
    from matchmaker.ranking.text import Sums, TextIndex

_BLOCK: Final = 4096
"""Sums that stay in the processor's cache."""


_EXACT: Final = 2**52
"""Whole numbers up to it are exact in floating point, and so is the floor of their quotients."""
_TOP: Final = float(FULL)


def _of(element: types.Type, dimensions: int = 1, *, written: bool = False) -> types.Array:
    return types.Array(element, dimensions, "C", readonly=not written)


_I8, _I64 = _of(types.int64), _of(types.int64, written=True)
_BOOL, _MARKS = _of(types.boolean), _of(types.boolean, written=True)
_SUMS: Final = (types.int32, types.int64)
_CODES: Final = (types.uint8, types.uint16, types.uint32, types.int64)


@njit(
    [
        types.void(_of(sums, written=True), _of(sums), _of(codes))
        for sums in _SUMS
        for codes in _CODES
    ],
    cache=True,
)
def _add_effects(total, effects, codes):
    last = len(effects) - 1
    for i in range(len(total)):
        total[i] += effects[min(np.int64(codes[i]), last)]


@njit(
    [
        types.void(_of(sums, written=True), _of(types.int32, 2), _of(types.int32))
        for sums in (types.int32, types.int64)
    ],
    cache=True,
)
def _add_common(sums, dense, rows):
    for start in range(0, len(sums), _BLOCK):
        total = sums[start : start + _BLOCK]
        for row in rows:
            line = dense[row, start : start + _BLOCK]
            for i in range(len(total)):
                total[i] += line[i]


@njit(
    [types.void(_of(sums), types.int64, types.int64, _I64) for sums in (types.int32, types.int64)],
    cache=True,
    error_model="numpy",
)
def _text_steps(sums, times, width, steps):
    if width < _EXACT // times:
        most, by = np.float64(width), np.float64(times)
        for i in range(len(steps)):
            found = np.float64(sums[i])
            # From the width on all steps are FULL.
            step = (min(most, found)) * by / most
            steps[i] = np.int32(min(_TOP, step))
        return
    times, width = np.uint64(times), np.uint64(width)
    for i in range(len(steps)):
        steps[i] = min(np.uint64(sums[i]) * times // width, np.uint64(FULL))


@njit(cache=True)
def _raise_keys(keys, scores, alive, unconfirmed):
    for i in range(len(scores)):
        key = 2 * scores[i] + (not unconfirmed[i])
        keys[i] = max(keys[i], key if alive[i] else UNSCORED)


@njit([types.void(_I64, _I8, _BOOL, _BOOL, _I8)], cache=True)
def _best_keys(best, scores, alive, unconfirmed, counts):
    for start in range(0, len(best), _BLOCK):
        keys = best[start : start + _BLOCK]
        keys[:] = UNSCORED
        plane = 0
        for count in counts:
            rows = slice(plane + start, plane + min(start + _BLOCK, max(start, count)))
            _raise_keys(keys, scores[rows], alive[rows], unconfirmed[rows])
            plane += count


@njit([types.int64(_I8, types.int64)], cache=True)
def _nth_greatest(keys, count):
    first = np.sort(keys[:count])
    for i in range(count, len(keys)):
        key = keys[i]
        if key > first[0]:
            place = 1
            while place < count and first[place] < key:
                first[place - 1] = first[place]
                place += 1
            first[place - 1] = key
    return first[0]


@njit(cache=True)
def _read_prices(price, currency, place, flat, units, adds, unstated):
    for i in range(len(flat)):
        alone = flat[i] if currency[i] == place else UNPRICED
        unstated[i] = alone >= UNPRICED
        # Of code 0 nothing is counted: to look costs less than to ask.
        price[i] = alone + adds[units[i]]


@njit(cache=True, error_model="numpy")
def _by_quotients(steps, price, most, lines, is_greatest):
    near_end, near_width, far_end, far_width = lines
    limit = np.float64(most)
    for i in range(len(steps)):
        scaled = np.float64(price[i])
        scaled = (min(limit, scaled)) * (1000.0 * FULL)
        near = (FULL * near_end - scaled) / near_width
        far = (FULL * far_end - scaled) / far_width
        step = near if (near > far) == is_greatest else far
        step = max(0.0, step)
        steps[i] = np.int32(min(_TOP, step))


@njit(cache=True, error_model="numpy")
def _by_whole_numbers(steps, price, most, lines, bend):
    near_end, near_width, far_end, far_width = lines
    # Where a step of the two lines is the same: beyond it the other one holds.
    for i in range(len(steps)):
        scaled = 1000 * min(price[i], most)
        end = near_end if scaled <= bend else far_end
        width = near_width if scaled <= bend else far_width
        above = min(max(end - scaled, 0), width)
        steps[i] = np.uint64(above) * np.uint64(FULL) // np.uint64(width)


@njit(
    [
        types.void(
            *(_of(types.int16), types.int64, _I8, _of(units), _I8, _BOOL),
            *(types.int64, types.int64, types.int64, types.int64),
            *(_I64, _MARKS, _MARKS),
        )
        for units in _CODES[:3]
    ],
    cache=True,
    error_model="numpy",
)
def _price_steps(
    currency, place, flat, units, adds, lacks, amount, full, even, none, steps, unstated, waits
):
    most = none * amount // 1000 + 1
    is_exact = amount < _EXACT // (2 * FULL * none)
    is_lacking = np.any(lacks)
    near_end, near_width = (2 * even - full) * amount, 2 * (even - full) * amount
    far_end, far_width = none * amount, 2 * (none - even) * amount
    lines = near_end, near_width, far_end, far_width
    price = np.empty(_BLOCK, np.int64)
    for start in range(0, len(steps), _BLOCK):
        # Of slices that are walked through from nought the compiler makes vectors.
        into, unit = steps[start : start + _BLOCK], units[start : start + _BLOCK]
        late = waits[start : start + _BLOCK]
        of_rows = currency[start : start + _BLOCK], flat[start : start + _BLOCK]
        _read_prices(
            price, of_rows[0], place, of_rows[1], unit, adds, unstated[start : start + _BLOCK]
        )
        late[:] = False
        if is_lacking:
            for i in range(len(into)):
                late[i] = lacks[unit[i]] and price[i] < UNPRICED
                price[i] = UNPRICED if late[i] else price[i]
        if is_exact:
            _by_quotients(into, price, most, lines, even - full <= none - even)
        else:
            _by_whole_numbers(into, price, most, lines, even * amount)


_F8, _F8S = _of(types.float64), _of(types.float64, 2)


@njit(
    [
        types.void(_of(sums, 2, written=True), _of(sums, 2), _of(codes))
        for sums in _SUMS
        for codes in _CODES[:3]
    ],
    cache=True,
)
def _add_looked(total, table, codes):
    needs = total.shape[1]
    for i in range(len(codes)):
        code = codes[i]
        for need in range(needs):
            total[i, need] += table[code, need]


@njit(
    [
        types.void(
            *(_of(sums, 2, written=True), _of(sums), _F8, _of(units), _BOOL, _F8S),
            *(_F8, _F8, _F8, _F8, _F8, types.boolean),
        )
        for sums in _SUMS
        for units in _CODES[:3]
    ],
    cache=True,
    error_model="numpy",
)
def _add_prices(
    total,
    effects,
    flat,
    units,
    held,
    adds,
    most,
    near_end,
    near_width,
    far_end,
    far_width,
    is_greatest,
):
    needs = total.shape[1]
    steps = np.empty(needs, np.int32)
    for i in range(len(flat)):
        if held[i]:
            continue
        alone, unit = flat[i], units[i]
        for need in range(needs):
            price = alone + adds[unit, need]
            price = min(most[need], price)
            price *= 1000 * FULL
            near = (near_end[need] - price) / near_width[need]
            far = (far_end[need] - price) / far_width[need]
            step = near if (near > far) == is_greatest else far
            step = max(0.0, step)
            steps[need] = np.int32(min(1024.0, step))
        for need in range(needs):
            total[i, need] += effects[steps[need]]


@njit(
    [
        types.void(
            *(_of(sums, 2, written=True), _of(sums)),
            *(_of(types.int32), _I8, _of(types.int32), _of(types.int32), _of(types.int32, 2)),
            *(_I8, _I8, _F8, types.float64),
        )
        for sums in _SUMS
    ],
    cache=True,
    error_model="numpy",
)
def _add_texts(total, effects, row, start, offering, impact, dense, known, counts, widths, times):
    sums = np.empty(len(total), np.int32)
    begin = 0
    for need in range(len(counts)):
        sums[:] = 0
        for token in known[begin : begin + counts[need]]:
            if row[token] >= 0:
                line = dense[row[token]]
                for i in range(len(sums)):
                    sums[i] += line[i]
            else:
                for at in range(start[token], start[token + 1]):
                    sums[offering[at]] += impact[at]
        begin += counts[need]
        for i in range(len(sums)):
            step = sums[i] * times / widths[need]
            total[i, need] += effects[np.int32(min(1024.0, step))]


class Compiled:
    """The kernels as `ranking.compiled` asks for them."""

    def add_effects(self, total: Sum, effects: Sum, codes: Codes | Int) -> None:
        """Add to ``total`` the effect of each code; the last one where a code is beyond it."""
        _add_effects(total, effects, codes)

    def add_common(self, sums: Sums, dense: NDArray[np.int32], rows: NDArray[np.int32]) -> None:
        """Add these ``rows`` of ``dense`` to ``sums``."""
        _add_common(sums, dense, rows)

    def text_steps(self, sums: Sums, times: int, width: int) -> Int:
        """``sums`` x ``times`` // ``width``, ``FULL`` at the most."""
        steps = np.empty(len(sums), np.int64)
        _text_steps(sums, times, width, steps)
        return steps

    def best_keys(self, scores: Int, alive: Bools, unconfirmed: Bools, planes: Planes) -> Int:
        """Of each whole the greatest 2 x score + confirmed of its rows that are alive."""
        best = np.empty(planes.wholes, np.int64)
        _best_keys(best, scores, alive, unconfirmed, np.array(planes.counts, np.int64))
        return best

    def nth_greatest(self, keys: Int, count: int) -> int:
        """The ``count``-th greatest of ``keys``, of which there are as many; for small counts."""
        return int(_nth_greatest(keys, count))

    def price_steps(self, column: PriceColumn, counted: Counted, budget: Budget) -> PriceSteps:
        """The steps of all rows of ``column``."""
        rows = len(column.flat)
        steps, waits = np.empty(rows, np.int64), np.empty(rows, np.bool_)
        found = PriceSteps(steps, np.empty(rows, np.bool_), waits)
        _price_steps(
            *(column.currency, counted.place, column.flat, column.units),
            *(counted.adds, counted.lacks, *budget, *found),
        )
        return found

    def add_looked(self, total: Sum, table: Sum, codes: Codes) -> None:
        """Add to each row of ``total``, of shape (rows, needs), that of ``table`` with its code."""
        _add_looked(total, table, codes)

    def add_prices(self, total: Sum, effects: Sum, card: Card, lines: Lines) -> None:
        """Add to ``total``, of shape (rows, needs), what the prices of ``card`` add."""
        _add_prices(total, effects, card.flat, card.units, card.is_held, *lines)

    def add_texts(self, total: Sum, effects: Sum, index: TextIndex, heard: Heard) -> None:
        """Add to ``total``, of shape (offerings, needs), what the words of the needs add."""
        _add_texts(
            *(total, effects, index.row, index.start, index.offering, index.impact, index.dense),
            *heard,
        )
