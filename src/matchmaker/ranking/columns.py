"""Coded columns of the index: every distinct value once, a small code for each offering or row.

Code 0 is unknown. A question to a column (a feature's step, a rule's answer) is asked once per
distinct value, or once per distinct element of a set-valued column, and spread over the codes.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left
from collections import defaultdict
from dataclasses import Field, dataclass, replace
from itertools import count, islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.facts import ALL
from matchmaker.ranking.planes import Planes, planes_of
from matchmaker.rules import Answer, Fact, Leaf, Op, Span, leaf_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

Codes = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]
Int = NDArray[np.int64]
Answers = NDArray[np.int8]
_LAST: Final = "\U0010ffff"
NOTHING: Final = -1
"""Bounds of what is unknown, and of what has none."""
_T = TypeVar("_T")
_N = TypeVar("_N", bound=np.signedinteger)
_C = TypeVar("_C", bound="Coded")


class Coded(Protocol):
    """A dataclass with a code for each offering or row."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def codes(self) -> Codes:
        """The code of each offering or row."""
        ...


class Column(Coded, Protocol):
    """Codes of one fact, and what each code stands for."""

    def fact(self, code: int) -> Fact:
        """The fact behind ``code``; None for 0."""
        ...

    def answers(self, leaf: Leaf) -> Answers:
        """The answer of ``leaf`` for each code, of shape (codes,)."""
        ...


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """Single values: ``values[code]``, ``values[0]`` is None.

    ``bounds``, of shape (2, codes), are the ends of each value: of a span in whole numbers, of a
    date its ordinal twice.
    """

    codes: Codes
    values: tuple[Fact, ...]
    bounds: Int

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
    """Sets of codes, the larger first.

    Set ``code`` holds ``names[i]`` for the ``members`` i that are the parts of whole ``code - 1``
    of ``planes``; names are in order, and ``place`` says where each stands.
    """

    codes: Codes
    names: tuple[str, ...]
    planes: Planes
    members: NDArray[np.int32]
    place: Mapping[str, int]

    def within(self, prefix: str) -> slice:
        """Where the names stand that begin with ``prefix``."""
        return slice(bisect_left(self.names, prefix), bisect_left(self.names, prefix + _LAST))

    def fact(self, code: int) -> Fact:
        """The set behind ``code``; None for 0."""
        if code == 0:
            return None
        members = [int(self.members[part]) for part in self.planes.parts_of(code - 1)]
        return frozenset(self.names[member] for member in members)

    def answers(self, leaf: Leaf) -> Answers:
        """The answer of ``leaf`` for each set.

        Any element decides a positive op, all of them ``not_in``.
        """
        if leaf.op is Op.EXISTS:
            answers = np.full(self.planes.wholes + 1, Answer.YES, np.int8)
            answers[0] = Answer.NO
            return answers
        ufunc = np.minimum if leaf.op is Op.NOT_IN else np.maximum
        return self._fold(ufunc, self._of_names(leaf), Answer.UNKNOWN)

    def _of_names(self, leaf: Leaf) -> Answers:
        """The answer for each name alone; names that begin with nothing listed answer alike."""
        places = range(len(self.names))
        listed = leaf.value if isinstance(leaf.value, tuple) else ()
        known = [value for value in (ALL, *listed) if isinstance(value, str)]
        near = {place for value in known for place in places[self.within(value)]}
        strangers = [place for place in places if place not in near]
        answers = np.empty(len(places), np.int8)
        for place in (*near, *strangers[:1]):
            name = frozenset((self.names[place],))
            answers[place] = leaf_answer(leaf.op, leaf.value, name)
        answers[strangers] = answers[strangers[:1]]
        return answers

    def greatest(self, of_element: Int) -> Int:
        """The greatest value over the elements of each set, of shape (codes,); 0 for code 0."""
        return self._fold(np.maximum, of_element, 0)

    def _fold(self, ufunc: np.ufunc, of_element: NDArray[_N], unknown: int) -> NDArray[_N]:
        out = np.full(self.planes.wholes + 1, unknown, of_element.dtype)
        out[1:] = self.planes.fold(ufunc, of_element.take(self.members))
        return out


