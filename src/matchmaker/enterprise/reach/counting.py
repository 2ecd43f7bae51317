"""Counts of firms from which no firm can be told, however they are compared.

Firms whom the same agencies oversee form a parcel. A parcel of fewer than ``least`` firms is left
out; of the others every number is rounded down to a multiple of ``least``, and a cell is told only
where at least as many firms are outside it: else it would tell of everyone in the parcel. What an
agency is told is a sum over parcels, so whatever is made of the numbers of several agencies is made
of parcels again. From one count to the next a parcel changes by ``least`` firms, or not at all.
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Final, NamedTuple, TypeVar

F = TypeVar("F", bound=Hashable)
A = TypeVar("A", bound=Hashable)


class Dimension(enum.StrEnum):
    """What firms are counted by, one at a time: two at once would make cells of few."""

    REGION = "region"
    INDUSTRY = "industry"
    SCALE = "scale"
    STAGE = "stage"


class Traits(NamedTuple):
    """What of a firm is counted, and where it belongs."""

    place: str | None
    """As stated, six digits."""
    clusters: tuple[str, ...]
    region: str | None
    """Its prefecture, or its province."""
    industry: str | None
    """The division of its first industry."""
    scale: str | None
    stage: str | None
    programmes: tuple[str, ...] = ()
    """What it has joined, and who keeps that, by id; only what makes it somebody's business."""

    def of(self, dimension: Dimension) -> str | None:
        """Where the firm is counted."""
        value: str | None = getattr(self, dimension.value)
        return value


class Table(NamedTuple):
    """What one agency is told."""

    total: int
    cells: Mapping[Dimension, Mapping[str | None, int]]
    """Without the cells in which nothing is told."""


NOTHING: Final = Table(0, {})
Groups = Callable[[Traits], frozenset[A]]
"""The agencies that oversee a firm."""


def settled(
    before: Mapping[F, Traits], now: Mapping[F, Traits], groups: Groups[A], least: int
) -> dict[F, Traits]:
    """The firms as they are counted from now on: a parcel with few changes stays as it was.

    A firm that moves between parcels does so when both change.
    """
    touched = {
        firm: {groups(found) for found in (before.get(firm), now.get(firm)) if found is not None}
        for firm in before.keys() | now.keys()
        if before.get(firm) != now.get(firm)
    }
    while True:
        changes = Counter(parcel for parcels in touched.values() for parcel in parcels if parcel)
        few = {parcel for parcel, count in changes.items() if count < least}
        if not few:
            break
        touched = {firm: parcels for firm, parcels in touched.items() if not parcels & few}
    taken = {
        firm: now[firm] if firm in touched else kept
        for firm, kept in before.items()
        if firm in now or firm not in touched
    }
    return taken | {firm: now[firm] for firm in touched if firm in now}


def tables(firms: Mapping[F, Traits], groups: Groups[A], least: int) -> dict[A, Table]:
    """By agency what it is told of ``firms``."""
    parcels: defaultdict[frozenset[A], list[Traits]] = defaultdict(list)
    for traits in firms.values():
        parcels[groups(traits)].append(traits)
    found: defaultdict[A, list[Table]] = defaultdict(list)
    for agencies, within in parcels.items():
        for agency in agencies:
            found[agency].append(_table(within, least))
    return {agency: _sum(each) for agency, each in found.items()}


def _table(within: list[Traits], least: int) -> Table:
    cells = {
        dimension: {
            code: _rounded(count, least)
            for code, count in Counter(traits.of(dimension) for traits in within).items()
            if _is_told(dimension, count, len(within), least)
        }
        for dimension in Dimension
    }
    return Table(_rounded(len(within), least), cells)


def _is_told(dimension: Dimension, count: int, all_of_them: int, least: int) -> bool:
    """Whether a cell says too little of any firm in it; where one is, everybody may know."""
    return count >= least and (dimension is Dimension.REGION or all_of_them - count >= least)


def _rounded(count: int, least: int) -> int:
    return count - count % least


def _sum(found: list[Table]) -> Table:
    cells = {
        dimension: dict(sum((Counter(each.cells[dimension]) for each in found), Counter()))
        for dimension in Dimension
    }
    return Table(sum(each.total for each in found), cells)
