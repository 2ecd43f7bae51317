"""Whether an allocation is what it says it is, worked out without solving anything.

By linear duality: prices of the offerings, and gains of the needs that no pair exceeds, bound every
allocation's sum; one that reaches its bound is the best. All of it in integers, so "reaches" is
"equals".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matchmaker.ranking.allocation import NOBODY
from matchmaker.ranking.wishes import BLOCK

if TYPE_CHECKING:
    from matchmaker.ranking.allocation import Allocation, Places
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.wishes import Worths


def fault_of(worths: Worths, places: Places, found: Allocation) -> str | None:
    """What is wrong with ``found``; None where it is allowed and proven the best.

    Where floors cannot all be met: that no allocation fills more places of floors, and that none
    with these places filled has a greater sum.
    """
    given = np.flatnonzero(found.offering != NOBODY)
    if (worths[given, found.offering[given]] < 0).any():
        return "a need is given what it may not have"
    taken = np.bincount(found.offering[given], minlength=len(places.capacity))
    if (taken > places.capacity).any():
        return "an offering is given to more needs than it can take"
    return _wrong_floors(worths, places, found, taken) or _not_best(worths, places, found, taken)


def _wrong_floors(worths: Worths, places: Places, found: Allocation, taken: Int) -> str | None:
    filled, asked = int(np.minimum(taken, places.floor).sum()), int(places.floor.sum())
    if filled != found.filled:
        return "the filled places of floors are miscounted"
    short = found.shortfall
    if short is None:
        return None if filled == asked else "a floor is not met and nothing says why"
    offerings = list(short.offerings)
    eligible = int((worths[:, offerings] >= 0).any(axis=1).sum())
    if (eligible, int(places.floor[offerings].sum())) != (short.eligible, short.asked):
        return "the shortfall is miscounted"
    if filled != asked - short.asked + short.eligible:
        return "more places of floors could be filled"
    return None


def _not_best(worths: Worths, places: Places, found: Allocation, taken: Int) -> str | None:
    """A worth counts from 1 here: to be given something worth nothing beats nothing."""
    if (found.gain < 0).any():
        return "a need would rather have nothing"
    for start in range(0, len(worths), BLOCK):
        block = worths[start : start + BLOCK]
        over = block + 1 - found.price - found.gain[start : start + len(block), None]
        if (over[block >= 0] > 0).any():
            return "a need would rather have another offering at its price"
    floor = np.minimum(places.floor, taken)
    held = np.where(found.price > 0, places.capacity, floor)
    bound = sum(found.gain.tolist()) + sum(
        price * count for price, count in zip(found.price.tolist(), held.tolist(), strict=True)
    )
    if found.total + int((found.offering != NOBODY).sum()) != bound:
        return "the sum is not the bound that the prices prove"
    return None
