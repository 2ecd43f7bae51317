"""Who gets which offering when each has only so many places: the best sum, with its proof.

Prices that make the offerings' places scarce are found approximately first; the best few of each
need by worth less price are candidates; among them a shortest augmenting path method gives the
exact optimum and prices that prove it, over all pairs and not only the candidates. Pairs that the
proof finds wanting become candidates too, until none is left. All sums are of integers.

R. Jonker and A. Volgenant, A shortest augmenting path algorithm for dense and sparse linear
assignment problems, Computing 38 (1987); P. Hall, On representatives of subsets, J. London Math.
Soc. s1-10 (1935), for floors that cannot be met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import (
    min_weight_full_bipartite_matching,  # pyright: ignore[reportUnknownVariableType]
)

from matchmaker.ranking.wishes import BLOCK, approximate_prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.wishes import Worths

CANDIDATES: Final = 16
"""Offerings that each need looks at first, at the least; how many changes the time, no sum."""
GROUPED: Final = 4
"""Groups, for each candidate, whose best are compared."""
NOT_ELIGIBLE: Final = -1
NOBODY: Final = -1
NEVER: Final = np.iinfo(np.int32).min
"""Less than any worth over its price."""
BEYOND: Final = 2**61
"""The price of an offering that has no place."""


@dataclass(frozen=True, slots=True)
class Places:
    """How many needs each offering can take, and how many it must be given where that can be."""

    capacity: Int
    floor: Int

    def __post_init__(self) -> None:
        """Hold that floors are possible.

        Raises:
            ValueError: a number is negative, or a floor is above its capacity.
        """
        if (self.floor < 0).any() or (self.floor > self.capacity).any():
            raise ValueError("a floor lies between 0 and the capacity")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why the floors of ``offerings`` cannot all be met: ``eligible`` needs are too few.

    Fewer needs may take any of them than the floors ask for together.
    """

    offerings: tuple[int, ...]
    eligible: int
    asked: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """One offering at most for each need.

    ``offering[n]`` is the offering of need n, or ``NOBODY``; ``total`` the sum of their worths.
    ``price[o]`` is what one place more of offering o would add to the sum: 0 where places are left,
    below 0 where its floor makes needs take it that would be better off elsewhere. ``gain[n]`` is
    what need n adds over all prices. ``filled`` places of floors are filled; ``shortfall`` tells
    why, where that is not all of them.
    """

    offering: Int
    price: Int
    gain: Int
    total: int
    filled: int
    shortfall: Shortfall | None


@dataclass(frozen=True, slots=True)
class _Columns:
    """The offerings as columns: each with its free places, then each floored one with its floor.

    A place of a floor is worth ``bonus`` more, which outweighs every sum of worths.
    """

    offering: Int
    room: Int
    bonus: Int

    @classmethod
    def of(cls, places: Places, needs: int, most: int) -> _Columns:
        floored = np.flatnonzero(places.floor)
        free = np.arange(len(places.capacity))
        bonus = (most + 1) * (needs + 1)
        return cls(
            np.concatenate([free, floored]),
            np.concatenate([places.capacity - places.floor, places.floor[floored]]),
            np.concatenate([np.zeros(len(free), np.int64), np.full(len(floored), bonus)]),
        )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Needs, columns and worths of the pairs that are looked at, by need."""

    need: Int
    column: Int
    worth: Int


def allocate(worths: Worths, places: Places, candidates: int = CANDIDATES) -> Allocation:
    """The allocation with the most places of floors filled, and of these the greatest sum.

    ``worths``, of shape (needs, offerings), is what each offering is worth to each need, 0 and up,
    and ``NOT_ELIGIBLE`` where it may not be given to it; to be given something worth 0 is better
    than to be given nothing. Each need looks at ``candidates`` offerings first: how many changes
    the time, and of several best allocations which.
    """
    needs, offerings = worths.shape
    free_of_charge = np.zeros(len(places.capacity), np.int64)
    if not needs or not offerings:
        return _answer(worths, places, np.full(len(worths), NOBODY, np.int64), free_of_charge)
    free = _unlimited(worths, places)
    if free is not None:
        return _answer(worths, places, free, free_of_charge)
    columns = _Columns.of(places, needs, int(worths.max()) + 1)
    looked_at = _first_candidates(worths, places, candidates)
    everybody = True
    while True:
        pairs = _pairs(worths, columns, looked_at)
        column_of = _best_of(pairs, columns, needs, everybody=everybody)
        everybody = everybody and bool((column_of != NOBODY).all())
        price = _least(columns, _prices(pairs, columns, column_of), offerings)
        offering = np.where(column_of == NOBODY, NOBODY, columns.offering[column_of])
        found = _answer(worths, places, offering, price)
        if everybody and (found.gain < 0).any():
            everybody = False
            continue
        more = np.setdiff1d(_wanted(worths, found), looked_at)
        if not len(more):
            return found
        looked_at = np.union1d(looked_at, more)


def _unlimited(worths: Worths, places: Places) -> Int | None:
    """Everybody's first choice, where there is room for all of them and no floor asks for more."""
    first = worths.argmax(axis=1)
    chosen = np.where(worths[np.arange(len(first)), first] < 0, NOBODY, first)
    taken = np.bincount(chosen[chosen != NOBODY], minlength=worths.shape[1])
    fits = (taken <= places.capacity).all() and (taken >= places.floor).all()
    return chosen if fits else None