class Coder(Generic[_T]):
    """Codes from 1 in order of first appearance, 0 for None; and the distinct facts."""

    def __init__(
        self, facts: Iterable[_T | None] = (), *, kind: Callable[[_T | None], Hashable] = type
    ) -> None:
        """Code ``facts``; the same are those equal and of one ``kind``: True is no 1."""
        self.distinct: list[_T] = []
        self._kind = kind
        self._place: defaultdict[tuple[Hashable, _T | None], int] = defaultdict(count().__next__)
        _ = self._place[kind(None), None]
        self._codes = array("I")
        self.extend([*facts])

    def extend(self, facts: Sequence[_T | None]) -> None:
        """The next offerings or rows, and their facts."""
        known, keys = len(self._place), zip(map(self._kind, facts), facts, strict=True)
        self._codes.extend(map(self._place.__getitem__, keys))
        # What is new stands last; only code 0 is of no fact.
        new = islice(reversed(self._place), len(self._place) - known)
        self.distinct += [cast("_T", fact) for _, fact in [*new][::-1]]

    def code(self, fact: _T) -> int:
        """The code of ``fact``, a new one where nobody has it yet."""
        code = self._place[self._kind(fact), fact]
        if code > len(self.distinct):
            self.distinct.append(fact)
        return code

    def add(self, codes: NDArray[np.uint32]) -> None:
        """The next offerings or rows by codes that were given out."""
        self._codes.frombytes(codes.tobytes())

    def fill(self, count: int) -> None:
        """Make it ``count`` offerings or rows; of those that are added nothing is known."""
        if len(self._codes) < count:
            self._codes.extend([0] * (count - len(self._codes)))

    def mapped(self, change: Callable[[_T], Fact]) -> Coder[Fact]:
        """The same codes, of what ``change`` makes of the facts."""
        found: Coder[Fact] = Coder()
        found.distinct, found._codes = [*map(change, self.distinct)], self._codes
        return found

    def of(self, places: Int) -> tuple[Int, NDArray[np.uint32]]:
        """The codes at these ``places``: those that are there, in order of first appearance.

        And for each place where its own stands in that order, from 1; 0 for None.
        """
        # Not a copy of all of them, and let go of before any is added.
        codes = np.frombuffer(self._codes, np.uint32)[places]
        first = np.full(len(self.distinct) + 1, len(codes), np.int64)
        # Backwards, so that the first one stays; five times as fast as `numpy.minimum.at`.
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        seen = 1 + np.flatnonzero(first[1:] < len(codes))
        seen = seen[np.argsort(first[seen])]
        anew = np.zeros(len(self.distinct) + 1, np.uint32)
        anew[seen] = np.arange(1, len(seen) + 1)
        return seen, anew[codes]

    def facts(self, codes: Int) -> list[_T]:
        """The facts behind ``codes`` from 1."""
        return [self.distinct[code - 1] for code in codes.tolist()]

    def one_each(self, codes: Int) -> Coder[_T]:
        """One that has nothing, and then each of the facts behind ``codes`` once."""
        found: Coder[_T] = Coder()
        found.distinct, found._codes = self.facts(codes), array("I", range(len(codes) + 1))
        return found

    def codes(self) -> Codes:
        """The code of each offering or row."""
        return narrow(np.array(self._codes, np.uint32), len(self.distinct))


def narrow(codes: NDArray[np.integer], greatest: int) -> Codes:
    """``codes`` in the smallest type that holds ``greatest``."""
    if greatest <= np.iinfo(np.uint8).max:
        return codes.astype(np.uint8)
    if greatest <= np.iinfo(np.uint16).max:
        return codes.astype(np.uint16)
    return codes.astype(np.uint32)


def value_column(coder: Coder[Fact]) -> ValueColumn:
    """A column of single values."""
    return values_of(coder.codes(), (None, *coder.distinct))


def values_of(codes: Codes, values: Iterable[Fact]) -> ValueColumn:
    """The column of ``codes`` for ``values``."""
    facts = tuple(values)
    return ValueColumn(codes, facts, np.array([*map(_bounds, facts)], np.int64).T.copy())


def set_column(coder: Coder[Fact]) -> SetColumn:
    """A column of sets; the empty set, and what is no set, is unknown."""
    sets = [sorted(fact) if isinstance(fact, frozenset) else [] for fact in coder.distinct]
    codes, held = _longest_first(coder.codes(), sets)
    names = sorted({name for members in held for name in members})
    place = placed(names)
    planes = planes_of([len(members) for members in held])
    members = [place[name] for name in planes.laid_out(held)]
    return SetColumn(codes, tuple(names), planes, np.array(members, np.int32), place)


def placed(names: Sequence[str]) -> dict[str, int]:
    """Where each name stands."""
    return {name: place for place, name in enumerate(names)}


def _longest_first(
    codes: Codes, distinct: Sequence[Sequence[_T]]
) -> tuple[Codes, list[Sequence[_T]]]:
    """The lists behind ``codes``, the longest first, and their new codes; 0 for empty ones."""
    ranked = sorted(range(len(distinct)), key=lambda each: -len(distinct[each]))
    held = [distinct[each] for each in ranked if distinct[each]]
    code = np.zeros(len(distinct) + 1, np.uint32)
    code[1 + np.array(ranked[: len(held)], np.int64)] = np.arange(1, len(held) + 1)
    return narrow(code[codes], len(held)), held


def in_order(column: _C, order: Int) -> _C:
    """The column of the offerings or rows that stand at the places ``order``."""
    return replace(column, codes=column.codes[order])


def _bounds(fact: Fact) -> tuple[int, int]:
    if isinstance(fact, Span):
        return int(fact.low), int(fact.high)
    if isinstance(fact, dt.date):
        return fact.toordinal(), fact.toordinal()
    return NOTHING, NOTHING
