"""Steps of the features that read no set.

Scene fit, price, stage, weeks, cases, acceptance, freshness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.columns import Int, ValueColumn
from matchmaker.ranking.compiled import SWITCH, Budget
from matchmaker.ranking.facts import GROUP
from matchmaker.ranking.index import (
    LEVELS,
    MOST_LEVEL,
    UNSTATED,
    CasesColumn,
    Columns,
    LevelsColumn,
    level_bounds,
)
from matchmaker.ranking.price import counted, stepped
from matchmaker.ranking.steps import FULL, Level, Steps, first_unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.card import CardFeature, Grid
    from matchmaker.ranking.query import Query


_UNKNOWN, _EARLY, _RISES, _THERE = range(2, 6)
"""How a stated value of the levels grid meets a firm's present level; values below are others."""


def _meets(present: int | None, value: int) -> int:
    if value <= UNSTATED:
        return value
    lowest, highest = level_bounds(value)
    if present is None:
        return _UNKNOWN
    if present < lowest:
        return _EARLY
    return _RISES if present < highest else _THERE


_MEETS: Final = {
    present: np.array([_meets(present, value) for value in range(MOST_LEVEL + 1)])
    for present in (None, *range(LEVELS))
}
"""By present level, of every value of the levels grid."""


def scene_fit(query: Query, column: LevelsColumn, grid: Grid) -> Steps:
    """Mean over the asked scenes of how the package's levels meet the firm's present level."""
    table = np.zeros(column.grid.shape[1], np.int64)
    unstated = np.zeros(len(table), np.bool_)
    for scene in query.scenes:
        values: NDArray[np.uint8] = column.grid[column.scenes.index(scene)]
        # Values are in range by the index: clip only spares take a copy for its errors.
        table += meeting_points(query.levels.get(scene), grid).take(values, mode="clip")
        unstated |= values == UNSTATED
    table *= FULL
    table //= 1000 * len(query.scenes)
    unstated &= table == 0
    unstated[0] = True
    return Steps(Level.ROW, table, unstated, column.codes)


def meeting_points(present: int | None, grid: Grid) -> Int:
    """The thousandths of every value of the levels grid where the firm stands at ``present``."""
    points = np.array(
        [0, 0, *(grid[name] for name in ("level_unknown", "too_early", "rises", "already_there"))]
    )
    return points.take(_MEETS[present])


def price(query: Query, columns: Columns, feature: CardFeature) -> Steps:
    """First-year price against the budget; unknown prices at 0.

    A row that waits for a count of the profile stands at the reference (a fact the firm did not
    give is not held against the provider), unless another package of the offering has no price
    stated in this currency (docs/adr/0010).
    """
    grid, planes = feature.grid, columns.planes
    budget = Budget(query.budget or 0, grid["full"], grid["even"], grid["none"])
    read = SWITCH.kernels.price_steps if SWITCH.kernels and budget.amount > 0 else stepped
    found = read(columns.price, counted(columns.price, query.currency, query.counts), budget)
    steps, unstated, waits = found
    if waits.any():
        hides = planes.fold(np.logical_or, unstated)
        steps[waits & ~planes.spread(hides)] = feature.reference
    return Steps(Level.ROW, steps, unstated)


def stage(query: Query, columns: Columns, grid: Grid) -> Steps:
    """Whether the firm's stage lies inside the package's from-to, or one off."""
    column, firm = columns.stages, query.stage or 0
    low, high = column.bounds
    points = np.array([grid["inside"], grid["one_off"], 0])
    off = np.maximum(np.maximum(low - firm, firm - high), 0)
    return _of_values(Level.ROW, points.take(off, mode="clip") * FULL // 1000, column)


def weeks(query: Query, columns: Columns, grid: Grid) -> Steps:
    """Whether the upper end of the weeks fits before ``ready_by``.

    Straight to 0 at the card's multiple.
    """
    column = columns.rows["weeks"]
    if not isinstance(column, ValueColumn):
        raise TypeError("weeks are no column of values")
    left = 0 if query.ready_by is None else (query.ready_by - query.today).days // 7
    upper = column.bounds[1]
    if left <= 0:
        return _of_values(Level.ROW, np.zeros_like(upper), column)
    last = grid["none"] * left
    return _of_values(Level.ROW, FULL * (last - 1000 * upper) // (last - 1000 * left), column)


def cases(query: Query, column: CasesColumn, grid: Grid) -> Steps:
    """Verified cases in the firm's group and an asked scene, smoothed.

    Newcomers stand at the reference.
    """
    groups = {industry[:GROUP] for industry in query.industries if len(industry) >= GROUP}
    asked = sum(1 << i for i, scene in enumerate(column.scenes) if scene in query.scenes)
    number = np.zeros(column.lists, np.int64)
    for place in (column.groups.index(group) for group in groups if group in column.groups):
        here = slice(int(column.start[place]), int(column.start[place + 1]))
        np.add.at(number, column.of[here][column.bits[here] & asked != 0], 1)
    # A division is slow, and few numbers are different.
    table = case_steps(int(number.max(initial=0)), grid).take(number)
    return Steps(Level.OFFERING, table, np.zeros(len(table), np.bool_), column.codes)


def case_steps(most: int, grid: Grid) -> Int:
    """The steps of so many cases, from none to the ``most``."""
    counts = np.arange(most + 1)
    return FULL * (counts + grid["prior_cases"]) // (counts + grid["prior_trials"])


def acceptance(column: ValueColumn, grid: Grid) -> Steps:
    """Share of projects accepted on time, smoothed; no record counts as no project."""
    accepted, projects = np.maximum(column.bounds, 0)
    table = FULL * (accepted + grid["prior_accepted"]) // (projects + grid["prior_projects"])
    return Steps(Level.OFFERING, table, np.zeros(len(table), np.bool_), column.codes)


def freshness(query: Query, column: ValueColumn, grid: Grid) -> Steps:
    """How lately the provider attested the facts, in whole days."""
    full, none = grid["full_days"], grid["none_days"]
    age = query.today.toordinal() - column.bounds[0]
    return _of_values(Level.OFFERING, FULL * (none - age) // (none - full), column)


def _of_values(level: Level, table: Int, column: ValueColumn) -> Steps:
    """The steps of the values of ``column``, none for the unknown."""
    steps = np.minimum(np.maximum(table, 0), FULL)
    steps[0] = 0
    return Steps(level, steps, first_unknown(len(steps)), column.codes)