def _first_candidates(worths: Worths, places: Places, candidates: int) -> Int:
    """The pairs to look at first, as need x offerings + offering, sorted."""
    needs, offerings = worths.shape
    price = approximate_prices(worths, places.capacity).astype(np.int32)
    most = min(candidates, offerings)
    room = np.empty((BLOCK, offerings), np.int32)
    is_open = bool(worths.min() >= 0)
    found: list[Int] = []
    for start in range(0, needs, BLOCK):
        block = worths[start : start + BLOCK]
        over = np.subtract(block, price, out=room[: len(block)])
        if not is_open:
            over[block < 0] = NEVER
        least = np.maximum(_about(over, most)[:, None], NEVER + 1)
        found.append(np.flatnonzero(over >= least) + start * offerings)
    keys = np.concatenate(found)
    floors = _for_floors(worths, places)
    return np.union1d(keys, floors) if len(floors) else keys


def _about(values: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Of each row a value that ``most`` of it, or a few more, reach.

    Of the best of groups, as many as there are in the end: the groups are halves of halves laid
    over each other, which costs one look at each value, where to sort them out costs many.
    """
    best = values
    while best.shape[1] >= 2 * GROUPED * most:
        half = best.shape[1] // 2
        folded = np.maximum(best[:, :half], best[:, half : 2 * half])
        if best.shape[1] % 2:
            np.maximum(folded[:, 0], best[:, -1], out=folded[:, 0])
        best = folded
    return np.partition(best, best.shape[1] - most, axis=1)[:, best.shape[1] - most]


def _for_floors(worths: Worths, places: Places) -> Int:
    """For each floored offering, the needs that give up least by taking it."""
    offerings = worths.shape[1]
    best = worths.max(axis=1)
    found: list[Int] = [np.zeros(0, np.int64)]
    for offering in np.flatnonzero(places.floor).tolist():
        needs = np.flatnonzero(worths[:, offering] >= 0)
        lost = (best[needs] - worths[needs, offering]).argsort(kind="stable")
        found.append(needs[lost[: 4 * int(places.floor[offering])]] * offerings + offering)
    return np.concatenate(found)


def _pairs(worths: Worths, columns: _Columns, keys: Int) -> _Pairs:
    """The pairs of ``keys`` over both columns of a floored offering; a worth counts from 1."""
    need, offering = np.divmod(keys, worths.shape[1])
    worth = worths[need, offering].astype(np.int64) + 1
    floor_of = np.full(worths.shape[1], NOBODY)
    floors = slice(worths.shape[1], None)
    floor_of[columns.offering[floors]] = np.arange(worths.shape[1], len(columns.offering))
    also = np.flatnonzero(floor_of[offering] != NOBODY)
    column = np.concatenate([offering, floor_of[offering[also]]])
    rows = np.concatenate([need, need[also]])
    worth = np.concatenate([worth, worth[also]]) + columns.bonus[column]
    open_to = columns.room[column] > 0
    return _Pairs(rows[open_to], column[open_to], worth[open_to])


def _best_of(pairs: _Pairs, columns: _Columns, needs: int, *, everybody: bool) -> Int:
    """The column of each need in the best allocation of ``pairs``, or ``NOBODY``.

    Every place is a column of its own to the method. Where ``everybody`` can be given one, the best
    of these allocations: it is the best of all where nobody gains less than nothing by it. Else
    every need has one more column, worth nothing; which takes half as long again.
    """
    room = columns.room[pairs.column]
    nth = np.arange(int(room.sum()), dtype=np.int64) - _each(np.cumsum(room) - room, room)
    place = _each((np.cumsum(columns.room) - columns.room)[pairs.column], room) + nth
    places = int(columns.room.sum())
    most = int(pairs.worth.max(initial=0)) + 1
    cost, rows = most - _each(pairs.worth, room), _each(pairs.need, room)
    try:
        chosen = _matched(cost, rows, place, (needs, places if everybody else 0))
    except ValueError:
        alone = np.arange(needs, dtype=np.int64)
        cost = np.concatenate([cost, np.full(needs, most, np.int64)])
        rows, place = np.concatenate([rows, alone]), np.concatenate([place, places + alone])
        chosen = _matched(cost, rows, place, (needs, places + needs))
    column_of_place = _each(np.arange(len(columns.room), dtype=np.int64), columns.room)
    found = np.full(needs, NOBODY, np.int64)
    real = chosen < places
    found[real] = column_of_place[chosen[real]]
    return found


def _matched(cost: Int, rows: Int, at: Int, shape: tuple[int, int]) -> Int:
    """The column of each row at the least cost.

    Raises:
        ValueError: not every row can have one of its own.
    """
    if shape[1] < shape[0]:
        raise ValueError("fewer places than needs")
    graph = csr_matrix((cost.astype(np.float64), (rows, at)), shape=shape)
    return cast("Int", cast("Any", min_weight_full_bipartite_matching)(graph)[1])


def _each(values: Int, times: Int) -> Int:
    """Each of ``values`` so many times, as numpy's stubs cannot say."""
    return cast("Int", np.repeat(values, times))


def _prices(pairs: _Pairs, columns: _Columns, column_of: Int) -> Int:
    """The least prices of the columns that prove ``column_of`` the best of ``pairs``.

    A price rises until nobody would rather have the column; that of a column with room stays 0.
    """
    own = pairs.column == column_of[pairs.need]
    worth_of = np.zeros(len(column_of), np.int64)
    worth_of[pairs.need[own]] = pairs.worth[own]
    taken = np.bincount(column_of[column_of != NOBODY], minlength=len(columns.room))
    price = np.zeros(len(columns.room), np.int64)
    wanted = np.flatnonzero((taken >= columns.room)[pairs.column] & ~own)
    if not len(wanted):
        return price
    wanted = wanted[np.argsort(pairs.column[wanted], kind="stable")]
    need, column, worth = pairs.need[wanted], pairs.column[wanted], pairs.worth[wanted]
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    dear = column[starts]
    for _ in range(len(price) + 1):
        gain = worth_of - np.where(column_of == NOBODY, 0, price[column_of])
        asked = np.maximum(price[dear], np.maximum.reduceat(worth - gain[need], starts))
        if (asked == price[dear]).all():
            break
        price[dear] = asked
    return price


def _least(columns: _Columns, price: Int, offerings: int) -> Int:
    """What the cheapest place of each offering costs; one without a place is beyond price."""
    least = np.full(offerings, BEYOND)
    has_room = columns.room > 0
    np.minimum.at(least, columns.offering[has_room], (price - columns.bonus)[has_room])
    return least


def _wanted(worths: Worths, found: Allocation) -> Int:
    """The pairs, the foremost of each need, that a need would rather have at these prices."""
    needs, offerings = worths.shape
    most = min(CANDIDATES, offerings)
    price, gain = _narrow(found.price - 1, found.gain, int(worths.max()))
    keys: list[Int] = []
    for start in range(0, needs, BLOCK):
        block = worths[start : start + BLOCK]
        over = np.subtract(block, price, dtype=price.dtype)
        some = np.flatnonzero(over.max(axis=1) > gain[start : start + len(block)])
        over = over[some] - gain[some + start, None]
        over[block[some] < 0] = 0
        best = np.argpartition(over, offerings - most, axis=1)[:, offerings - most :]
        wants = np.take_along_axis(over, best, axis=1) > 0
        keys.append(((some[:, None] + start) * offerings + best)[wants])
    return np.concatenate(keys)


def _narrow(price: Int, gain: Int, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both in 32 bits where they fit: half as many bytes, and the same answers.

    Worths up to ``most`` less either of them stay in 32 bits too.
    """
    bound = 2**29
    real = price[price < BEYOND - 1]
    if max(most, np.abs(real).max(initial=0), np.abs(gain).max(initial=0)) < bound:
        return np.minimum(price, bound).astype(np.int32), gain.astype(np.int32)
    return price, gain


def _answer(worths: Worths, places: Places, offering: Int, price: Int) -> Allocation:
    """The allocation with its sums; a need's gain is what its offering is worth over its price."""
    given = np.flatnonzero(offering != NOBODY)
    worth = worths[given, offering[given]].astype(np.int64)
    gain = np.zeros(len(offering), np.int64)
    gain[given] = worth + 1 - price[offering[given]]
    taken = np.bincount(offering[given], minlength=len(price))
    filled = int(np.minimum(taken, places.floor).sum())
    is_short = filled < int(places.floor.sum())
    shortfall = _shortfall(worths, places, offering, taken) if is_short else None
    return Allocation(offering, price, gain, int(worth.sum()), filled, shortfall)


def _shortfall(worths: Worths, places: Places, offering: Int, taken: Int) -> Shortfall:
    """The floors that ask for more needs than there are.

    From the unfilled ones on: whoever could fill one already fills another, which joins them.
    """
    short = taken < places.floor
    while True:
        eligible = (worths[:, short] >= 0).any(axis=1)
        joined = short.copy()
        joined[offering[eligible & (offering != NOBODY)]] = True
        if (joined == short).all():
            break
        short = joined
    return Shortfall(
        tuple(np.flatnonzero(short).tolist()), int(eligible.sum()), int(places.floor[short].sum())
    )
