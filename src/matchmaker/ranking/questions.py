"""Which missing facts would change this match, and how much (scoring.md 16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchmaker.ranking.facts import UNITS
from matchmaker.ranking.features import FEATURES, applies
from matchmaker.ranking.screen import musts_of
from matchmaker.ranking.tables import MILLION, ScoreTables
from matchmaker.rules import Answer, Fact, Rule, answer_if, unknown_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matchmaker.ranking.index import Index
    from matchmaker.ranking.price import Bools, Prices
    from matchmaker.ranking.query import Query

_ASKED_OWNERS = ("profile.", "need.")


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
    prices: Prices
    alive: Bools

    def facts(self, row: int) -> Callable[[str], Fact]:
        """The facts about ``row``, by field name."""

        def fact(field: str) -> Fact:
            if field.startswith(_ASKED_OWNERS):
                return self.query.facts.get(field)
            if field == "package.price":
                return int(self.prices.first_year[row]) if self.prices.known[row] else None
            return self.index.fact(field, row)

        return fact

    def rows_of(self, offering: int) -> list[int]:
        """The surviving rows of the offering."""
        return [row for row in self.index.rows_of(offering) if self.alive[row]]


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
    counts: dict[str, int] = {}
    for offering in asked:
        rules = [rule for _, rule in musts_of(survivors.query, survivors.index, offering)]
        rows = [survivors.facts(row) for row in survivors.rows_of(offering)]
        fields = {
            leaf.field
            for facts in rows
            for rule in rules
            for leaf in unknown_leaves(rule, facts)
            if leaf.field.startswith(_ASKED_OWNERS)
        }
        for field in fields:
            if _best(rules, rows, field, Answer.YES) != _best(rules, rows, field, Answer.NO):
                counts[field] = counts.get(field, 0) + 1
    return counts


def _best(
    rules: Sequence[Rule], rows: Sequence[Callable[[str], Fact]], field: str, assumed: Answer
) -> Answer:
    """All musts together, the best surviving row."""
    return max(
        min((answer_if(rule, facts, field, assumed) for rule in rules), default=Answer.YES)
        for facts in rows
    )


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
    waits = survivors.prices.waits_for & survivors.alive[:, None]
    return {f"profile.{unit}": share for place, unit in enumerate(UNITS) if waits[:, place].any()}
