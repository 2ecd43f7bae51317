"""The index: published offerings as immutable columns, one row per package (scoring.md 3 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.columns import (
    Column,
    Int,
    SetColumn,
    ValueColumn,
    encode,
    set_column,
    value_column,
)
from matchmaker.ranking.facts import GROUP
from matchmaker.ranking.price import PriceColumn, price_column
from matchmaker.ranking.text import TextIndex, TextStatistics, TextWeights, index_text, statistics
from matchmaker.rules import Fact, Rule, Span, conjuncts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.facts import OfferingFacts, PackageFacts
    from matchmaker.ranking.vocabulary import Vocabulary

NO_DATE: Final = 0
"""Ordinal that stands for "no date"; real dates are far above."""
UNCOVERED: Final = 0
UNSTATED: Final = 1
_LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class LevelsColumn:
    """Levels per scene: ``grid[code, scene]`` is UNCOVERED, UNSTATED or 2 + 5 x from + to.

    Code 0 = unknown.
    """

    codes: NDArray[np.uint16] | NDArray[np.uint32]
    scenes: tuple[str, ...]
    grid: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CasesColumn:
    """Verified cases: list ``code`` is (group, bits) of ``start[code]`` to ``start[code + 1]``."""

    codes: NDArray[np.uint16] | NDArray[np.uint32]
    groups: tuple[str, ...]
    scenes: tuple[str, ...]
    start: Int
    group: Int
    bits: Int


@dataclass(frozen=True, slots=True)
class MustsColumn:
    """Provider musts: ``trees[code]`` as top-level conjuncts; code 0 = none."""

    codes: NDArray[np.uint16] | NDArray[np.uint32]
    trees: tuple[tuple[Rule, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Offerings in order of id; rows (packages) of an offering are contiguous, in package order.

    ``row_start`` has shape (offerings + 1,), ``offering_of_row`` shape (rows,). ``declared`` are
    columns over offerings, ``rows`` columns over rows, each by the name a rule uses after
    ``offering.`` or ``package.``.
    """

    offering_ids: tuple[str, ...]
    places: Mapping[str, int]
    provider_ids: tuple[str, ...]
    package_codes: tuple[str, ...]
    row_start: Int
    offering_of_row: Int
    kind: ValueColumn
    public: NDArray[np.bool_]
    pools: SetColumn
    valid_from: Int
    valid_to: Int
    musts: MustsColumn
    declared: Mapping[str, Column]
    rows: Mapping[str, Column]
    stages: ValueColumn
    levels: LevelsColumn
    cases: CasesColumn
    record: ValueColumn
    attested: ValueColumn
    price: PriceColumn
    text: TextIndex
    statistics: TextStatistics

    @property
    def offerings(self) -> int:
        """How many offerings there are."""
        return len(self.offering_ids)

    def place(self, offering_id: str) -> int | None:
        """Where the offering stands; None when it is not in the index."""
        return self.places.get(offering_id)

    def rows_of(self, offering: int) -> range:
        """The rows of the offering at this place."""
        return range(int(self.row_start[offering]), int(self.row_start[offering + 1]))

    def fact(self, field: str, row: int) -> Fact:
        """The fact ``offering.<name>`` or ``package.<name>`` of ``row``.

        Prices are not here, they need a need.
        """
        owner, _, name = field.partition(".")
        if owner == "package":
            column, place = self.rows.get(name), row
        else:
            column, place = self.declared.get(name), int(self.offering_of_row[row])
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
    facts = sorted(offerings, key=lambda offering: offering.offering_id)
    rows = [
        (place, package) for place, offering in enumerate(facts) for package in offering.packages
    ]
    packages = [package for _, package in rows]
    known = base or statistics(facts)
    return Index(
        offering_ids=tuple(offering.offering_id for offering in facts),
        places={offering.offering_id: place for place, offering in enumerate(facts)},
        provider_ids=tuple(offering.provider_id for offering in facts),
        package_codes=tuple(package.code for package in packages),
        row_start=np.cumsum([0, *(len(offering.packages) for offering in facts)]).astype(np.int64),
        offering_of_row=np.array([place for place, _ in rows], np.int64),
        kind=value_column([offering.kind for offering in facts]),
        public=np.array([offering.visibility == "public" for offering in facts], np.bool_),
        pools=set_column([offering.pools for offering in facts]),
        valid_from=_ordinals(offering.valid_from for offering in facts),
        valid_to=_ordinals(offering.valid_to for offering in facts),
        musts=_musts(facts),
        declared=_declared(facts),
        rows=_row_columns(packages, vocabulary),
        stages=value_column([_span(package.stages) for package in packages]),
        levels=_levels(packages, vocabulary.scenes),
        cases=_cases(facts, vocabulary.scenes),
        record=_records(facts),
        attested=value_column([offering.attested for offering in facts]),
        price=price_column([package.price for package in packages]),
        text=index_text(facts, known, weights),
        statistics=known,
    )


