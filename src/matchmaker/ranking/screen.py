"""Which offerings are considered, and which of them a named rule excludes (scoring.md 2 and 4).

A rule tree is compiled to pairs of bitsets over the rows: ``yes``, and ``may`` = yes or unknown. On
such pairs Kleene's logic is bitwise. `rules.answer` is the one semantics; a property test holds
this equal to it on every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.price import Prices, prices
from matchmaker.ranking.steps import Level
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
    from matchmaker.ranking.index import Columns, Index, MustsColumn
    from matchmaker.ranking.price import Bools
    from matchmaker.ranking.query import Query

PROVIDER_MUST = "provider.must"
PROFILE_MUST = "profile.must"
NEED_MUST = "need.must"
CURATION = "curation"
_VECTOR_OPS = frozenset({Op.GTE, Op.LTE, Op.BETWEEN})
_Bits = NDArray[np.uint8]
# As int8: a comparison of int8 with a member of an enum is made in int64, eight times as slow.
_NO, _UNKNOWN, _YES = (np.int8(each) for each in (Answer.NO, Answer.UNKNOWN, Answer.YES))


@dataclass(frozen=True, slots=True)
class Pair:
    """Packed bits: where a rule answers yes, and where it answers yes or unknown."""

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

    def answers(self, count: int) -> Answers:
        """The first ``count`` answers, unpacked."""
        answers = np.unpackbits(self.yes, count=count) + np.unpackbits(self.may, count=count)
        return answers.view(np.int8)


@dataclass(frozen=True)
class Verdict:
    """What the screen found.

    ``considered``, ``scored`` (those that no rule excluded) and ``passed`` (what each of the
    ``rules`` left) are over offerings. ``alive`` and ``unconfirmed`` are over rows: kept by every
    rule, and kept by an unknown answer of some rule.
    """

    considered: Bools
    scored: Bools
    rules: tuple[str, ...]
    passed: tuple[Bools, ...]
    excluded: Mapping[str, int]
    """How many offerings each rule excluded, rules that excluded none left out."""
    alive: Bools
    unconfirmed: Bools

    @cached_property
    def excluded_by(self) -> NDArray[np.int16]:
        """The place in ``rules`` of what excluded each offering, -1 for nothing.

        A match does without; who asks for what it left out is told.
        """
        found = np.full(len(self.considered), -1, np.int16)
        for place, (left, still) in enumerate(pairwise((self.considered, *self.passed))):
            found[left & ~still] = place
        return found


class Screen:
    """Rules over the offerings or the rows of some columns, for one query."""

    def __init__(self, query: Query, columns: Columns) -> None:
        """Prepare; nothing is evaluated yet."""
        self._query, self._columns = query, columns

    @cached_property
    def prices(self) -> Prices:
        """The prices of all rows."""
        return prices(self._columns.price, self._query.currency, self._query.counts)

    def answers(self, rule: Rule) -> Answers:
        """The answer of ``rule`` for every row, or for every offering where it reads no row."""
        level = Level.ROW if _reads(rule, "package.") else Level.OFFERING
        if isinstance(rule, Leaf) and _reads(rule, "package.", "offering."):
            return self._of_leaf(rule, level)
        return self.pair(rule, level).answers(self._size(level))

    def pair(self, rule: Rule, level: Level) -> Pair:
        """``rule`` compiled to bitsets over the rows, or over the offerings if it reads no row."""
        if isinstance(rule, Leaf):
            return self._leaf(rule, level)
        if isinstance(rule, Not):
            return ~self.pair(rule.part, level)
        parts = [self.pair(part, level) for part in rule.parts]
        if isinstance(rule, AllOf):
            return reduce(Pair.__and__, parts, self._constant(Answer.YES, level))
        return reduce(Pair.__or__, parts, self._constant(Answer.NO, level))

    def provider_answers(self, musts: MustsColumn, place: int) -> Answers:
        """The answers of the ``place``-th conjunct of each offering's own must; yes without one.

        For every row, or for every offering where no such conjunct reads a row.
        """
        rules = [tree[place] if place < len(tree) else AllOf(()) for tree in musts.trees]
        of_firm = np.array([answer(rule, self._query.facts.get) for rule in rules], np.int8)
        out, planes = of_firm.take(musts.codes), self._columns.planes
        reading = [code for code, rule in enumerate(rules) if _reads(rule, "offering.", "package.")]
        if reading:
            out = planes.spread(out).copy()
        for code in reading:
            here = planes.spread(musts.codes == code)
            out[here] = self.by_row(self.answers(rules[code]))[here]
        return out

    def by_row(self, answers: Answers) -> Answers:
        """``answers`` of offerings or of rows, for every row."""
        planes = self._columns.planes
        return answers if len(answers) == planes.parts else planes.spread(answers)

    def _leaf(self, leaf: Leaf, level: Level) -> Pair:
        if not _reads(leaf, "package.", "offering."):
            said = leaf_answer(leaf.op, leaf.value, self._query.facts.get(leaf.field))
            return self._constant(said, level)
        answers = self._of_leaf(leaf, level)
        return Pair(np.packbits(answers == _YES), np.packbits(answers != _NO))

    def _of_leaf(self, leaf: Leaf, level: Level) -> Answers:
        owner, _, name = leaf.field.partition(".")
        if leaf.field == "package.price":
            return self._price(leaf)
        columns = self._columns
        column = columns.rows.get(name) if owner == "package" else columns.declared.get(name)
        if column is None:
            said = leaf_answer(leaf.op, leaf.value, None)
            return np.full(self._size(level), said, np.int8)
        answers = column.answers(leaf).take(column.codes, mode="clip")
        is_spread = owner == "offering" and level is Level.ROW
        return columns.planes.spread(answers) if is_spread else answers

    def _price(self, leaf: Leaf) -> Answers:
        known, values = self.prices.known, self.prices.first_year
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

    def _constant(self, answer: Answer, level: Level) -> Pair:
        size = self._size(level) + 7 >> 3
        yes, may = (np.uint8(255 * holds) for holds in (answer == Answer.YES, answer != Answer.NO))
        return Pair(np.full(size, yes), np.full(size, may))

    def _size(self, level: Level) -> int:
        planes = self._columns.planes
        return planes.parts if level is Level.ROW else planes.wholes


def screen(query: Query, index: Index, exclusions: Mapping[str, Sequence[int]]) -> Verdict:
    """The verdict on every offering; ``exclusions`` are places of offerings by curation id."""
    planes, considered = index.planes, considered_offerings(query, index)
    # What a rule says of offerings is spread over their rows once, behind all rules.
    is_open, rows = np.zeros(index.offerings, np.bool_), _Rows()
    passed: list[Bools] = []
    excluded: dict[str, int] = {}
    names: list[str] = []
    left, count = considered, int(np.count_nonzero(considered))
    for name, answers in _rules(query, index, exclusions):
        if len(answers) == index.offerings:
            is_open |= answers == _UNKNOWN
            still = left & (answers != _NO)
        else:
            still = left & planes.fold(np.logical_or, rows.take(answers))
        remaining = int(np.count_nonzero(still))
        excluded[name] = count - remaining
        names.append(name)
        passed.append(still)
        left, count = still, remaining
    excluded = {name: count for name, count in excluded.items() if count}
    alive, unconfirmed = rows.of(planes.spread(left), planes.spread(is_open))
    return Verdict(considered, left, tuple(names), tuple(passed), excluded, alive, unconfirmed)


class _Rows:
    """What rules that read rows have said so far of each; nothing where there is no such rule."""

    def __init__(self) -> None:
        """No rule yet."""
        self._kept: Bools | None = None
        self._open: Bools | None = None

    def take(self, answers: Answers) -> Bools:
        """The rows that are kept by every rule up to this one."""
        kept: Bools = answers != _NO
        is_open = answers == _UNKNOWN
        if self._kept is not None:
            kept &= self._kept
        self._kept = kept
        self._open = is_open if self._open is None else self._open | is_open
        return kept

    def of(self, left: Bools, is_open: Bools) -> tuple[Bools, Bools]:
        """Of the rows of what is ``left``: which are kept, and which by an unknown answer."""
        alive = left if self._kept is None else left & self._kept
        return alive, alive & (is_open if self._open is None else is_open | self._open)


def considered_offerings(query: Query, index: Index) -> Bools:
    """Which offerings are of the need's kind, live, visible and in the pools asked for."""
    today = query.today.toordinal()
    kind = index.kind.values.index(query.kind) if query.kind in index.kind.values else -1
    considered: Bools = index.kind.codes == kind
    considered &= index.valid_from <= today
    considered &= index.valid_to >= today
    considered &= visible(query.caller_pools, index)
    if query.pools:
        considered &= _in_pools(query.pools, index)
    return considered


