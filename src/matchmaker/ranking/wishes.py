"""Prices at which about as many needs wish for each offering as it can take (Sinkhorn).

They choose what `ranking.allocation` looks at first, and so how soon it is done: no sum depends on
them. A wish is worth less, the further an offering is behind the best of its need; those far behind
count only where prices are high.

M. Cuturi, Sinkhorn distances, NIPS 26 (2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matchmaker.ranking.columns import Int

    Asked = Callable[["Floats"], "Floats"]
    """How many needs wish for each offering, where each keeps this share of its wishes."""

ROUNDS: Final = 14
SOFTNESS: Final = 0.01
"""The share of the greatest worth within which choices blur."""
NEAR: Final = 16
"""Wishes this many times the softness behind the best of their need are left out at first."""
DEAR: Final = 1.5
"""Times as far: where any price is above it, what was left out counts."""
BLOCK: Final = 64
"""Needs looked at together: what is worked out for them stays in the processor's cache."""
LEAST: Final = np.float32(1e-30)
Worths = NDArray[np.int32]
Floats = NDArray[np.float32]


def approximate_prices(worths: Worths, capacity: Int) -> Floats:
    """A price for each offering; from the near wishes alone where they show what is scarce."""
    soft = np.float32(max(int(worths.max()), 1) * SOFTNESS)
    prices = _prices(_asked_by_near(worths, soft), capacity, soft)
    if prices[capacity > 0].max(initial=0) > DEAR * NEAR * soft:
        prices = _prices(_asked_by_all(worths, soft), capacity, soft)
    return prices


def _prices(asked: Asked, capacity: Int, soft: np.float32) -> Floats:
    keeps, room = np.ones(len(capacity), np.float32), capacity.astype(np.float32)
    for _ in range(ROUNDS):
        keeps = np.clip(room / np.maximum(asked(keeps), LEAST), LEAST, 1, dtype=np.float32)
    return -soft * np.log(keeps)


def _asked_by_near(worths: Worths, soft: np.float32) -> Asked:
    needs, offerings = worths.shape
    reach = np.int32(min(NEAR * float(soft), np.iinfo(np.int32).max))

    def near(start: int) -> tuple[Int, Int, Floats]:
        block = worths[start : start + BLOCK]
        best = block.max(axis=1)
        at = np.flatnonzero(block >= np.maximum(best - reach, 0)[:, None])
        need = at // offerings
        behind = (block.ravel()[at] - best[need]).astype(np.float32)
        return np.bincount(need, minlength=len(block)), at - need * offerings, np.exp(behind / soft)

    counts, offering, wish = map(
        np.concatenate, zip(*map(near, range(0, needs, BLOCK)), strict=True)
    )
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    # scipy's types do not say what a product is.
    wishes = cast("Any", csr_matrix((wish, offering, starts), shape=worths.shape))
    by_offering = wishes.T

    def asked(keeps: Floats) -> Floats:
        found: Floats = by_offering @ (1 / np.maximum(wishes @ keeps, LEAST))
        return found

    return asked


def _asked_by_all(worths: Worths, soft: np.float32) -> Asked:
    needs, offerings = worths.shape
    wish = np.empty((needs, offerings), np.float32)
    is_open = bool(worths.min() >= 0)

    def blocks() -> Iterator[tuple[Worths, Floats]]:
        for start in range(0, needs, BLOCK):
            yield worths[start : start + BLOCK], wish[start : start + BLOCK]

    for block, into in blocks():
        np.subtract(block, block.max(axis=1, keepdims=True), out=into, dtype=np.float32)
        np.multiply(into, 1 / soft, out=into)
        # Below it are numbers with fewer digits, which take many times as long.
        np.maximum(into, np.log(LEAST), out=into)
        np.exp(into, out=into)
        if not is_open:
            into[block < 0] = 0

    def asked(keeps: Floats) -> Floats:
        found = np.zeros(offerings, np.float32)
        for _, wishes in blocks():
            found += (1 / np.maximum(wishes @ keeps, LEAST)) @ wishes
        return found

    return asked
