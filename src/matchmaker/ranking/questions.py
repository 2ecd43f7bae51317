"""Which missing facts would change this match, and how much (scoring.md 16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchmaker.ranking.features import FEATURES, applies
from matchmaker.ranking.price import awaited, row_price
from matchmaker.ranking.screen import musts_of
from matchmaker.ranking.tables import MILLION, ScoreTables
from matchmaker.rules import (
    Answer,
    Fact,
    Rule,
    answer_if,
    leaf_answer,
    leaves,
    unknown_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matchmaker.ranking.index import Index
    from matchmaker.ranking.price import Bools, RowPrice
    from matchmaker.ranking.query import Query

_ASKED_OWNERS = ("profile.", "need.")
_NEVER_ASKED = frozenset({"profile.scale_basis"})
"""What the platform says of itself: nobody could answer the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A missing field: how many offerings it decides, and its share of the score in millionths."""

    field: str
    decides: int | None
    share: int | None


@dataclass(frozen=True, slots=True)
class Survivors:
    """The rows that no rule excluded (``alive``), with every fact a must may read about them."""

    query: Query
    index: Index
    alive: Bools

    def facts(self, row: int) -> Callable[[str], Fact]:
        """The facts about ``row``, by field name."""

        def fact(field: str) -> Fact:
            if field.startswith(_ASKED_OWNERS):
                return self.query.facts.get(field)
            if field == "package.price":
                return self.price(row).first_year
            return self.index.fact(field, row)

        return fact

    def price(self, row: int) -> RowPrice:
        """The price of ``row`` for the firm."""
        return row_price(self.index.price, row, self.query.currency, self.query.counts)

    def rows_of(self, offering: int) -> list[int]:
        """The surviving rows of the offering."""
        return [row for row in self.index.rows_of(offering) if self.alive[row]]

    def awaited(self) -> tuple[str, ...]:
        """The counts of the profile that the price of a surviving row waits for."""
        query = self.query
        return awaited(self.index.price, self.alive, query.currency, query.counts)


def questions(
    survivors: Survivors, tables: ScoreTables, active: Sequence[str], asked: Sequence[int]
) -> tuple[Question, ...]:
    """The questions of a match, sorted by decides, share, field.

    ``asked`` are the offerings whose musts are read: the first 2 x limit of the slate.
    """
    decides = _decides(survivors, asked)
    shares = _shares(survivors.query, tables, active) | _count_shares(survivors, tables, active)
    found = [
        Question(field, decides.get(field), shares.get(field)) for field in {*decides, *shares}
    ]
    return tuple(
        sorted(
            found,
            key=lambda question: (-(question.decides or 0), -(question.share or 0), question.field),
        )
    )


def _decides(survivors: Survivors, asked: Sequence[int]) -> dict[str, int]:
    """Offerings whose answer differs between a field's unknown leaves set to yes and to no."""
    assumed = _Assumed(survivors)
    counts: dict[str, int] = {}
    for offering in asked:
        rules = [rule for _, rule in musts_of(survivors.query, survivors.index, offering)]
        missing = {field for rule in rules for field in assumed.missing(rule)}
        rows = survivors.rows_of(offering) if missing else []
        for field in missing:
            if assumed.best(rules, rows, field, Answer.YES) != assumed.best(
                rules, rows, field, Answer.NO
            ):
                counts[field] = counts.get(field, 0) + 1
    return counts


class _Assumed:
    """Answers of musts with one missing field assumed; each different case is worked out once.

    A row counts only by what it answers to the leaves that read offering or package, so many rows
    are one case.
    """

    def __init__(self, survivors: Survivors) -> None:
        self._survivors = survivors
        self._missing: dict[int, frozenset[str]] = {}
        self._seen: dict[tuple[int, int], tuple[Answer, ...]] = {}
        self._answers: dict[tuple[int, tuple[Answer, ...], str, Answer], Answer] = {}

    def missing(self, rule: Rule) -> frozenset[str]:
        """The fields of profile and need that an unknown leaf of ``rule`` reads."""
        found = self._missing.get(id(rule))
        if found is None:
            facts = self._survivors.query.facts
            found = frozenset(
                leaf.field
                for leaf in unknown_leaves(rule, facts.get)
                if leaf.field.startswith(_ASKED_OWNERS) and leaf.field not in _NEVER_ASKED
            )
            self._missing[id(rule)] = found
        return found

    def best(
        self, rules: Sequence[Rule], rows: Sequence[int], field: str, assumed: Answer
    ) -> Answer:
        """All musts together, the best surviving row."""
        return max(
            min((self._answer(rule, row, field, assumed) for rule in rules), default=Answer.YES)
            for row in rows
        )

    def _answer(self, rule: Rule, row: int, field: str, assumed: Answer) -> Answer:
        key = (id(rule), self._said(rule, row), field, assumed)
        found = self._answers.get(key)
        if found is None:
            found = answer_if(rule, self._survivors.facts(row), field, assumed)
            self._answers[key] = found
        return found

    def _said(self, rule: Rule, row: int) -> tuple[Answer, ...]:
        """What ``row`` answers to the leaves of ``rule`` that read it."""
        found = self._seen.get((id(rule), row))
        if found is None:
            facts = self._survivors.facts(row)
            found = tuple(
                leaf_answer(leaf.op, leaf.value, facts(leaf.field))
                for leaf in leaves(rule)
                if not leaf.field.startswith(_ASKED_OWNERS)
            )
            self._seen[id(rule), row] = found
        return found


def _shares(query: Query, tables: ScoreTables, active: Sequence[str]) -> dict[str, int]:
    """The share of each missing field that would alone open features, in millionths."""
    lo, hi = tables.ends(active)
    given = query.given()
    opened: dict[str, list[str]] = {}
    for feature in FEATURES:
        missing = [need for need in feature.needs if need not in given]
        if len(missing) == 1 and feature.name not in active and applies(feature, query.kind):
            opened.setdefault(missing[0], []).append(feature.name)
    shares: dict[str, int] = {}
    for field, names in opened.items():
        new_lo, new_hi = tables.ends([*active, *names])
        # A card may weigh features at 0: such a field opens nothing.
        if new_hi > new_lo:
            shares[field] = MILLION * (new_hi - new_lo - (hi - lo)) // (new_hi - new_lo)
    return shares


def _count_shares(
    survivors: Survivors, tables: ScoreTables, active: Sequence[str]
) -> dict[str, int]:
    """The share of price for each count that the price of a surviving row waits for."""
    if "price" not in active:
        return {}
    lo, hi = tables.ends(active)
    if lo == hi:
        return {}
    without_lo, without_hi = tables.ends([name for name in active if name != "price"])
    share = MILLION * ((hi - lo) - (without_hi - without_lo)) // (hi - lo)
    return {f"profile.{unit}": share for unit in survivors.awaited()}
