"""Which offerings are considered, and which of them a named rule excludes (scoring.md 2 and 4).

A rule tree is compiled to pairs of bitsets over the rows: ``yes``, and ``may`` = yes or unknown. On
such pairs Kleene's logic is bitwise. `rules.answer` is the one semantics; a property test holds
this equal to it on every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.index import NO_DATE, Index
from matchmaker.rules import (
    AllOf,
    Answer,
    Leaf,
    Not,
    Op,
    Rule,
    answer,
    conjuncts,
    fields,
    leaf_answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.ranking.columns import Answers
    from matchmaker.ranking.price import Bools, Prices
    from matchmaker.ranking.query import Query

PROVIDER_MUST = "provider.must"
PROFILE_MUST = "profile.must"
NEED_MUST = "need.must"
CURATION = "curation"
_VECTOR_OPS = frozenset({Op.GTE, Op.LTE, Op.BETWEEN})
_Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pair:
    """Packed bits over the rows: where a rule answers yes, and where it answers yes or unknown."""

    yes: _Bits
    may: _Bits

    def __and__(self, other: Pair) -> Pair:
        """All."""
        return Pair(self.yes & other.yes, self.may & other.may)

    def __or__(self, other: Pair) -> Pair:
        """Any."""
        return Pair(self.yes | other.yes, self.may | other.may)

    def __invert__(self) -> Pair:
        """Not."""
        return Pair(~self.may, ~self.yes)

    def answers(self, rows: int) -> Answers:
        """The answers unpacked, of shape (rows,)."""
        return (_unpack(self.yes, rows).astype(np.int8) + _unpack(self.may, rows)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the screen found.

    ``considered`` and ``excluded_by`` are over offerings; ``excluded_by`` is a place in ``rules``,
    -1 for none. ``alive`` and ``unconfirmed`` are over rows: kept by every rule, and kept by an
    unknown answer of some rule.
    """

    considered: Bools
    rules: tuple[str, ...]
    excluded_by: NDArray[np.int16]
    alive: Bools
    unconfirmed: Bools

    def excluded(self) -> dict[str, int]:
        """How many offerings each rule excluded, rules that excluded none left out."""
        counts = np.bincount(self.excluded_by[self.excluded_by >= 0], minlength=len(self.rules))
        return {name: int(count) for name, count in zip(self.rules, counts, strict=True) if count}


class Screen:
    """Rules over the rows of one index for one query."""

    def __init__(self, query: Query, index: Index, prices: Prices) -> None:
        """Prepare; nothing is evaluated yet."""
        self._query, self._index, self._prices = query, index, prices
        self._rows = len(index.offering_of_row)

    def pair(self, rule: Rule) -> Pair:
        """``rule`` compiled to bitsets over the rows."""
        if isinstance(rule, Leaf):
            return self._leaf(rule)
        if isinstance(rule, Not):
            return ~self.pair(rule.part)
        if isinstance(rule, AllOf):
            return reduce(Pair.__and__, map(self.pair, rule.parts), self._constant(Answer.YES))
        return reduce(Pair.__or__, map(self.pair, rule.parts), self._constant(Answer.NO))

    def answers(self, rule: Rule) -> Answers:
        """The answer of ``rule`` for every row."""
        return self.pair(rule).answers(self._rows)

    def provider_answers(self, place: int) -> Answers:
        """The answers of the ``place``-th conjunct of each offering's own must; yes without one."""
        musts, index = self._index.musts, self._index
        code_of_row = musts.codes[index.offering_of_row]
        out = np.full(self._rows, Answer.YES, np.int8)
        for code, tree in enumerate(musts.trees):
            if place < len(tree):
                here = code_of_row == code
                if _reads_rows(tree[place]):
                    out[here] = self.answers(tree[place])[here]
                else:
                    out[here] = answer(tree[place], self._query.facts.get)
        return out

    def _leaf(self, leaf: Leaf) -> Pair:
        owner, _, name = leaf.field.partition(".")
        if owner not in {"offering", "package"}:
            return self._constant(
                leaf_answer(leaf.op, leaf.value, self._query.facts.get(leaf.field))
            )
        if leaf.field == "package.price":
            return self._pack(self._price(leaf))
        index = self._index
        column = index.rows.get(name) if owner == "package" else index.declared.get(name)
        if column is None:
            return self._constant(leaf_answer(leaf.op, leaf.value, None))
        answers = column.answers(leaf)[column.codes]
        return self._pack(answers if owner == "package" else answers[index.offering_of_row])

    def _price(self, leaf: Leaf) -> Answers:
        known, values = self._prices.known, self._prices.first_year
        if leaf.op in _VECTOR_OPS:
            holds = _compare(leaf, values)
        else:
            distinct, inverse = np.unique(np.where(known, values, 0), return_inverse=True)
            table = [leaf_answer(leaf.op, leaf.value, int(value)) for value in distinct]
            return np.where(
                known, np.array(table, np.int8)[inverse], leaf_answer(leaf.op, leaf.value, None)
            )
        return np.where(known, np.where(holds, Answer.YES, Answer.NO), Answer.UNKNOWN).astype(
            np.int8
        )

    def _constant(self, answer: Answer) -> Pair:
        return self._pack(np.full(self._rows, answer, np.int8))

    def _pack(self, answers: Answers) -> Pair:
        return Pair(np.packbits(answers == Answer.YES), np.packbits(answers != Answer.NO))


