"""What the published index can do for a firm: offerings, prices and weeks by step of a scene.

No SQL: a step is a question to the column of levels, asked once per distinct value.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matchmaker.ranking.columns import SetColumn, ValueColumn
from matchmaker.ranking.facts import ALL
from matchmaker.ranking.index import MOST_LEVEL, level_bounds, level_code
from matchmaker.ranking.price import UNPRICED, prices

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.index import Index

    Bools = NDArray[np.bool_]


class Span(NamedTuple):
    """A scene raised from a level to a higher one by one package."""

    scene: str
    start: int
    end: int


class Supply(NamedTuple):
    """What the pool has for a step; prices are of the first 12 months, None where none is known."""

    offerings: int
    cheapest: int | None
    upper: int | None
    weeks: tuple[int, int] | None
    """From the shortest to the longest of the cheaper half, as stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """What of a firm decides which packages are for it, and what they cost."""

    scale: str | None
    currency: str
    counts: Mapping[str, int | None]


def supply(
    index: Index,
    spans: Iterable[Span],
    firm: Firm,
    *,
    kind: str,
    today: dt.date,
    quantile: int,
) -> dict[Span, Supply]:
    """What there is for each of ``spans``: public, valid, of the kind and for the firm's scale.

    A package does a step when its stated levels of the scene begin at its start or below and end
    at its end or above; one without stated levels is not counted on.
    """
    rows = np.flatnonzero(_rows(index, firm, kind, today))
    stock = _Stock(index, rows, firm)
    by_scene: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_scene[span.scene].append(span)
    found: dict[Span, Supply] = {}
    for place, scene in enumerate(index.levels.scenes):
        values = index.levels.grid[place].take(index.levels.codes[rows])
        # Most packages do not touch the scene: each step looks at those alone that do.
        touching = np.flatnonzero(values >= level_code(0, 0))
        stated = values[touching]
        for span in by_scene[scene]:
            found[span] = stock.of(touching[_does(span).take(stated)], quantile)
    return found


class _Stock:
    """What is known of the rows that are for the firm, each at its place among them."""

    def __init__(self, index: Index, rows: NDArray[np.int64], firm: Firm) -> None:
        wholes = index.planes.spread(np.arange(index.offerings, dtype=np.int32))
        self._wholes, self._offerings = wholes[rows], index.offerings
        found = prices(index.price, firm.currency, firm.counts)
        self._price = found.first_year[rows]
        column = index.rows["weeks"]
        bounds = column.bounds if isinstance(column, ValueColumn) else None
        self._weeks = None if bounds is None else bounds[:, column.codes[rows]]

    def of(self, can: NDArray[np.int64], quantile: int) -> Supply:
        """What the packages at these places have to offer."""
        one_each = np.zeros(self._offerings, np.bool_)
        one_each[self._wholes[can]] = True
        price = self._price[can]
        known = price[price < UNPRICED]
        place = (len(known) - 1) * quantile // 100
        return Supply(
            offerings=int(np.count_nonzero(one_each)),
            cheapest=int(known.min()) if len(known) else None,
            upper=int(np.partition(known, place)[place]) if len(known) else None,
            weeks=None if self._weeks is None else _weeks(self._weeks[:, can]),
        )


def courses_in(index: Index, today: dt.date) -> Callable[[Sequence[str]], int]:
    """Counts the published talent offerings that teach or bring along one of some skills."""
    offerings = _offerings(index, "talent", today)
    column = index.declared.get("skills")

    def count(skills: Sequence[str]) -> int:
        if not isinstance(column, SetColumn) or not skills:
            return 0
        wanted = frozenset(skills)
        codes = range(column.planes.wholes + 1)
        taught = np.array([bool(wanted & _set(column, code)) for code in codes])
        return int(np.count_nonzero(offerings & taught[column.codes]))

    return count


def _offerings(index: Index, kind: str, today: dt.date) -> Bools:
    """Which offerings are of the kind, public, and valid today."""
    kinds = np.array([value == kind for value in index.kind.values])
    offerings: Bools = kinds[index.kind.codes] & index.public
    offerings &= (index.valid_from <= today.toordinal()) & (index.valid_to >= today.toordinal())
    return offerings


def _rows(index: Index, firm: Firm, kind: str, today: dt.date) -> Bools:
    rows = index.planes.spread(_offerings(index, kind, today)).copy()
    scales = index.rows["scales"]
    if firm.scale is not None and isinstance(scales, SetColumn):
        for_it = [
            firm.scale in (fact := _set(scales, code)) or ALL in fact or not fact
            for code in range(scales.planes.wholes + 1)
        ]
        rows &= np.array(for_it)[scales.codes]
    return rows


def _set(column: SetColumn, code: int) -> frozenset[str]:
    fact = column.fact(code)
    return fact if isinstance(fact, frozenset) else frozenset()


def _does(span: Span) -> Bools:
    """By grid value of levels whether it does the step."""
    does = np.zeros(MOST_LEVEL + 1, np.bool_)
    for value in range(level_code(0, 0), len(does)):
        lowest, highest = level_bounds(value)
        does[value] = lowest <= span.start and highest >= span.end
    return does


def _weeks(bounds: NDArray[np.int64]) -> tuple[int, int] | None:
    stated = bounds[:, bounds[1] >= 0]
    if not stated.shape[1]:
        return None
    middle = (stated.shape[1] - 1) // 2
    return int(stated[0].min()), int(np.partition(stated[1], middle)[middle])
