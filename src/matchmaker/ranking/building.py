"""The index from what offerings say, taken as it comes and coded under each name."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from matchmaker.ranking.coding import block_of
from matchmaker.ranking.columns import Coder, set_column, value_column
from matchmaker.ranking.index import (
    UNSTATED,
    CasesColumn,
    Index,
    LevelsColumn,
    MustsColumn,
    level_code,
)
from matchmaker.ranking.lines import (
    ATTESTED,
    CASES,
    CODE,
    DECLARED,
    FROM,
    KIND,
    LEVELS,
    MUST,
    POOLS,
    PROVIDER,
    PUBLIC,
    RECORD,
    SCALES,
    STAGES,
    TO,
    WEEKS,
    Cases,
    Levels,
)
from matchmaker.ranking.planes import Planes, planes_of
from matchmaker.ranking.postings import TextReader
from matchmaker.ranking.price import PriceReader
from matchmaker.ranking.sayings import Order, Sayings
from matchmaker.ranking.texts import CodedTexts, FixedTexts
from matchmaker.rules import Fact, Rule, Span, conjuncts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.coding import Block
    from matchmaker.ranking.columns import Column, Int, SetColumn, ValueColumn
    from matchmaker.ranking.lines import Line
    from matchmaker.ranking.text import TextStatistics, TextWeights
    from matchmaker.ranking.vocabulary import Vocabulary

_SETS: Final = ("industries", "regions", "categories")
"""Facts that are sets, whatever is declared."""
_FIRST, _LAST = dt.date.min.toordinal(), dt.date.max.toordinal()


class _Layout(NamedTuple):
    """What an index holds of what has arrived, and how it stands there."""

    ids: Sequence[str]
    """In order."""
    offerings: Order
    rows: Order
    planes: Planes
    places: Int
    """Of the offerings in order of id, where each stands."""


class Builder:
    """Takes offerings as they come and lets them go again; an index is a function of those held.

    It keeps codes, and each value that is said once.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        """No offering yet."""
        self._vocabulary = vocabulary
        self._scenes = {scene: place for place, scene in enumerate(vocabulary.scenes)}
        self._held: dict[str, int] = {}
        """The offerings held, and as the how manieth each has arrived."""
        self._packages: list[int] = []
        self._of_offerings, self._of_rows = Sayings(), Sayings()
        self._prices, self._texts = PriceReader(), TextReader()

    @property
    def let_go(self) -> int:
        """How many have arrived and been let go of: they still take their room."""
        return len(self._packages) - len(self._held)

    def extend(self, lines: Sequence[Line]) -> None:
        """Take some more offerings.

        Raises: ValueError: one is held already, or has no package.
        """
        if not all(line.packages for line in lines):
            raise ValueError("an offering without a package")
        self.join(block_of(lines))

    def join(self, block: Block, pools: Sequence[frozenset[str]] | None = None) -> None:
        """Take the offerings of ``block``, which says nothing of ``pools`` where those are given.

        Raises: ValueError: one is held already.
        """
        if not self._held.keys().isdisjoint(block.ids) or len({*block.ids}) < len(block.ids):
            raise ValueError("an offering is held already")
        self._held.update(zip(block.ids, count(len(self._packages)), strict=False))
        self._packages += block.packages.tolist()
        self._of_offerings.extend(block.offerings)
        if pools is not None:
            self._of_offerings.say(POOLS, [codes or None for codes in pools])
        self._of_rows.extend(block.rows)
        self._prices.extend(block.prices)
        self._texts.extend(block.texts)

    def let(self, ids: Iterable[str]) -> None:
        """Let go of the offerings of these ``ids``, as far as they are held."""
        for offering_id in ids:
            self._held.pop(offering_id, None)

    def statistics(self) -> TextStatistics:
        """The statistics of the words of the offerings held."""
        return self._texts.statistics(self._layout().offerings.taken)

    def index(self, weights: TextWeights, base: TextStatistics | None = None) -> Index:
        """The index of the offerings held; ``base`` as in `index.build`."""
        layout = self._layout()
        offerings, rows, laid = layout.offerings, layout.rows, layout.offerings.laid
        of_offering, of_row = self._of_offerings.column, self._of_rows.column
        known = base or self._texts.statistics(offerings.taken)
        return Index(
            offering_ids=FixedTexts(np.array(layout.ids, "S")[laid]),
            by_id=layout.places.astype(np.int32),
            provider_ids=of_offering(PROVIDER, offerings, _named),
            planes=layout.planes,
            kind=of_offering(KIND, offerings, value_column),
            public=of_offering(PUBLIC, offerings, value_column).codes != 0,
            pools=of_offering(POOLS, offerings, set_column),
            valid_from=self._days(FROM, offerings, _FIRST),
            valid_to=self._days(TO, offerings, _LAST),
            musts=of_offering(MUST, offerings, _musts),
            declared=self._declared(offerings),
            rows={
                "code": of_row(CODE, rows, value_column),
                "scales": of_row(SCALES, rows, set_column),
                "stages": of_row(STAGES, rows, self._stage_sets),
                "scenes": of_row(LEVELS, rows, _scene_sets),
                "weeks": of_row(WEEKS, rows, value_column),
            },
            stages=of_row(STAGES, rows, _spans),
            levels=of_row(LEVELS, rows, self._levels),
            cases=of_offering(CASES, offerings, self._cases),
            record=of_offering(RECORD, offerings, _spans),
            attested=of_offering(ATTESTED, offerings, value_column),
            price=self._prices.column(rows.taken).at(rows.laid),
            text=self._texts.index(known, weights, offerings.taken, layout.places),
            statistics=known,
        )

    def _layout(self) -> _Layout:
        """Offerings by falling number of packages, then id; rows in planes."""
        ids = sorted(self._held)
        taken = np.fromiter(map(self._held.__getitem__, ids), np.int64, len(ids))
        every = np.array(self._packages, np.int64)
        packages, begin = every[taken], (np.cumsum(every) - every)[taken]
        starts = np.cumsum(packages) - packages
        laid = np.argsort(-packages, kind="stable")
        planes, places = planes_of(packages[laid]), np.empty_like(laid)
        places[laid] = np.arange(len(laid))
        rows = Order(
            np.repeat(begin - starts, packages) + np.arange(packages.sum()),
            np.concatenate(
                [laid[:0], *(starts[laid[:n]] + k for k, n in enumerate(planes.counts))]
            ),
        )
        return _Layout(ids, Order(taken, laid), rows, planes, places)

    def _declared(self, order: Order) -> dict[str, Column]:
        said = [name for name in self._of_offerings.names if name.startswith(DECLARED)]
        names = {*_SETS, *(name.removeprefix(DECLARED) for name in said)}
        found: dict[str, Column] = {}
        for name in sorted(names):
            make = set_column if name in _SETS else _sets_or_values
            column = self._of_offerings.column(f"{DECLARED}{name}", order, make)
            # Whoever has said something of it may be gone.
            if name in _SETS or column.codes.any():
                found[name] = column
        return found

    def _days(self, name: str, order: Order, unstated: int) -> NDArray[np.int32]:
        column = self._of_offerings.column(name, order, value_column)
        days = np.array([unstated, *column.bounds[0, 1:]], np.int32)
        return days[column.codes]

    def _stage_sets(self, coder: Coder[tuple[int, int]]) -> SetColumn:
        """Stages from-to as the sets of those between."""
        ladder = self._vocabulary.stages
        return set_column(coder.mapped(lambda ends: frozenset(ladder[ends[0] : ends[1] + 1])))

    def _levels(self, coder: Coder[Levels]) -> LevelsColumn:
        grid = np.zeros((len(self._scenes), len(coder.distinct) + 1), np.uint8)
        for code, levels in enumerate(coder.distinct, 1):
            for scene, ends in levels:
                grid[self._scenes[scene], code] = UNSTATED if ends is None else level_code(*ends)
        return LevelsColumn(coder.codes(), self._vocabulary.scenes, grid)

    def _cases(self, coder: Coder[Cases]) -> CasesColumn:
        """Of each case its group and a bit for each scene."""
        bit = {scene: 1 << place for scene, place in self._scenes.items()}
        cases = sorted(
            (group, sum(bit[scene] for scene in scenes), code)
            for code, listed in enumerate(coder.distinct, 1)
            for group, scenes in listed
        )
        groups = Counter(group for group, _, _ in cases)
        listed = np.array([(bits, code) for _, bits, code in cases], np.int64).reshape(-1, 2)
        return CasesColumn(
            codes=coder.codes(),
            groups=tuple(groups),
            scenes=self._vocabulary.scenes,
            lists=1 + len(coder.distinct),
            start=np.cumsum([0, *groups.values()]),
            of=listed[:, 1].copy(),
            bits=listed[:, 0].copy(),
        )


def _named(coder: Coder[str]) -> CodedTexts:
    return CodedTexts(coder.codes(), ("", *coder.distinct))


def _musts(coder: Coder[Rule]) -> MustsColumn:
    return MustsColumn(coder.codes(), ((), *map(conjuncts, coder.distinct)))


def _scene_sets(coder: Coder[Levels]) -> SetColumn:
    return set_column(coder.mapped(lambda levels: frozenset(scene for scene, _ in levels)))


def _spans(coder: Coder[tuple[int, int]]) -> ValueColumn:
    return value_column(coder.mapped(lambda ends: Span(*ends)))


def _sets_or_values(coder: Coder[Fact]) -> Column:
    holds_sets = any(isinstance(fact, frozenset) for fact in coder.distinct)
    return set_column(coder) if holds_sets else value_column(coder)
