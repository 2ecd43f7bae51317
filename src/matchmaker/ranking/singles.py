"""Steps of the features that read no set.

Scene fit, price, stage, weeks, cases, acceptance, freshness.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from matchmaker.ranking.columns import Int, ValueColumn
from matchmaker.ranking.facts import GROUP
from matchmaker.ranking.index import (
    UNCOVERED,
    UNSTATED,
    CasesColumn,
    Index,
    LevelsColumn,
    level_bounds,
)
from matchmaker.ranking.price import Prices, price_steps
from matchmaker.ranking.steps import FULL, Level, Steps, first_unknown
from matchmaker.rules import Span

if TYPE_CHECKING:
    from matchmaker.ranking.card import CardFeature, Grid
    from matchmaker.ranking.query import Query


def scene_fit(query: Query, column: LevelsColumn, grid: Grid) -> Steps:
    """Mean over the asked scenes of how the package's levels meet the firm's present level."""
    total = np.zeros(len(column.grid), np.int64)
    unstated = np.zeros(len(column.grid), np.bool_)
    for scene in query.scenes:
        values = column.grid[:, column.scenes.index(scene)]
        points = _level_points(query.levels.get(scene), grid)
        total += points[values]
        unstated |= values == UNSTATED
    table = total * FULL // (1000 * len(query.scenes))
    unstated &= table == 0
    unstated[0] = True
    return Steps(Level.ROW, table, unstated, column.codes)


def _level_points(present: int | None, grid: Grid) -> Int:
    """Thousandths for every value of the levels grid, given the firm's present level."""
    points = np.zeros(2 + 5 * 5, np.int64)
    points[UNCOVERED] = points[UNSTATED] = 0
    for value in range(2, len(points)):
        lowest, highest = level_bounds(value)
        if present is None:
            points[value] = grid["level_unknown"]
        elif present < lowest:
            points[value] = grid["too_early"]
        elif present < highest:
            points[value] = grid["rises"]
        else:
            points[value] = grid["already_there"]
    return points


def price(query: Query, index: Index, prices: Prices, feature: CardFeature) -> Steps:
    """First-year price against the budget; unknown prices at 0.

    A row that waits for a count of the profile stands at the reference (a fact the firm did not
    give is not held against the provider), unless another package of the offering has no price
    stated in this currency (docs/adr/0010).
    """
    grid = feature.grid
    steps = price_steps(
        prices.first_year,
        query.budget or 0,
        full=grid["full"],
        even=grid["even"],
        none=grid["none"],
    )
    steps[~prices.known] = 0
    unstated = ~prices.known & ~prices.waits
    if prices.waits.any():
        hides = np.logical_or.reduceat(unstated, index.row_start[:-1])
        steps[prices.waits & ~hides[index.offering_of_row]] = feature.reference
    return Steps(Level.ROW, steps, unstated)


def stage(query: Query, index: Index, grid: Grid) -> Steps:
    """Whether the firm's stage lies inside the package's from-to, or one off."""
    column = index.stages
    firm = query.stage or 0

    def points(bounds: Span) -> int:
        off = max(bounds.low - firm, firm - bounds.high, 0)
        return grid["inside"] if off == 0 else grid["one_off"] if off == 1 else 0

    table = np.array(
        [points(value) if isinstance(value, Span) else 0 for value in column.values], np.int64
    )
    return Steps(Level.ROW, table * FULL // 1000, first_unknown(len(table)), column.codes)


def weeks(query: Query, index: Index, grid: Grid) -> Steps:
    """Whether the upper end of the weeks fits before ``ready_by``.

    Straight to 0 at the card's multiple.
    """
    column = index.rows["weeks"]
    if not isinstance(column, ValueColumn):
        raise TypeError("weeks are no column of values")
    left = 0 if query.ready_by is None else (query.ready_by - query.today).days // 7

    def step(bounds: Span) -> int:
        upper = int(bounds.high)
        if left <= 0:
            return 0
        if upper <= left:
            return FULL
        last = grid["none"] * left
        return max(0, FULL * (last - 1000 * upper) // (last - 1000 * left))

    table = np.array(
        [step(value) if isinstance(value, Span) else 0 for value in column.values], np.int64
    )
    return Steps(Level.ROW, table, first_unknown(len(table)), column.codes)


def cases(query: Query, column: CasesColumn, grid: Grid) -> Steps:
    """Verified cases in the firm's group and an asked scene, smoothed.

    Newcomers stand at the reference.
    """
    groups = {industry[:GROUP] for industry in query.industries if len(industry) >= GROUP}
    asked = sum(1 << i for i, scene in enumerate(column.scenes) if scene in query.scenes)
    in_group = np.array([group in groups for group in column.groups], np.bool_)
    number = np.zeros(len(column.start) - 1, np.int64)
    if len(number) > 1:
        hits = in_group[column.group] & ((column.bits & asked) != 0)
        number[1:] = np.add.reduceat(hits.astype(np.int64), column.start[1:-1])
    table = FULL * (number + grid["prior_cases"]) // (number + grid["prior_trials"])
    return Steps(Level.OFFERING, table, np.zeros(len(table), np.bool_), column.codes)


def acceptance(column: ValueColumn, grid: Grid) -> Steps:
    """Share of projects accepted on time, smoothed."""
    records = [value if isinstance(value, Span) else Span(0, 0) for value in column.values]
    table = np.array(
        [
            FULL * (r.low + grid["prior_accepted"]) // (r.high + grid["prior_projects"])
            for r in records
        ],
        np.int64,
    )
    return Steps(Level.OFFERING, table, np.zeros(len(table), np.bool_), column.codes)


def freshness(query: Query, column: ValueColumn, grid: Grid) -> Steps:
    """How lately the provider attested the facts, in whole days."""
    full, none = grid["full_days"], grid["none_days"]

    def step(attested: dt.date) -> int:
        age = (query.today - attested).days
        return FULL if age <= full else max(0, FULL * (none - age) // (none - full))

    table = np.array(
        [step(value) if isinstance(value, dt.date) else 0 for value in column.values], np.int64
    )
    return Steps(Level.OFFERING, table, first_unknown(len(table)), column.codes)
