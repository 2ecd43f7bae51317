"""Steps of the features that read a set.

Category, industry, scale, region. The best pair counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.columns import SetColumn
from matchmaker.ranking.facts import ALL
from matchmaker.ranking.steps import Level, Steps, first_unknown, of_thousandths

if TYPE_CHECKING:
    from collections.abc import Callable

    from matchmaker.ranking.card import Card, Grid
    from matchmaker.ranking.index import Index
    from matchmaker.ranking.query import Query

_PREFIX: Final = {1: "section", 3: "division", 4: "group", 5: "class"}
"""Length of a GB/T 4754 code with its letter -> level."""


def category(query: Query, index: Index, card: Card) -> Steps:
    """Same category, same family, or nothing: the best pair of asked and offered."""
    grid, families = card.features["category"].grid, card.vocabulary.families
    asked = set(query.categories)
    asked_families = {families[code] for code in asked if code in families}

    def points(code: str) -> int:
        if code in asked:
            return grid["same"]
        return grid["family"] if families.get(code) in asked_families else 0

    return _best(_set(index, "categories"), points, Level.OFFERING)


def industry(query: Query, index: Index, grid: Grid) -> Steps:
    """How near the offering's industries come to the firm's in GB/T 4754."""

    def points(code: str) -> int:
        return max(_near(code, firm, grid) for firm in query.industries)

    return _best(_set(index, "industries"), points, Level.OFFERING)


def _near(offered: str, firm: str, grid: Grid) -> int:
    if offered == ALL:
        return grid["all"]
    if firm.startswith(offered):
        return grid[_PREFIX[len(offered)]]
    for length in (4, 3, 1):
        if len(offered) >= length and offered[:length] == firm[:length] and len(firm) >= length:
            return grid[f"shares_{_PREFIX[length]}"]
    return 0


def scale(query: Query, index: Index, card: Card) -> Steps:
    """Whether the package is made for firms of this scale, or for its neighbours."""
    grid, scales = card.features["scale"].grid, card.vocabulary.scales
    rank = query.scale or 0

    def points(code: str) -> int:
        if code == ALL:
            return grid["inside"]
        off = abs(scales.index(code) - rank)
        return grid["inside"] if off == 0 else grid["one_off"] if off == 1 else 0

    column = index.rows["scales"]
    return _best(_as_set(column), points, Level.ROW)


def region(query: Query, index: Index, grid: Grid) -> Steps:
    """Whether the offering names the firm's prefecture or province (GB/T 2260).

    A county counts as its prefecture.
    """
    firm = query.region or ""
    prefecture, province = f"{firm[:4]}00", f"{firm[:2]}0000"

    def points(code: str) -> int:
        if code == ALL:
            return grid["all"]
        if code == province:
            return grid["province"]
        return grid["prefecture"] if code == prefecture else 0

    return _best(_set(index, "regions"), points, Level.OFFERING)


def _set(index: Index, name: str) -> SetColumn:
    return _as_set(index.declared[name])


def _as_set(column: object) -> SetColumn:
    if not isinstance(column, SetColumn):
        raise TypeError(f"{column!r} is not a column of sets")
    return column


def _best(column: SetColumn, points: Callable[[str], int], level: Level) -> Steps:
    of_element = np.fromiter((points(name) for name in column.names), np.int64, len(column.names))
    table = of_thousandths(column.greatest(of_element, 0))
    return Steps(level, table, first_unknown(len(table)), column.codes)
