"""Reads a rule from decoded JSON, within bounds, and names the node that is no rule."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeGuard

from matchmaker.rules.tree import (
    AllOf,
    AnyOf,
    Leaf,
    Not,
    Number,
    Op,
    Rule,
    Scalar,
    Value,
    is_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH: Final = 8
MAX_LEAVES: Final = 64
MAX_VALUES: Final = 100
MAX_TEXT: Final = 200
FIELD_NAME_LENGTH: Final = 100
FIELD_NAME_PATTERN: Final = r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*"
# RFC 8785 writes an integer exactly only inside this range, and receipts are hashed in that form.
MAX_NUMBER: Final = 2**53 - 1


class Flaw(StrEnum):
    """Why data is no rule; `wording` says each in both languages."""

    NOT_AN_OBJECT = "not_an_object"
    NOT_ONE_KNOWN_KEY = "not_one_known_key"
    WRONG_LEAF_KEYS = "wrong_leaf_keys"
    NOT_A_FIELD_NAME = "not_a_field_name"
    UNKNOWN_OP = "unknown_op"
    NOT_A_LIST = "not_a_list"
    EMPTY_LIST = "empty_list"
    TOO_MANY_VALUES = "too_many_values"
    NOT_A_SCALAR = "not_a_scalar"
    NOT_A_TEXT = "not_a_text"
    NOT_A_NUMBER = "not_a_number"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    NOT_A_RISING_PAIR = "not_a_rising_pair"
    NOT_A_DATE = "not_a_date"
    TOO_DEEP = "too_deep"
    TOO_MANY_LEAVES = "too_many_leaves"


class MalformedRule(ValueError):
    """Data that is no rule: `pointer` (RFC 6901) names the offending node, `reason` says why."""

    def __init__(self, pointer: str, reason: Flaw) -> None:
        super().__init__(f'{reason.value} at "{pointer}"')
        self.pointer = pointer
        self.reason = reason


def parse(data: object, *, at: str = "") -> Rule:
    """The rule that decoded JSON states.

    Bounds: 8 levels, 64 leaves (an empty all or any counts as one), 100 values a list, texts of
    1 to 200 characters, numbers within 2^53 - 1.

    Args:
        data: Objects, lists and scalars as a JSON decoder gives them.
        at: JSON pointer of `data` in its document; pointers of errors start with it.

    Raises:
        MalformedRule: The data is no rule, or too large.
    """
    return _Reader().node(data, at, 1)


class _Reader:
    """Reads one document; recursion ends at MAX_DEPTH, whatever the data."""

    def __init__(self) -> None:
        self._ends = 0

    def node(self, data: object, at: str, depth: int) -> Rule:
        if depth > MAX_DEPTH:
            raise MalformedRule(at, Flaw.TOO_DEEP)
        if not _is_object(data):
            raise MalformedRule(at, Flaw.NOT_AN_OBJECT)
        if "field" in data or "op" in data:
            self._count_end(at)
            return _leaf(data, at)
        if len(data) != 1:
            raise MalformedRule(at, Flaw.NOT_ONE_KNOWN_KEY)
        if "not" in data:
            return Not(self.node(data["not"], f"{at}/not", depth + 1))
        if "all" in data:
            return AllOf(self._parts(data["all"], f"{at}/all", depth + 1))
        if "any" in data:
            return AnyOf(self._parts(data["any"], f"{at}/any", depth + 1))
        raise MalformedRule(at, Flaw.NOT_ONE_KNOWN_KEY)

    def _parts(self, data: object, at: str, depth: int) -> tuple[Rule, ...]:
        if not _is_list(data):
            raise MalformedRule(at, Flaw.NOT_A_LIST)
        if not data:
            self._count_end(at)
        return tuple(self.node(part, f"{at}/{i}", depth) for i, part in enumerate(data))

    def _count_end(self, at: str) -> None:
        self._ends += 1
        if self._ends > MAX_LEAVES:
            raise MalformedRule(at, Flaw.TOO_MANY_LEAVES)


def _leaf(data: Mapping[object, object], at: str) -> Leaf:
    if "field" not in data or "op" not in data:
        raise MalformedRule(at, Flaw.WRONG_LEAF_KEYS)
    field, op = data["field"], _op(data["op"], f"{at}/op")
    if not isinstance(field, str) or not _FIELD_NAME.fullmatch(field):
        raise MalformedRule(f"{at}/field", Flaw.NOT_A_FIELD_NAME)
    read = _READERS.get(op)
    if set(data) != ({"field", "op", "value"} if read else {"field", "op"}):
        raise MalformedRule(at, Flaw.WRONG_LEAF_KEYS)
    return Leaf(field, op, read(data["value"], f"{at}/value") if read else None)


def _op(data: object, at: str) -> Op:
    op = _OPS.get(data) if isinstance(data, str) else None
    if op is None:
        raise MalformedRule(at, Flaw.UNKNOWN_OP)
    return op


def _scalars(data: object, at: str) -> tuple[Scalar, ...]:
    return tuple(_scalar(item, f"{at}/{i}") for i, item in enumerate(_values(data, at)))


def _texts(data: object, at: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{at}/{i}") for i, item in enumerate(_values(data, at)))


def _values(data: object, at: str) -> list[object]:
    if not _is_list(data):
        raise MalformedRule(at, Flaw.NOT_A_LIST)
    if not data:
        raise MalformedRule(at, Flaw.EMPTY_LIST)
    if len(data) > MAX_VALUES:
        raise MalformedRule(at, Flaw.TOO_MANY_VALUES)
    return data


def _scalar(data: object, at: str) -> Scalar:
    if isinstance(data, bool):
        return data
    if isinstance(data, str):
        return _text(data, at)
    if is_number(data):
        return _number(data, at)
    raise MalformedRule(at, Flaw.NOT_A_SCALAR)


def _text(data: object, at: str) -> str:
    if not isinstance(data, str) or not 0 < len(data) <= MAX_TEXT:
        raise MalformedRule(at, Flaw.NOT_A_TEXT)
    return data


def _number(data: object, at: str) -> Number:
    if not is_number(data):
        raise MalformedRule(at, Flaw.NOT_A_NUMBER)
    if not -MAX_NUMBER <= data <= MAX_NUMBER:
        raise MalformedRule(at, Flaw.NUMBER_OUT_OF_RANGE)
    return data


def _range(data: object, at: str) -> tuple[Scalar, ...]:
    if not _is_list(data) or len(data) != 2:  # noqa: PLR2004 - a pair has two ends
        raise MalformedRule(at, Flaw.NOT_A_RISING_PAIR)
    low, high = _number(data[0], f"{at}/0"), _number(data[1], f"{at}/1")
    if low > high:
        raise MalformedRule(at, Flaw.NOT_A_RISING_PAIR)
    return (low, high)


def _date(data: object, at: str) -> str:
    # fromisoformat alone would also take 20260101 and 2026-W01-1.
    if not isinstance(data, str) or not _ISO_DATE.fullmatch(data):
        raise MalformedRule(at, Flaw.NOT_A_DATE)
    try:
        date.fromisoformat(data)
    except ValueError as error:
        raise MalformedRule(at, Flaw.NOT_A_DATE) from error
    return data


def _is_object(data: object) -> TypeGuard[dict[object, object]]:
    return isinstance(data, dict)


def _is_list(data: object) -> TypeGuard[list[object]]:
    return isinstance(data, list)


_FIELD_NAME: Final = re.compile(rf"(?=.{{1,{FIELD_NAME_LENGTH}}}\Z){FIELD_NAME_PATTERN}")
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPS: Final = {op.value: op for op in Op}
_READERS: Final[Mapping[Op, Callable[[object, str], Value]]] = {
    Op.IN: _scalars,
    Op.NOT_IN: _scalars,
    Op.OVERLAPS: _scalars,
    Op.PREFIX_IN: _texts,
    Op.GTE: _number,
    Op.LTE: _number,
    Op.BETWEEN: _range,
    Op.BEFORE: _date,
    Op.AFTER: _date,
}
