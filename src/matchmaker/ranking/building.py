"""The index from declared facts, taken as they come and coded fact by fact."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.columns import Coder, in_order, set_column, value_column
from matchmaker.ranking.facts import GROUP
from matchmaker.ranking.index import (
    UNSTATED,
    CasesColumn,
    Index,
    LevelsColumn,
    MustsColumn,
    level_code,
)
from matchmaker.ranking.planes import planes_of
from matchmaker.ranking.postings import TextReader
from matchmaker.ranking.price import PriceReader
from matchmaker.ranking.texts import CodedTexts, FixedTexts
from matchmaker.rules import Fact, Rule, Span, conjuncts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.ranking.columns import Column
    from matchmaker.ranking.facts import Case, OfferingFacts, PackageFacts
    from matchmaker.ranking.text import TextStatistics, TextWeights
    from matchmaker.ranking.vocabulary import Vocabulary

_Levels = tuple[tuple[str, "tuple[int, int] | None"], ...]
_Cases = tuple[tuple[str, int], ...]
_SETS: Final = ("industries", "regions", "categories")
"""Facts that are sets, whatever is declared."""
_FIRST, _LAST = dt.date.min.toordinal(), dt.date.max.toordinal()


class Builder:
    """Takes offerings in order of id and keeps their codes, not the facts themselves."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """No offering yet."""
        self._vocabulary = vocabulary
        self._scenes = {scene: place for place, scene in enumerate(vocabulary.scenes)}
        self._ids: list[str] = []
        self._packages: list[int] = []
        self._public = bytearray()
        self._days: list[tuple[int, int]] = []
        self._providers, self._kinds, self._pools = Coder[str](), Coder[Fact](), Coder[Fact]()
        self._musts = Coder[Rule](kind=repr)
        self._declared: dict[str, Coder[Fact]] = {name: Coder() for name in _SETS}
        self._records, self._attested = Coder[tuple[int, int]](), Coder[Fact]()
        self._cases = Coder[_Cases]()
        self._codes, self._scales, self._levels = Coder[Fact](), Coder[Fact](), Coder[_Levels]()
        self._stages, self._weeks = Coder[tuple[int, int]](), Coder[tuple[int, int]]()
        self._prices, self._texts = PriceReader(), TextReader()

    def extend(self, offerings: Sequence[OfferingFacts]) -> None:
        """The next offerings.

        Raises: ValueError: one does not follow the last one by id, or has no package.
        """
        ids = [each.offering_id for each in offerings]
        if any(late <= early for early, late in pairwise((*self._ids[-1:], *ids))):
            raise ValueError(f"out of order: {ids}")
        if not all(each.packages for each in offerings):
            raise ValueError("an offering without a package")
        self._declare([each.declared for each in offerings])
        self._ids += ids
        self._packages += [len(each.packages) for each in offerings]
        self._public += bytes([each.visibility == "public" for each in offerings])
        self._days += [(_day(o.valid_from, _FIRST), _day(o.valid_to, _LAST)) for o in offerings]
        self._providers.extend([each.provider_id for each in offerings])
        self._kinds.extend([each.kind for each in offerings])
        self._pools.extend([each.pools for each in offerings])
        self._musts.extend([each.must for each in offerings])
        self._records.extend([each.record for each in offerings])
        self._attested.extend([each.attested for each in offerings])
        self._cases.extend([self._listed(o.cases) if o.cases else None for o in offerings])
        self._texts.extend([each.text for each in offerings])
        self._add_rows([package for each in offerings for package in each.packages])

    def _declare(self, declared: Sequence[Mapping[str, Fact]]) -> None:
        for name in dict.fromkeys(chain.from_iterable(declared)):
            coder = self._declared.setdefault(name, Coder())
            coder.fill(len(self._ids))
            coder.extend([facts.get(name) for facts in declared])

    def _add_rows(self, packages: Sequence[PackageFacts]) -> None:
        self._codes.extend([each.code for each in packages])
        self._scales.extend([each.scales for each in packages])
        self._stages.extend([each.stages for each in packages])
        self._levels.extend([tuple(sorted(p.levels.items())) or None for p in packages])
        self._weeks.extend([each.weeks for each in packages])
        self._prices.extend([each.price for each in packages])

    def _listed(self, cases: Sequence[Case]) -> _Cases | None:
        """Of each case its group and a bit for each scene."""
        bits = [sum(1 << self._scenes[scene] for scene in case.scenes) for case in cases]
        listed = zip((case.industry[:GROUP] for case in cases), bits, strict=True)
        return tuple(sorted(listed)) or None

    def index(self, weights: TextWeights, base: TextStatistics | None = None) -> Index:
        """The index of the offerings taken; ``base`` as in `index.build`."""
        packages = np.array(self._packages, np.int64)
        order = np.argsort(-packages, kind="stable")
        planes, starts = planes_of(packages[order]), np.cumsum(packages) - packages
        rows = np.concatenate(
            [order[:0], *(starts[order[:n]] + k for k, n in enumerate(planes.counts))]
        )
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        known = base or self._texts.statistics()
        days = np.array(self._days, np.int32).reshape(-1, 2)[order]
        return Index(
            offering_ids=FixedTexts(np.array(self._ids, "S")[order]),
            by_id=places.astype(np.int32),
            provider_ids=CodedTexts(
                self._providers.codes()[order], ("", *self._providers.distinct)
            ),
            planes=planes,
            kind=in_order(value_column(self._kinds), order),
            public=np.frombuffer(self._public, np.bool_)[order],
            pools=in_order(set_column(self._pools), order),
            valid_from=days[:, 0].copy(),
            valid_to=days[:, 1].copy(),
            musts=in_order(self._must_column(), order),
            declared={n: in_order(self._column(n), order) for n in sorted(self._declared)},
            rows={n: in_order(column, rows) for n, column in self._row_columns().items()},
            stages=in_order(value_column(self._stages.mapped(_span)), rows),
            levels=in_order(self._level_column(), rows),
            cases=in_order(self._case_column(), order),
            record=in_order(value_column(self._records.mapped(_span)), order),
            attested=in_order(value_column(self._attested), order),
            price=self._prices.column().at(rows),
            text=self._texts.index(known, weights, places),
            statistics=known,
        )

    def _column(self, name: str) -> Column:
        coder = self._declared[name]
        coder.fill(len(self._ids))
        holds_sets = any(isinstance(fact, frozenset) for fact in coder.distinct)
        return set_column(coder) if holds_sets or name in _SETS else value_column(coder)

    def _row_columns(self) -> dict[str, Column]:
        """What rules read of a package; its stages from-to are the set of those between."""
        ladder = self._vocabulary.stages
        return {
            "code": value_column(self._codes),
            "scales": set_column(self._scales),
            "stages": set_column(
                self._stages.mapped(lambda ends: frozenset(ladder[ends[0] : ends[1] + 1]))
            ),
            "scenes": set_column(
                self._levels.mapped(lambda levels: frozenset(scene for scene, _ in levels))
            ),
            "weeks": value_column(self._weeks.mapped(_span)),
        }

    def _must_column(self) -> MustsColumn:
        return MustsColumn(self._musts.codes(), ((), *map(conjuncts, self._musts.distinct)))

    def _level_column(self) -> LevelsColumn:
        grid = np.zeros((len(self._scenes), len(self._levels.distinct) + 1), np.uint8)
        for code, levels in enumerate(self._levels.distinct, 1):
            for scene, ends in levels:
                grid[self._scenes[scene], code] = UNSTATED if ends is None else level_code(*ends)
        return LevelsColumn(self._levels.codes(), self._vocabulary.scenes, grid)

    def _case_column(self) -> CasesColumn:
        lists = self._cases.distinct
        cases = sorted((*case, code) for code, cases in enumerate(lists, 1) for case in cases)
        groups = sorted({group for group, _, _ in cases})
        listed = np.array([(bits, code) for _, bits, code in cases], np.int64).reshape(-1, 2)
        return CasesColumn(
            codes=self._cases.codes(),
            groups=tuple(groups),
            scenes=self._vocabulary.scenes,
            lists=1 + len(lists),
            start=np.cumsum([0, *Counter(group for group, _, _ in cases).values()]),
            of=listed[:, 1].copy(),
            bits=listed[:, 0].copy(),
        )


def _day(stated: dt.date | None, unstated: int) -> int:
    return unstated if stated is None else stated.toordinal()


def _span(ends: tuple[int, int]) -> Fact:
    return Span(*ends)