def screen(
    query: Query, index: Index, prices: Prices, exclusions: Mapping[str, Sequence[int]]
) -> Verdict:
    """The verdict on every offering; ``exclusions`` are places of offerings by curation id."""
    considered = considered_offerings(query, index)
    alive = considered[index.offering_of_row]
    unconfirmed = np.zeros(len(alive), np.bool_)
    excluded_by = np.full(index.offerings, -1, np.int16)
    names: list[str] = []
    left = considered
    for name, answers in _rules(query, index, prices, exclusions):
        alive = alive & (answers != Answer.NO)
        unconfirmed |= answers == Answer.UNKNOWN
        still = _any_by_offering(alive, index)
        excluded_by[left & ~still] = len(names)
        names.append(name)
        left = still
    return Verdict(considered, tuple(names), excluded_by, alive, unconfirmed & alive)


def considered_offerings(query: Query, index: Index) -> Bools:
    """Which offerings are of the need's kind, live, visible and in the pools asked for."""
    of_kind = np.array([value == query.kind for value in index.kind.values], np.bool_)[
        index.kind.codes
    ]
    today = query.today.toordinal()
    live = (index.valid_from <= today) & ((index.valid_to == NO_DATE) | (index.valid_to >= today))
    considered: Bools = of_kind & live & visible(query.caller_pools, index)
    return considered & _in_pools(query.pools, index) if query.pools else considered


def visible(caller_pools: frozenset[str], index: Index) -> Bools:
    """Of shape (offerings,): public, or in a pool the caller holds."""
    return index.public | _in_pools(caller_pools, index)


def musts_of(query: Query, index: Index, offering: int) -> Iterator[tuple[str, Rule]]:
    """The musts that speak about the offering at this place, by name, in their order."""
    yield from _named(PROVIDER_MUST, index.musts.trees[int(index.musts.codes[offering])])
    yield from _named(PROFILE_MUST, conjuncts(query.profile_must))
    yield from _named(NEED_MUST, conjuncts(query.need_must))


def _rules(
    query: Query, index: Index, prices: Prices, exclusions: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, Answers]]:
    screen_of = Screen(query, index, prices)
    for place in range(max(map(len, index.musts.trees), default=0)):
        yield f"{PROVIDER_MUST}.{place}", screen_of.provider_answers(place)
    for owner, must in ((PROFILE_MUST, query.profile_must), (NEED_MUST, query.need_must)):
        for name, rule in _named(owner, conjuncts(must)):
            yield name, screen_of.answers(rule)
    for curation in sorted(exclusions):
        allowed = np.full(index.offerings, Answer.YES, np.int8)
        allowed[list(exclusions[curation])] = Answer.NO
        yield f"{CURATION}.{curation}", allowed[index.offering_of_row]


def _named(owner: str, parts: Sequence[Rule]) -> Iterator[tuple[str, Rule]]:
    return ((f"{owner}.{place}", rule) for place, rule in enumerate(parts))


def _in_pools(pools: frozenset[str], index: Index) -> Bools:
    column = index.pools
    if not column.names:
        return np.zeros(index.offerings, np.bool_)
    wanted = np.array([name in pools for name in column.names], np.int64)
    return column.greatest(wanted, 0).astype(np.bool_)[column.codes]


def _any_by_offering(rows: Bools, index: Index) -> Bools:
    return np.logical_or.reduceat(rows, index.row_start[:-1])


def _reads_rows(rule: Rule) -> bool:
    return any(field.startswith(("offering.", "package.")) for field in fields(rule))


def _compare(leaf: Leaf, values: NDArray[np.int64]) -> Bools:
    """gte, lte or between on whole numbers.

    The rule parser has made sure that the bounds are numbers.
    """
    bounds = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    numbers = [bound for bound in bounds if isinstance(bound, int | float)]
    low = np.ones(len(values), np.bool_) if leaf.op is Op.LTE else values >= numbers[0]
    return low if leaf.op is Op.GTE else low & (values <= numbers[-1])


def _unpack(bits: _Bits, rows: int) -> NDArray[np.uint8]:
    return np.unpackbits(bits, count=rows)
