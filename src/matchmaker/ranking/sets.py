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
    from matchmaker.ranking.card import Card, Grid
    from matchmaker.ranking.columns import Column, Int
    from matchmaker.ranking.index import Columns
    from matchmaker.ranking.query import Query

_PREFIX: Final = {1: "section", 3: "division", 4: "group", 5: "class"}
"""Length of a GB/T 4754 code with its letter -> level."""


def category(query: Query, columns: Columns, card: Card) -> Steps:
    """Same category, same family, or nothing: the best pair of asked and offered."""
    grid, families = card.features["category"].grid, card.vocabulary.families
    column = _as_set(columns.declared["categories"])
    asked = {families[code] for code in query.categories if code in families}
    akin = [families.get(name) in asked for name in column.names]
    points = np.where(akin, grid["family"], 0)
    for code in query.categories:
        _put(points, column, code, grid["same"])
    return _best(column, points, Level.OFFERING)


def industry(query: Query, columns: Columns, grid: Grid) -> Steps:
    """How near the offering's industries come to the firm's in GB/T 4754."""
    column = _as_set(columns.declared["industries"])
    nearest = np.zeros(len(column.names), np.int64)
    for firm in query.industries:
        np.maximum(nearest, _near(column, firm, grid), out=nearest)
    return _best(column, nearest, Level.OFFERING)


def _near(column: SetColumn, firm: str, grid: Grid) -> Int:
    """Points of each industry on offer: its deepest level shared with ``firm``, or itself wider."""
    points = np.zeros(len(column.names), np.int64)
    for length in (1, 3, 4):
        if len(firm) >= length:
            points[column.within(firm[:length])] = grid[f"shares_{_PREFIX[length]}"]
    for length, level in _PREFIX.items():
        if len(firm) >= length:
            _put(points, column, firm[:length], grid[level])
    _put(points, column, ALL, grid["all"])
    return points


def scale(query: Query, columns: Columns, card: Card) -> Steps:
    """Whether the package is made for firms of this scale, or for its neighbours."""
    grid, scales = card.features["scale"].grid, card.vocabulary.scales
    column, rank = _as_set(columns.rows["scales"]), query.scale or 0
    points = np.zeros(len(column.names), np.int64)
    for other, code in enumerate(scales):
        if abs(other - rank) <= 1:
            _put(points, column, code, grid["inside" if other == rank else "one_off"])
    _put(points, column, ALL, grid["inside"])
    return _best(column, points, Level.ROW)


def region(query: Query, columns: Columns, grid: Grid) -> Steps:
    """Whether the offering names the firm's prefecture or province (GB/T 2260).

    A county counts as its prefecture.
    """
    column, firm = _as_set(columns.declared["regions"]), query.region or ""
    points = np.zeros(len(column.names), np.int64)
    _put(points, column, f"{firm[:4]}00", grid["prefecture"])
    _put(points, column, f"{firm[:2]}0000", grid["province"])
    _put(points, column, ALL, grid["all"])
    return _best(column, points, Level.OFFERING)


def _put(points: Int, column: SetColumn, code: str, value: int) -> None:
    """Give ``code`` its points, if anybody offers it."""
    place = column.place.get(code)
    if place is not None:
        points[place] = value


def _as_set(column: Column) -> SetColumn:
    if not isinstance(column, SetColumn):
        raise TypeError(f"{column!r} is not a column of sets")
    return column


def _best(column: SetColumn, points: Int, level: Level) -> Steps:
    table = column.greatest(of_thousandths(points))
    return Steps(level, table, first_unknown(len(table)), column.codes)
