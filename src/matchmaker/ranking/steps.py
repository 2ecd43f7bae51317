"""Steps of one feature: over the codes of its column, or for each offering or row."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.planes import Planes

FULL: Final = 1024


class Level(enum.Enum):
    """Whether codes or steps stand per offering or per row."""

    OFFERING = "offering"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps 0..1024 in ``table``; ``unstated``, of the same shape, where the provider did not say.

    With ``codes`` the table is over codes, without it over offerings or rows themselves.
    """

    level: Level
    table: Int
    unstated: NDArray[np.bool_]
    codes: Codes | None = None

    def by_row(self, values: Int, planes: Planes) -> Int:
        """``values``, one for each entry of the table, spread over the rows."""
        spread = values if self.codes is None else values.take(self.codes)
        return spread if self.level is Level.ROW else planes.spread(spread)

    def place(self, row: int, offering: int) -> int:
        """The entry of the table that speaks for ``row`` of ``offering``."""
        place = row if self.level is Level.ROW else offering
        return place if self.codes is None else self.codes.item(place)


def of_thousandths(points: Int) -> Int:
    """floor(1024 x) of sub-scores x given in thousandths."""
    return points * FULL // 1000


def first_unknown(codes: int) -> NDArray[np.bool_]:
    """Of shape (codes,): true for code 0 only."""
    unstated = np.zeros(codes, np.bool_)
    unstated[0] = True
    return unstated
