"""The answer of a match in numbers and codes; no language yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.ranking.interleaving import Drafted
    from matchmaker.ranking.questions import Question
    from matchmaker.ranking.slate import Add, MissedFloor, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One shown offering, on its best row.

    ``steps`` by feature, ``effects`` and ``contributions`` by feature and pair, in millionths.
    Prices are minor units of the need's currency, None when unknown; ``waits_for`` are the counts
    of the profile that the price lacks. ``unconfirmed`` are rules that
    answered unknown on this row, ``not_stated`` features at 0 because the provider did not say.
    ``drafted`` says for which of two orders it stands there, where they were merged.
    """

    rank: int | None
    offering: int
    row: int
    steps: Mapping[str, int]
    effects: Mapping[str, int]
    base: int
    contributions: Mapping[str, int]
    curation: tuple[Add, ...]
    score: int
    fit: int | None
    alternatives: tuple[int, ...]
    unconfirmed: tuple[str, ...]
    not_stated: tuple[str, ...]
    price: int | None
    price_3_years: int | None
    waits_for: tuple[str, ...]
    tie: str
    slate: tuple[Move, ...]
    drafted: Drafted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Closed books: considered = the sum of excluded + scored."""

    considered: int
    excluded: Mapping[str, int]
    scored: int
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All of a match: A(q) and its ends, funnel, items, questions, words nobody uses.

    And the floors of curations that are not met.
    """

    active: tuple[str, ...]
    ends: tuple[int, int]
    funnel: Funnel
    items: tuple[Item, ...]
    missed_floors: tuple[MissedFloor, ...]
    questions: tuple[Question, ...]
    unmatched_terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one considered offering stands.

    An item when it was scored, else the rule that excluded it.
    """

    name: Literal["shown", "below_cut", "excluded"]
    offering: int
    item: Item | None
    excluded_by: str | None
    funnel: Funnel
