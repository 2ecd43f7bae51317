"""The passes over rows that may be compiled; who compiled them puts them here, else numpy works.

Each gives the integers that numpy gives, to the last digit. `matchmaker.fast` has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.matrices import Card, Heard, Lines
    from matchmaker.ranking.planes import Planes
    from matchmaker.ranking.price import Bools, PriceColumn
    from matchmaker.ranking.tables import Sum
    from matchmaker.ranking.text import Sums, TextIndex


class Budget(NamedTuple):
    """What a need makes of a price: as `price.price_steps` takes it."""

    amount: int
    full: int
    even: int
    none: int


class Counted(NamedTuple):
    """What prices are read by: the place of the need's currency, and of each code of units.

    Minor units that its counts add, and whether a count of the profile is missing.
    """

    place: int
    adds: Int
    lacks: Bools


class PriceSteps(NamedTuple):
    """The steps of rows, where the provider did not state a price, and where a count is awaited."""

    steps: Int
    unstated: Bools
    waits: Bools


class Kernels(Protocol):
    """The compiled passes."""

    def add_effects(self, total: Sum, effects: Sum, codes: Codes | Int) -> None:
        """Add to ``total`` the effect of each code; the last one where a code is beyond it."""
        ...

    def add_common(self, sums: Sums, dense: NDArray[np.int32], rows: NDArray[np.int32]) -> None:
        """Add these ``rows`` of ``dense`` to ``sums``."""
        ...

    def text_steps(self, sums: Sums, times: int, width: int) -> Int:
        """``sums`` x ``times`` // ``width``, 1024 at the most; none of them is negative."""
        ...

    def best_keys(self, scores: Int, alive: Bools, unconfirmed: Bools, planes: Planes) -> Int:
        """Of each whole the greatest 2 x score + confirmed of its rows that are alive.

        `slate.UNSCORED` where none is.
        """
        ...

    def nth_greatest(self, keys: Int, count: int) -> int:
        """The ``count``-th greatest of ``keys``, of which there are as many; for small counts."""
        ...

    def price_steps(self, column: PriceColumn, counted: Counted, budget: Budget) -> PriceSteps:
        """The steps of all rows of ``column``."""
        ...

    def add_looked(self, total: Sum, table: Sum, codes: Codes) -> None:
        """Add to each row of ``total``, of shape (rows, needs), that of ``table`` with its code."""
        ...

    def add_prices(self, total: Sum, effects: Sum, card: Card, lines: Lines) -> None:
        """Add to ``total``, of shape (rows, needs), what the prices of ``card`` add.

        Nothing to rows that are held.
        """
        ...

    def add_texts(self, total: Sum, effects: Sum, index: TextIndex, heard: Heard) -> None:
        """Add to ``total``, of shape (offerings, needs), what the words of the needs add."""
        ...


class Switch:
    """Which kernels are used in this process: none until they are put on."""

    def __init__(self) -> None:
        """Off."""
        self.kernels: Kernels | None = None


SWITCH: Final = Switch()
