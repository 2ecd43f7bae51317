"""Coded columns of the index: every distinct value once, a small code for each offering or row.

Code 0 is unknown. A question to a column (a feature's step, a rule's answer) is asked once per
distinct value, or once per distinct element of a set-valued column, and spread over the codes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from matchmaker.rules import Answer, Fact, Leaf, Op, leaf_answer

Codes = NDArray[np.uint16] | NDArray[np.uint32]
Int = NDArray[np.int64]
Answers = NDArray[np.int8]
MOST_FEATURE_CODES: Final = 65_535
_T = TypeVar("_T", bound=Hashable)


class Column(Protocol):
    """Codes of one fact, and what each code stands for."""

    @property
    def codes(self) -> Codes:
        """The code of each offering or row."""
        ...

    def fact(self, code: int) -> Fact:
        """The fact behind ``code``; None for 0."""
        ...

    def answers(self, leaf: Leaf) -> Answers:
        """The answer of ``leaf`` for each code, of shape (codes,)."""
        ...


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """Single values: ``values[code]``, ``values[0]`` is None."""

    codes: Codes
    values: tuple[Fact, ...]

    def fact(self, code: int) -> Fact:
        """The fact behind ``code``."""
        return self.values[code]

    def answers(self, leaf: Leaf) -> Answers:
        """The answer of ``leaf`` for each value."""
        return np.fromiter(
            (leaf_answer(leaf.op, leaf.value, value) for value in self.values),
            np.int8,
            len(self.values),
        )


@dataclass(frozen=True, slots=True)
class SetColumn:
    """Sets of codes: set ``code`` holds ``names[i]`` for i in ``members[start[code].

    Start[code + 1]]``.
    """

    codes: Codes
    names: tuple[str, ...]
    start: Int
    members: Int

    def fact(self, code: int) -> Fact:
        """The set behind ``code``; None for 0."""
        if code == 0:
            return None
        members: list[int] = self.members[self.start[code] : self.start[code + 1]].tolist()
        return frozenset(self.names[i] for i in members)

    def answers(self, leaf: Leaf) -> Answers:
        """The answer of ``leaf`` for each set.

        Any element decides a positive op, all of them ``not_in``.
        """
        if leaf.op is Op.EXISTS:
            answers = np.full(len(self.start) - 1, Answer.YES, np.int8)
            answers[0] = Answer.NO
            return answers
        of_element = np.fromiter(
            (leaf_answer(leaf.op, leaf.value, frozenset((name,))) for name in self.names),
            np.int8,
            len(self.names),
        )
        if leaf.op is Op.NOT_IN:
            return self.least(of_element, int(Answer.UNKNOWN)).astype(np.int8)
        return self.greatest(of_element, int(Answer.UNKNOWN)).astype(np.int8)

    def greatest(self, of_element: NDArray[np.signedinteger], unknown: int) -> Int:
        """The greatest value over the elements of each set, of shape (codes,).

        ``unknown`` for code 0.
        """
        return self._reduce(np.maximum, of_element, unknown)

    def least(self, of_element: NDArray[np.signedinteger], unknown: int) -> Int:
        """The least value over the elements of each set, of shape (codes,).

        ``unknown`` for code 0.
        """
        return self._reduce(np.minimum, of_element, unknown)

    def _reduce(self, ufunc: np.ufunc, of_element: NDArray[np.signedinteger], unknown: int) -> Int:
        out = np.full(len(self.start) - 1, unknown, np.int64)
        if len(out) > 1:
            out[1:] = ufunc.reduceat(of_element[self.members], self.start[1:-1])
        return out


def value_column(facts: Sequence[Fact]) -> ValueColumn:
    """A column of single values; None becomes code 0."""
    codes, distinct = encode(facts, is_unknown=lambda fact: fact is None)
    return ValueColumn(codes, (None, *distinct))


def set_column(sets: Sequence[frozenset[str]]) -> SetColumn:
    """A column of sets; the empty set is unknown."""
    codes, distinct = encode(sets, is_unknown=lambda members: not members)
    names = tuple(sorted({name for members in distinct for name in members}))
    place = {name: i for i, name in enumerate(names)}
    lengths = [0, 0, *(len(members) for members in distinct)]
    start = np.cumsum(np.array(lengths, np.int64))
    flat = [place[name] for members in distinct for name in sorted(members)]
    return SetColumn(codes, names, start, np.array(flat, np.int64))


def _typed(fact: object) -> Hashable:
    """What tells facts apart: True is no 1."""
    return type(fact), fact


def encode(
    facts: Iterable[_T],
    *,
    is_unknown: Callable[[_T], bool],
    key: Callable[[_T], Hashable] = _typed,
) -> tuple[Codes, list[_T]]:
    """Codes from 1 in order of first appearance, 0 for unknown; and the distinct facts.

    Facts of one ``key`` are the same.
    """
    place: dict[Hashable, int] = {}
    distinct: list[_T] = []
    codes: list[int] = []
    for fact in facts:
        if is_unknown(fact):
            codes.append(0)
            continue
        code = place.setdefault(key(fact), len(place) + 1)
        if code > len(distinct):
            distinct.append(fact)
        codes.append(code)
    if len(distinct) <= MOST_FEATURE_CODES:
        return np.array(codes, np.uint16), distinct
    return np.array(codes, np.uint32), distinct
