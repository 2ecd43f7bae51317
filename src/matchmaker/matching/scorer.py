"""Scores of many needs on one index: what needs ask alike is worked out once, feature by feature.

The integers are those of `service.score`. What was worked out is kept from the second time on that
it is asked for: what only one need asks would push the rest out of the processor's cache.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from matchmaker.matching import service
from matchmaker.matching.ordering import Found, Ranked
from matchmaker.matching.service import Scoring
from matchmaker.ranking import alike, features, tables, text
from matchmaker.ranking.features import Sight
from matchmaker.ranking.together import Marks, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from matchmaker.matching.ordering import Order
    from matchmaker.matching.service import Model
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.index import Index, Part
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.screen import Verdict
    from matchmaker.ranking.slate import Curation
    from matchmaker.ranking.steps import Steps
    from matchmaker.ranking.text import TextScore
    from matchmaker.ranking.together import Asked

T = TypeVar("T")
_SCREENS: Final = 32
"""Verdicts, and texts, that are kept."""
_CELLS: Final = 1 << 23
"""Rows whose steps and effects are kept, of all features together: 140 MB at the most."""


class Recent(Generic[T]):
    """What was made lately, by what it depends on; kept from the second time on."""

    def __init__(self, most: int) -> None:
        """Nothing was made yet; ``most`` are kept or noted."""
        self._most = most
        self._made: OrderedDict[Hashable, T | None] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept for ``key``, else what ``make`` makes."""
        found = self._made.get(key)
        if found is None:
            found = make()
            self._made[key] = found if key in self._made else None
        self._made.move_to_end(key)
        if len(self._made) > self._most:
            self._made.popitem(last=False)
        return found


class _Looked(NamedTuple):
    """The steps of a feature and their effects, over offerings or over rows."""

    steps: Steps
    effects: Int


@dataclass(frozen=True)
class _Ground:
    """What several needs may be scored on: a verdict and the part that it leaves."""

    key: Hashable
    verdict: Verdict
    part: Part
    model: Model

    @cached_property
    def scored(self) -> Int:
        """Places of the offerings that no rule excluded."""
        return service.scored_of(self.verdict, self.part)

    @cached_property
    def together(self) -> Together:
        """What adds up needs here."""
        alive, unconfirmed = self.verdict.alive, self.verdict.unconfirmed
        marks = Marks(*map(self.part.of_rows, (alive, unconfirmed)))
        return Together(self.part.columns, self.model.card, self.model.tables, marks)


class Scorer:
    """Scores needs on an index as `service.score` does; of one thread."""

    def __init__(self, index: Index, model: Model, curations: Sequence[Curation[int]] = ()) -> None:
        """Nothing is scored yet."""
        self._index, self._model, self._curations = index, model, tuple(curations)
        self._read = alike.fields_of(rule for tree in index.musts.trees for rule in tree)
        self._grounds: Recent[_Ground] = Recent(_SCREENS)
        self._words: Recent[TextScore] = Recent(_SCREENS)
        self._looked: Recent[_Looked] = Recent(1 + _CELLS // (1 + index.planes.parts))

    def score(self, query: Query) -> Scoring:
        """The scoring of one need."""
        return self.scores([query])[0]

    def scores(self, queries: Sequence[Query]) -> list[Scoring]:
        """The scorings of the needs."""
        grounds = [*map(self._ground_of, queries)]
        words = [*map(self._words_of, grounds, queries)]
        names = [*map(features.active, queries, words)]
        looked: list[dict[str, _Looked]] = [{} for _ in queries]
        # Need by need no feature would find its code and its columns in the processor's cache.
        for name in features.BY_NAME:
            for place, query in enumerate(queries):
                if name in names[place]:
                    looked[place][name] = self._look(name, query, grounds[place], words[place])
        return [*map(self._scoring, queries, grounds, words, looked)]

    def orders(self, queries: Sequence[Query]) -> list[Order]:
        """The orders of the needs: what `scores` gives, without what they were made of."""
        if self._model.tables.pairs:
            return [*self.scores(queries)]
        groups: defaultdict[Hashable, list[tuple[int, Asked]]] = defaultdict(list)
        grounds: dict[Hashable, _Ground] = {}
        for place, query in enumerate(queries):
            ground = self._ground_of(query)
            asked = ground.together.asked(query, service.tokens_of(query))
            key: Hashable = ground.key, asked.alike
            groups[key].append((place, asked))
            grounds[key] = ground
        found: dict[int, Order] = {}
        for alike_, group in groups.items():
            places, needs = zip(*group, strict=True)
            found |= zip(places, self._ranked(grounds[alike_], needs), strict=True)
        return [found[place] for place in range(len(queries))]

    def _ranked(self, ground: _Ground, needs: Sequence[Asked]) -> Iterator[Ranked]:
        """The orders of needs that can stand side by side."""
        size, active = ground.together.at_once, needs[0].active
        on = self._index, self._model, self._curations, ground.verdict, ground.part
        found = Found(active, self._model.tables.ends(active), ground.scored)
        for start in range(0, len(needs), size):
            some = needs[start : start + size]
            for need, keys in zip(some, ground.together.keys(some), strict=True):
                ranked = Ranked(need.query, *on, found, keys)
                ranked.boost(keys)
                yield ranked

    def _ground_of(self, query: Query) -> _Ground:
        key = alike.of_screen(query, self._read)

        def screened() -> _Ground:
            found = service.screened(query, self._index, self._curations)
            return _Ground(key, *found, self._model)

        return self._grounds.get(key, screened)

    def _words_of(self, ground: _Ground, query: Query) -> TextScore:
        return self._words.get(
            (ground.key, alike.of_feature("text", query)),
            lambda: text.score(service.tokens_of(query), ground.part.columns.text),
        )

    def _look(self, name: str, query: Query, ground: _Ground, words: TextScore) -> _Looked:
        def looked() -> _Looked:
            sight = Sight(query, ground.part.columns, self._model.card, words)
            steps = features.BY_NAME[name].steps(sight)
            return _Looked(steps, tables.effects_of(self._model.tables.effects[name], steps))

        return self._looked.get((name, alike.of_feature(name, query), ground.key), looked)

    def _scoring(
        self, query: Query, ground: _Ground, words: TextScore, looked: dict[str, _Looked]
    ) -> Scoring:
        steps = {name: each.steps for name, each in looked.items()}
        effects = {name: each.effects for name, each in looked.items()}
        planes = ground.part.columns.planes
        return Scoring(
            query,
            self._index,
            self._model,
            self._curations,
            ground.verdict,
            ground.part,
            words,
            steps,
            tables.total(self._model.tables, steps, effects, planes),
        )