def visible(caller_pools: frozenset[str], index: Index) -> Bools:
    """Of shape (offerings,): public, or in a pool the caller holds."""
    return index.public | _in_pools(caller_pools, index) if caller_pools else index.public


def musts_of(query: Query, index: Index, offering: int) -> Iterator[tuple[str, Rule]]:
    """The musts that speak about the offering at this place, by name, in their order."""
    yield from _named(PROVIDER_MUST, index.musts.trees[int(index.musts.codes[offering])])
    yield from _named(PROFILE_MUST, conjuncts(query.profile_must))
    yield from _named(NEED_MUST, conjuncts(query.need_must))


def _rules(
    query: Query, index: Index, exclusions: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, Answers]]:
    screen_of = Screen(query, index)
    for place in range(max(map(len, index.musts.trees), default=0)):
        yield f"{PROVIDER_MUST}.{place}", screen_of.provider_answers(index.musts, place)
    for owner, must in ((PROFILE_MUST, query.profile_must), (NEED_MUST, query.need_must)):
        for name, rule in _named(owner, conjuncts(must)):
            yield name, screen_of.answers(rule)
    for curation in sorted(exclusions):
        allowed = np.full(index.offerings, Answer.YES, np.int8)
        allowed[list(exclusions[curation])] = Answer.NO
        yield f"{CURATION}.{curation}", allowed


def _named(owner: str, parts: Sequence[Rule]) -> Iterator[tuple[str, Rule]]:
    return ((f"{owner}.{place}", rule) for place, rule in enumerate(parts))


def _in_pools(pools: frozenset[str], index: Index) -> Bools:
    column = index.pools
    wanted = np.array([name in pools for name in column.names], np.int64)
    return column.greatest(wanted).astype(np.bool_).take(column.codes)


def _reads(rule: Rule, *owners: str) -> bool:
    return any(field.startswith(owners) for field in fields(rule))


def _compare(leaf: Leaf, values: NDArray[np.int64]) -> Bools:
    """gte, lte or between on whole numbers.

    The rule parser has made sure that the bounds are numbers.
    """
    bounds = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    numbers = [bound for bound in bounds if isinstance(bound, int | float)]
    low = np.ones(len(values), np.bool_) if leaf.op is Op.LTE else values >= numbers[0]
    return low if leaf.op is Op.GTE else low & (values <= numbers[-1])