def _ordinals(dates: Iterable[dt.date | None]) -> Int:
    return np.array([NO_DATE if date is None else date.toordinal() for date in dates], np.int64)


def _musts(facts: Sequence[OfferingFacts]) -> MustsColumn:
    codes, trees = encode(
        (offering.must for offering in facts), is_unknown=lambda must: must is None, key=repr
    )
    return MustsColumn(codes, ((), *(conjuncts(tree) for tree in trees)))


def _declared(facts: Sequence[OfferingFacts]) -> dict[str, Column]:
    names = sorted(
        {name for offering in facts for name in offering.declared}
        | {"industries", "regions", "categories"}
    )
    return {
        name: _column([offering.declared.get(name) for offering in facts], name) for name in names
    }


_SETS: Final = frozenset({"industries", "regions", "categories"})


def _column(values: Sequence[Fact], name: str) -> Column:
    if name in _SETS or any(isinstance(value, frozenset) for value in values):
        return set_column(
            [value if isinstance(value, frozenset) else frozenset() for value in values]
        )
    return value_column(values)


def _row_columns(packages: Sequence[PackageFacts], vocabulary: Vocabulary) -> dict[str, Column]:
    return {
        "code": value_column([package.code for package in packages]),
        "scales": set_column([package.scales for package in packages]),
        "stages": set_column([_stages(package, vocabulary) for package in packages]),
        "scenes": set_column([frozenset(package.levels) for package in packages]),
        "weeks": value_column([_span(package.weeks) for package in packages]),
    }


def _stages(package: PackageFacts, vocabulary: Vocabulary) -> frozenset[str]:
    """The stages from-to as the set that rules read."""
    if package.stages is None:
        return frozenset()
    lowest, highest = package.stages
    return frozenset(vocabulary.stages[lowest : highest + 1])


def _span(bounds: tuple[int, int] | None) -> Span | None:
    return None if bounds is None else Span(*bounds)


def _levels(packages: Sequence[PackageFacts], scenes: Sequence[str]) -> LevelsColumn:
    keys = (tuple(sorted(package.levels.items())) for package in packages)
    codes, distinct = encode(keys, is_unknown=lambda key: not key)
    grid = np.zeros((len(distinct) + 1, len(scenes)), np.uint8)
    place = {scene: i for i, scene in enumerate(scenes)}
    for code, levels in enumerate(distinct, 1):
        for scene, bounds in levels:
            grid[code, place[scene]] = UNSTATED if bounds is None else level_code(*bounds)
    return LevelsColumn(codes, tuple(scenes), grid)


def level_code(lowest: int, highest: int) -> int:
    """The grid value of levels from-to."""
    return 2 + _LEVELS * lowest + highest


def level_bounds(value: int) -> tuple[int, int]:
    """The levels from-to of a grid value of 2 or more."""
    return divmod(value - 2, _LEVELS)


def _cases(facts: Sequence[OfferingFacts], scenes: Sequence[str]) -> CasesColumn:
    place = {scene: i for i, scene in enumerate(scenes)}
    lists = [
        tuple(
            sorted(
                (case.industry[:GROUP], sum(1 << place[scene] for scene in case.scenes))
                for case in offering.cases
            )
        )
        for offering in facts
    ]
    codes, distinct = encode(lists, is_unknown=lambda cases: not cases)
    groups = tuple(sorted({group for cases in distinct for group, _ in cases}))
    number = {group: i for i, group in enumerate(groups)}
    start = np.cumsum(np.array([0, 0, *(len(cases) for cases in distinct)], np.int64))
    return CasesColumn(
        codes,
        groups,
        tuple(scenes),
        start,
        np.array([number[group] for cases in distinct for group, _ in cases], np.int64),
        np.array([bits for cases in distinct for _, bits in cases], np.int64),
    )


def _records(facts: Sequence[OfferingFacts]) -> ValueColumn:
    return value_column(
        [None if offering.record is None else Span(*offering.record) for offering in facts]
    )
