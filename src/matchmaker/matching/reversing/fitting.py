"""One offering of the index against many needs: the same steps as a match, on its rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matchmaker.matching import service
from matchmaker.matching.service import Scoring
from matchmaker.ranking import screen, tables
from matchmaker.ranking.questions import Survivors
from matchmaker.ranking.screen import Verdict
from matchmaker.rules import Answer, answer

if TYPE_CHECKING:
    from matchmaker.matching.answer import Item
    from matchmaker.matching.service import Model
    from matchmaker.ranking.index import Index, Part
    from matchmaker.ranking.price import Bools
    from matchmaker.ranking.query import Query


class Fitted(NamedTuple):
    """How the offering fits a need: explained, or the rule that excludes it; neither: not asked."""

    item: Item | None
    scoring: Scoring | None
    excluded_by: str | None


@dataclass(frozen=True)
class Fitting:
    """An offering, by its place in an index, as needs meet it."""

    index: Index
    model: Model
    offering: int

    @property
    def part(self) -> Part:
        """The columns of the offering alone."""
        return self.index.at(np.array([self.offering], np.int64))

    def is_considered(self, query: Query) -> bool:
        """Whether a match that nobody in particular asks considers the offering."""
        index, today = self.index, query.today.toordinal()
        is_live = index.valid_from[self.offering] <= today <= index.valid_to[self.offering]
        kind = index.kind.fact(int(index.kind.codes[self.offering]))
        return bool(is_live and kind == query.kind and index.public[self.offering])

    def meet(self, query: Query, part: Part) -> Fitted:
        """What the match of ``query`` says of the offering; its first rule that leaves no row."""
        index, left = self.index, self.index.rows_of(self.offering)
        alive, unconfirmed = np.zeros((2, index.planes.parts), np.bool_)
        facts = Survivors(query, index, alive).facts
        for name, rule in screen.musts_of(query, index, self.offering):
            answers = {row: answer(rule, facts(row)) for row in left}
            left = [row for row in left if answers[row] != Answer.NO]
            unconfirmed[[row for row in left if answers[row] == Answer.UNKNOWN]] = True
            if not left:
                return Fitted(None, None, name)
        alive[left] = True
        scoring = self._scored(query, part, alive, unconfirmed & alive)
        return Fitted(service.item_of(scoring, self.offering, None, ()), scoring, None)

    def _scored(self, query: Query, part: Part, alive: Bools, unconfirmed: Bools) -> Scoring:
        one = np.zeros(self.index.offerings, np.bool_)
        one[self.offering] = True
        verdict = Verdict(one, one, (), (), {}, alive, unconfirmed)
        words, steps = service.encode(query, part.columns, self.model.card)
        rows = tables.score(self.model.tables, steps, part.columns.planes)
        return Scoring(query, self.index, self.model, (), verdict, part, words, steps, rows)
