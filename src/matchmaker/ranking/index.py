"""The index: published offerings as immutable columns, one row per package (scoring.md 3 and 5)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from matchmaker.ranking.columns import Column, Int, SetColumn, ValueColumn, in_order
from matchmaker.ranking.lines import line_of
from matchmaker.ranking.texts import CodedTexts, FixedTexts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Codes
    from matchmaker.ranking.facts import OfferingFacts
    from matchmaker.ranking.planes import Planes
    from matchmaker.ranking.price import PriceColumn
    from matchmaker.ranking.text import TextIndex, TextStatistics, TextWeights
    from matchmaker.ranking.vocabulary import Vocabulary
    from matchmaker.rules import Fact, Rule

UNCOVERED: Final = 0
UNSTATED: Final = 1
LEVELS: Final = 5
MOST_LEVEL: Final = 2 + LEVELS * LEVELS - 1
"""The greatest grid value of stated levels."""
_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class LevelsColumn:
    """Levels per scene: ``grid[scene, code]`` is UNCOVERED, UNSTATED or 2 + 5 x from + to.

    Code 0 = unknown.
    """

    codes: Codes
    scenes: tuple[str, ...]
    grid: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CasesColumn:
    """Verified cases, group by group: those of ``groups[g]`` are ``start[g]`` to ``start[g + 1]``.

    Each belongs to the list ``of`` (a code) and has a bit for each of its scenes in ``bits``;
    ``lists`` is the number of codes, code 0 = no case.
    """

    codes: Codes
    groups: tuple[str, ...]
    scenes: tuple[str, ...]
    lists: int
    start: Int
    of: Int
    bits: Int


@dataclass(frozen=True, slots=True)
class MustsColumn:
    """Provider musts: ``trees[code]`` as top-level conjuncts; code 0 = none."""

    codes: Codes
    trees: tuple[tuple[Rule, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Columns:
    """What rules and features read of offerings and their rows.

    ``declared`` are columns over offerings, ``rows`` columns over rows, each by the name a rule
    uses after ``offering.`` or ``package.``; ``planes`` say where the rows of an offering stand.
    """

    planes: Planes
    declared: Mapping[str, Column]
    rows: Mapping[str, Column]
    stages: ValueColumn
    levels: LevelsColumn
    cases: CasesColumn
    record: ValueColumn
    attested: ValueColumn
    price: PriceColumn
    text: TextIndex

    def at(self, places: Int) -> Part:
        """The columns of the offerings at these ``places`` (ascending) alone."""
        planes, rows = self.planes.at(places)
        chosen = Columns(
            planes=planes,
            declared=_Chosen(self.declared, places),
            rows=_Chosen(self.rows, rows),
            stages=in_order(self.stages, rows),
            levels=in_order(self.levels, rows),
            cases=in_order(self.cases, places),
            record=in_order(self.record, places),
            attested=in_order(self.attested, places),
            price=self.price.at(rows),
            text=self.text.at(places),
        )
        return Part(chosen, places, rows)


@dataclass(frozen=True, slots=True)
class Part:
    """Some offerings of an index as columns of their own; without ``places`` it is all of them.

    ``places`` and ``rows`` say where its offerings and its rows stand in the index.
    """

    columns: Columns
    places: Int | None = None
    rows: Int | None = None

    def of_rows(self, whole: NDArray[_N]) -> NDArray[_N]:
        """What stands in ``whole`` for the rows of the part."""
        return whole if self.rows is None else whole[self.rows]

    def in_index(self, place: int) -> int:
        """Where the offering at ``place`` of the part stands in the index."""
        return place if self.places is None else int(self.places[place])

    def in_part(self, offering: int) -> int:
        """Where an offering of the part, by its place in the index, stands in the part."""
        return offering if self.places is None else int(self.places.searchsorted(offering))


class _Chosen(Mapping[str, Column]):
    """Columns of some offerings or rows, each chosen when it is asked for."""

    def __init__(self, columns: Mapping[str, Column], places: Int) -> None:
        self._columns, self._places = columns, places

    def __getitem__(self, name: str) -> Column:
        return in_order(self._columns[name], self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


# The repr of what a coroutine returns is made by `asyncio.run`: of all arrays it takes seconds.
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Index(Columns):
    """Offerings by falling number of packages, then id; their rows in planes, package by package.

    ``by_id`` are the places of the offerings in order of id.
    """

    offering_ids: FixedTexts
    by_id: NDArray[np.int32]
    provider_ids: CodedTexts
    kind: ValueColumn
    public: NDArray[np.bool_]
    pools: SetColumn
    valid_from: NDArray[np.int32]
    valid_to: NDArray[np.int32]
    musts: MustsColumn
    statistics: TextStatistics

    @property
    def offerings(self) -> int:
        """How many offerings there are."""
        return len(self.offering_ids)

    @property
    def package_codes(self) -> CodedTexts:
        """The code of the package of each row."""
        column = self.rows["code"]
        names = column.values if isinstance(column, ValueColumn) else ()
        return CodedTexts(column.codes, [str(name) for name in names])

    def place(self, offering_id: str) -> int | None:
        """Where the offering stands; None when it is not in the index."""
        ids = self.offering_ids
        found = bisect_left(self.by_id, offering_id, key=lambda place: ids[place])
        if found == len(self.by_id):
            return None
        place = int(self.by_id[found])
        return place if ids[place] == offering_id else None

    def rows_of(self, offering: int) -> list[int]:
        """The rows of the offering at this place, in package order."""
        return self.planes.parts_of(offering)

    def stated(self, field: str, offering: int) -> int | None:
        """What tells what the offering states as ``offering.<name>``; None where it does not."""
        column = self.declared.get(field.partition(".")[2])
        return (None if column is None else int(column.codes[offering])) or None

    def fact(self, field: str, row: int) -> Fact:
        """The fact ``offering.<name>`` or ``package.<name>`` of ``row``.

        Prices are not here, they need a need.
        """
        owner, _, name = field.partition(".")
        if owner == "package":
            column, place = self.rows.get(name), row
        else:
            column, place = self.declared.get(name), self.planes.whole_of(row)
        return None if column is None else column.fact(int(column.codes[place]))


def build(
    offerings: Iterable[OfferingFacts],
    weights: TextWeights,
    *,
    vocabulary: Vocabulary,
    base: TextStatistics | None = None,
) -> Index:
    """The index of ``offerings``, a pure function of the set of them.

    ``base`` are the statistics of an older base when these offerings hold a delta on it; without,
    they are the base.
    """
    from matchmaker.ranking.building import Builder  # it makes what is defined here

    builder = Builder(vocabulary)
    builder.extend([line_of(each) for each in offerings])
    return builder.index(weights, base)


def level_code(lowest: int, highest: int) -> int:
    """The grid value of levels from-to."""
    return 2 + LEVELS * lowest + highest


def level_bounds(value: int) -> tuple[int, int]:
    """The levels from-to of a grid value of 2 or more."""
    return divmod(value - 2, LEVELS)
