"""Every way the facts of one field can answer the leaves that read it.

A field has endlessly many facts, but its leaves tell only finitely many apart: one candidate stands
for each. For a set the candidates are its elements, and a fact is any non-empty choice of them.
Each leaf becomes a bitmask over the candidates, so that a question about all facts is a few integer
operations.
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final, TypeAlias

from matchmaker.rules.answer import ALL, Answer, Fact, leaf_answer, negation
from matchmaker.rules.finding import FieldKind, FieldSpec
from matchmaker.rules.tree import Leaf, Op, Scalar, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# A rule of 64 lists of 100 codes would keep a request busy for seconds: each answer looks at the
# values its leaf lists.
MAX_COMPARED: Final = 300_000

Literal: TypeAlias = tuple[Leaf, bool]
"""A leaf, and whether it stands as it is (True) or denied (False)."""


class Domain:
    """The facts of one field, as far as `leaves` tell them apart."""

    @classmethod
    def build(cls, spec: FieldSpec, leaves: Sequence[Leaf]) -> Domain | None:
        """The domain of a field for leaves that fit it; None where it would take too long."""
        values = [value for leaf in leaves for value in _listed(leaf)]
        candidates = _CANDIDATES[spec.kind](spec, values)
        if len(candidates) * (len(leaves) + len(values)) > MAX_COMPARED:
            return None
        return cls(leaves, candidates, is_set=spec.kind is FieldKind.SET)

    def __init__(self, leaves: Sequence[Leaf], candidates: list[Fact], *, is_set: bool) -> None:
        self._is_set = is_set
        self._full = (1 << len(candidates)) - 1
        self._hits = {id(leaf): self._mask(leaf, candidates) for leaf in leaves}

    def can_hold(self, literals: Iterable[Literal]) -> bool:
        """Whether some fact, or its absence, answers yes to all the literals at once."""
        literals = tuple(literals)
        return self._can_hold_known(literals) or all(
            _answer_unstated(literal) == Answer.YES for literal in literals
        )

    def implies(self, a: Literal, b: Literal) -> bool:
        """Whether b never answers less than a (no < unknown < yes), whatever the fact."""
        leaf, is_plain = b
        if _answer_unstated(a) > _answer_unstated(b):
            return False
        return not self._can_hold_known((a, (leaf, not is_plain)))

    def _mask(self, leaf: Leaf, candidates: list[Fact]) -> int:
        # For a set: the elements that a "some element" leaf looks for, or that not_in forbids.
        wanted = Answer.NO if self._is_set and leaf.op is Op.NOT_IN else Answer.YES
        answers = (leaf_answer(leaf.op, leaf.value, self._fact(fact)) for fact in candidates)
        return int("0" + "".join("1" if found == wanted else "0" for found in answers), 2)

    def _fact(self, candidate: Fact) -> Fact:
        return frozenset({str(candidate)}) if self._is_set else candidate

    def _can_hold_known(self, literals: Iterable[Literal]) -> bool:
        if self._is_set:
            return self._can_hold_set(literals)
        open_to = self._full
        for leaf, is_plain in literals:
            hits = self._hits[id(leaf)]
            open_to &= hits if is_plain else self._full ^ hits
        return open_to != 0

    def _can_hold_set(self, literals: Iterable[Literal]) -> bool:
        """The largest choice without forbidden elements serves every "some element" leaf best."""
        allowed, looked_for = self._full, list[int]()
        for leaf, is_plain in literals:
            hits = self._hits[id(leaf)]
            if (leaf.op is Op.NOT_IN) is is_plain:
                allowed &= self._full ^ hits
            else:
                looked_for.append(hits)
        return allowed != 0 and all(allowed & hits for hits in looked_for)


def _answer_unstated(literal: Literal) -> Answer:
    leaf, is_plain = literal
    answered = leaf_answer(leaf.op, leaf.value, None)
    return answered if is_plain else negation(answered)


def _listed(leaf: Leaf) -> tuple[Scalar, ...]:
    if isinstance(leaf.value, tuple):
        return leaf.value
    return () if leaf.value is None else (leaf.value,)


def _codes(spec: FieldSpec, values: list[Scalar]) -> list[Fact]:
    if spec.codes is None:
        return _texts(spec, values)
    return list[Fact](sorted(spec.codes))


def _elements(spec: FieldSpec, values: list[Scalar]) -> list[Fact]:
    return list[Fact]({str(code): None for code in (*_codes(spec, values), ALL)})


def _texts(_spec: FieldSpec, values: list[Scalar]) -> list[Fact]:
    """The mentioned texts; one that goes on after each, as no mentioned one does; one apart."""
    mentioned = {value: None for value in values if isinstance(value, str)}
    used = set("".join(mentioned))
    fresh = next(char for char in map(chr, range(0x21, 0x110000)) if char not in used)
    return [*mentioned, *(text + fresh for text in mentioned), fresh]


def _numbers(spec: FieldSpec, values: list[Scalar]) -> list[Fact]:
    """The mentioned numbers and the least steps beside them, inside the field's range."""
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum
    inside = next(end for end in (low, high, 0) if math.isfinite(end))
    centres = [value for value in values if is_number(value)]
    around = [math.nextafter(value, end) for value in centres for end in (-math.inf, math.inf)]
    return [value for value in (inside, *centres, *around) if low <= value <= high]


def _days(_spec: FieldSpec, values: list[Scalar]) -> list[Fact]:
    centres = [date.fromisoformat(value).toordinal() for value in values if isinstance(value, str)]
    around = (day + step for day in (*centres, date.min.toordinal()) for step in (-1, 0, 1))
    return [date.fromordinal(day) for day in sorted(set(around)) if _is_day(day)]


def _is_day(ordinal: int) -> bool:
    return date.min.toordinal() <= ordinal <= date.max.toordinal()


def _flags(_spec: FieldSpec, _values: list[Scalar]) -> list[Fact]:
    return [True, False]


_CANDIDATES: Final[Mapping[FieldKind, Callable[[FieldSpec, list[Scalar]], list[Fact]]]] = {
    FieldKind.SET: _elements,
    FieldKind.CODE: _codes,
    FieldKind.TEXT: _texts,
    FieldKind.NUMBER: _numbers,
    FieldKind.SPAN: _numbers,
    FieldKind.DATE: _days,
    FieldKind.FLAG: _flags,
}
