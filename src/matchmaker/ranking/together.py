"""Sums of many needs on the same columns: each feature as one matrix, need beside need.

The integers are those of `tables.score`. A row of a matrix belongs to an offering, to a row of it,
or to a code, and holds what each need adds there: to look up a code for all needs at once is to
copy one row.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from matchmaker.ranking import alike, features, text
from matchmaker.ranking.features import Sight
from matchmaker.ranking.matrices import Cases, Prices, SceneFits, Texts, Wanted, add_looked, wanted
from matchmaker.ranking.slate import UNSCORED
from matchmaker.ranking.steps import Level
from matchmaker.ranking.text import TextScore

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from matchmaker.ranking.card import Card, Grid
    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.index import Columns
    from matchmaker.ranking.price import Bools
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.tables import ScoreTables, Sum

NEEDS: Final = 16
"""Needs side by side."""
_CELLS: Final = 1 << 22
"""Rows times needs at the most: 32 MB of sums."""
KEPT: Final = 1 << 22
"""Steps that are kept of what needs may ask alike: 32 MB."""
_DEAD: Final = {4: -(2**29), 8: UNSCORED}
"""By octets, what stands below every key of a row that no rule excluded."""
ALWAYS: Final = ("acceptance", "freshness")
"""Features that read the day alone."""
_NOTHING: Final = np.zeros(0, np.int64)


class _BestOf(NamedTuple):
    """A feature whose steps are the greatest over what queries list, and one query of each."""

    listed: Callable[[Query], Sequence[str]]
    alone: Callable[[Query, str], Query]


def _of_category(query: Query, each: str) -> Query:
    return replace(query, categories=(each,))


def _of_industry(query: Query, each: str) -> Query:
    return replace(query, industries=(each,))


_BEST_OF: Final[Mapping[str, _BestOf]] = {
    "category": _BestOf(attrgetter("categories"), _of_category),
    "industry": _BestOf(attrgetter("industries"), _of_industry),
}


class Sums(NamedTuple):
    """What needs have from offerings, of shape (offerings, needs), and from (rows, needs)."""

    offerings: Sum
    rows: Sum


class Asked(NamedTuple):
    """A need as it is added up: its words, the features in use.

    Needs can stand side by side that are equal in ``alike``.
    """

    query: Query
    tokens: tuple[str, ...]
    words: Wanted
    active: tuple[str, ...]
    alike: tuple[Hashable, Hashable, bool]


class Marks(NamedTuple):
    """Of the rows: kept by every rule, and kept by an unknown answer of some rule."""

    alive: Bools
    unconfirmed: Bools


class _Added(NamedTuple):
    """What a need adds: over the codes of a column, or over offerings or rows themselves."""

    level: Level
    codes: Codes | None
    table: Sum


class Together:
    """Adds up needs that have the same features in use, on some columns, by one model."""

    def __init__(self, columns: Columns, card: Card, model: ScoreTables, marks: Marks) -> None:
        """Nothing is known of any need yet; of the rows the ``marks`` are those for all needs."""
        self._columns, self._card = columns, card
        self._kept: OrderedDict[Hashable, _Added] = OrderedDict()
        self._cells = 0
        self.type = model.width
        alive, unconfirmed = marks
        self._marks = np.where(alive, ~unconfirmed, _DEAD[self.type.itemsize]).astype(self.type)
        self._dead = np.flatnonzero(~columns.planes.fold(np.logical_or, alive))
        # A key is twice the score and one more: so is what is added up.
        of: dict[str, Sum] = {
            name: (2 * each).astype(self.type) for name, each in model.effects.items()
        }
        self._effects, self._silent = of, TextScore((), 0, _NOTHING)
        grids = {name: each.grid for name, each in card.features.items()}
        self._scene_fits = SceneFits(columns.levels, grids["scene_fit"], of["scene_fit"])
        self._cases = Cases(columns.cases, grids["cases"], of["cases"])
        self._prices = Prices(columns.price, columns.planes, card.features["price"], of["price"])
        self._texts = Texts(columns.text, card.text.full, of["text"])
        self._best_of = {
            name: field for name, field in _BEST_OF.items() if _is_rising(of[name], grids[name])
        }

    @property
    def at_once(self) -> int:
        """How many needs are best added up at a time."""
        return max(1, min(NEEDS, _CELLS // max(1, self._columns.planes.parts)))

    def asked(self, query: Query, tokens: tuple[str, ...]) -> Asked:
        """The need as it is added up; ``tokens`` are those of its text."""
        words = wanted(tokens, self._columns.text)
        heard = TextScore(tokens if len(words.known) else (), words.sum_idf, _NOTHING)
        active = features.active(query, heard)
        price = self._prices.alike(query) if "price" in active else None
        return Asked(query, tokens, words, active, (active, price, self._texts.can(words)))

    def keys(self, needs: Sequence[Asked]) -> Int:
        """The keys of all offerings, of shape (needs, offerings)."""
        sums = self._begun(needs)
        queries = [each.query for each in needs]
        _, price, is_heard = needs[0].alike
        for name in needs[0].active:
            if name == "scene_fit":
                self._scene_fits.add(sums.rows, queries)
            elif name == "cases":
                self._cases.add(sums.offerings, queries)
            elif name == "price" and price is not None:
                self._prices.add(sums.rows, queries, price)
            elif name == "text" and is_heard:
                self._texts.add(sums.offerings, [each.words for each in needs])
            elif name not in ALWAYS:
                self._add_steps(sums, name, needs)
        return self._folded(sums)

    def _begun(self, needs: Sequence[Asked]) -> Sums:
        """What all needs have alike."""
        base = np.zeros(self._columns.planes.wholes, self.type)
        for name in ALWAYS:
            if name in needs[0].active:
                key = name, alike.of_feature(name, needs[0].query)
                _, codes, table = self._kept.get(key) or self._made(key, needs[0].query)
                base += table if codes is None else table.take(codes)
        return Sums(*(np.repeat(each[:, None], len(needs), axis=1) for each in (base, self._marks)))

    def _folded(self, sums: Sums) -> Int:
        planes, (offerings, rows) = self._columns.planes, sums
        best = rows[: planes.wholes]
        for count, plane in planes.slices[1:]:
            np.maximum(best[:count], rows[plane], out=best[:count])
        offerings += best
        keys = np.ascontiguousarray(offerings.T, np.int64)
        if len(self._dead):
            keys[:, self._dead] = UNSCORED
        return keys

    def _add_steps(self, found: Sums, name: str, needs: Sequence[Asked]) -> None:
        if name in self._best_of:
            added = [self._best(name, self._best_of[name], each) for each in needs]
        else:
            on, kept = alike.ASKS[name], self._kept
            keys = [(name, on(each.query)) for each in needs]
            added = [
                kept.get(key) or self._made(key, each.query, each.tokens)
                for key, each in zip(keys, needs, strict=True)
            ]
        first = added[0]
        table = np.concatenate([each.table for each in added]).reshape(len(needs), -1).T
        add_looked(found.rows if first.level is Level.ROW else found.offerings, table, first.codes)

    def _best(self, name: str, best_of: _BestOf, need: Asked) -> _Added:
        query, kept = need.query, self._kept
        first, *others = [
            kept.get((name, each)) or self._made((name, each), best_of.alone(query, each))
            for each in best_of.listed(query)
        ]
        if not others:
            return first
        table = np.maximum(first.table, others[0].table)
        for each in others[1:]:
            np.maximum(table, each.table, out=table)
        return first._replace(table=table)

    def _made(self, key: tuple[str, Hashable], query: Query, tokens: Sequence[str] = ()) -> _Added:
        """What the query adds by the feature that the ``key`` names, kept for those alike."""
        name, _ = key
        words = text.score(tokens, self._columns.text) if name == "text" else self._silent
        steps = features.BY_NAME[name].steps(Sight(query, self._columns, self._card, words))
        table: Sum = self._effects[name].take(steps.table)
        found = self._kept[key] = _Added(steps.level, steps.codes, table)
        self._forget(len(table))
        return found

    def _forget(self, more: int) -> None:
        """Of what was kept the oldest, now that there is so much more."""
        self._cells += more
        while self._cells > KEPT and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._cells -= len(gone.table)


def _is_rising(effects: Sum, grid: Grid) -> bool:
    """Whether the best of what a field lists adds the most."""
    return bool((np.diff(effects) >= 0).all()) and grid.get("same", 0) >= grid.get("family", 0)
