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


class Bundle(NamedTuple):
    """A package that raises several scenes: its price, and from where to where it takes each."""

    price: int
    spans: tuple[Span, ...]

    def covers(self, other: Bundle) -> bool:
        """Whether it does all that the other does."""
        own = {span.scene: span for span in self.spans}
        return all(
            span.scene in own
            and own[span.scene].start <= span.start
            and own[span.scene].end >= span.end
            for span in other.spans
        )


class Stock:
    """What is public, valid, of the kind and for the firm's scale, each row at its place."""

    def __init__(self, index: Index, firm: Firm, *, kind: str, today: dt.date) -> None:
        """Gather the rows of the published index that are for the firm."""
        rows = np.flatnonzero(_rows(index, firm, kind, today))
        wholes = index.planes.spread(np.arange(index.offerings, dtype=np.int32))
        self._wholes, self._offerings = wholes[rows], index.offerings
        self._levels, self._codes = index.levels, index.levels.codes[rows]
        found = prices(index.price, firm.currency, firm.counts)
        self._price = found.first_year[rows]
        column = index.rows["weeks"]
        bounds = column.bounds if isinstance(column, ValueColumn) else None
        self._weeks = None if bounds is None else bounds[:, column.codes[rows]]

    def supply(self, spans: Iterable[Span], quantile: int) -> dict[Span, Supply]:
        """What there is for each of ``spans``.

        A package does a step when its stated levels of the scene begin at its start or below and
        end at its end or above; one without stated levels is not counted on.
        """
        by_scene: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            by_scene[span.scene].append(span)
        found: dict[Span, Supply] = {}
        for place, scene in enumerate(self._levels.scenes):
            values = self._levels.grid[place].take(self._codes)
            # Most packages do not touch the scene: each step looks at those alone that do.
            touching = np.flatnonzero(values >= level_code(0, 0))
            stated = values[touching]
            for span in by_scene[scene]:
                found[span] = self._of(touching[_does(span).take(stated)], quantile)
        return found

    def bundles(
        self, levels: Mapping[str, int], top: int, alone: Mapping[Span, int], most: int
    ) -> list[Bundle]:
        """Up to ``most`` packages that raise two scenes or more for less than ``alone`` would cost.

        From the present ``levels`` up to ``top``; those that save most come first, and none that
        another does at the same price or a lower one.
        """
        grid = self._levels.grid
        best = np.full(grid.shape[1], UNPRICED, np.int64)
        np.minimum.at(best, self._codes, self._price)
        worth, raised = np.zeros_like(best), np.zeros_like(best)
        for place, scene in enumerate(self._levels.scenes):
            values = _worths(scene, levels[scene], top, alone)[grid[place]]
            worth, raised = worth + values, raised + (values > 0)
        found = [
            (int(best[code] - worth[code]), Bundle(int(best[code]), self._spans(code, levels, top)))
            for code in np.flatnonzero((best < UNPRICED) & (raised > 1) & (worth > best))
        ]
        kept: list[Bundle] = []
        for _, bundle in sorted(found):
            if len(kept) < most and not any(
                each.price <= bundle.price and each.covers(bundle) for each in kept
            ):
                kept.append(bundle)
        return kept

    def _spans(self, code: np.intp, levels: Mapping[str, int], top: int) -> tuple[Span, ...]:
        each = (
            _within(scene, int(self._levels.grid[place, code]), levels[scene], top)
            for place, scene in enumerate(self._levels.scenes)
        )
        return tuple(span for span in each if span is not None)

    def _of(self, can: NDArray[np.int64], quantile: int) -> Supply:
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


def _within(scene: str, value: int, now: int, top: int) -> Span | None:
    """The step that levels of this grid value do of what is asked; None where they do none."""
    if value < level_code(0, 0):
        return None
    lowest, highest = level_bounds(value)
    start, end = max(lowest, now), min(highest, top)
    return Span(scene, start, end) if start < end else None


def _worths(scene: str, now: int, top: int, alone: Mapping[Span, int]) -> NDArray[np.int64]:
    """By grid value of levels what their step of the scene costs alone; 0 where they do none."""
    steps = [_within(scene, value, now, top) for value in range(MOST_LEVEL + 1)]
    return np.array([0 if step is None else alone.get(step, 0) for step in steps], np.int64)


def _weeks(bounds: NDArray[np.int64]) -> tuple[int, int] | None:
    stated = bounds[:, bounds[1] >= 0]
    if not stated.shape[1]:
        return None
    middle = (stated.shape[1] - 1) // 2
    return int(stated[0].min()), int(np.partition(stated[1], middle)[middle])
