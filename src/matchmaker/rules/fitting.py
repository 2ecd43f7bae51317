"""Whether a leaf fits its field: the op, the values' types and range, and the codes."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from matchmaker.rules.answer import ALL
from matchmaker.rules.finding import FieldKind, FieldSpec, Finding, FindingCode, Severity
from matchmaker.rules.tree import Leaf, Op, Scalar, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def misfits(leaf: Leaf, spec: FieldSpec | None, at: str) -> Iterator[Finding]:
    """The errors of one leaf against its field; a leaf without any can be reasoned about."""
    if spec is None:
        yield Finding(f"{at}/field", FindingCode.UNKNOWN_FIELD, Severity.ERROR)
    elif leaf.op not in _OPS[spec.kind]:
        yield Finding(f"{at}/op", FindingCode.OP_DOES_NOT_FIT, Severity.ERROR)
    else:
        for pointer, value in _values(leaf, f"{at}/value"):
            code = _misfit(leaf.op, value, spec)
            if code is not None:
                yield Finding(pointer, code, Severity.ERROR)


def _values(leaf: Leaf, at: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(leaf.value, tuple):
        for place, value in enumerate(leaf.value):
            yield f"{at}/{place}", value
    elif leaf.value is not None:
        yield at, leaf.value


def _misfit(op: Op, value: Scalar, spec: FieldSpec) -> FindingCode | None:
    if not _has_type(value, spec.kind) or not _is_in_range(value, spec):
        return FindingCode.VALUE_DOES_NOT_FIT
    return None if _is_known(op, value, spec) else FindingCode.UNKNOWN_CODE


def _has_type(value: Scalar, kind: FieldKind) -> bool:
    if kind in {FieldKind.NUMBER, FieldKind.SPAN}:
        return is_number(value)
    return isinstance(value, bool if kind is FieldKind.FLAG else str)


def _is_in_range(value: Scalar, spec: FieldSpec) -> bool:
    if not is_number(value):
        return True
    is_too_low = spec.minimum is not None and value < spec.minimum
    return not is_too_low and not (spec.maximum is not None and value > spec.maximum)


def _is_known(op: Op, value: Scalar, spec: FieldSpec) -> bool:
    if spec.codes is None or spec.kind not in {FieldKind.SET, FieldKind.CODE}:
        return True
    if spec.kind is FieldKind.SET and value == ALL:
        return True
    if op is Op.PREFIX_IN:
        return _begins_a_code(str(value), spec.codes)
    return value in spec.codes


def _begins_a_code(text: str, codes: frozenset[str]) -> bool:
    """Whether some code begins so: in their order such codes follow the text at once."""
    in_order = _in_order(codes)
    place = bisect_left(in_order, text)
    return place < len(in_order) and in_order[place].startswith(text)


@lru_cache(maxsize=32)
def _in_order(codes: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(codes))


_OF_CODES: Final = frozenset({Op.IN, Op.NOT_IN, Op.OVERLAPS, Op.PREFIX_IN, Op.EXISTS})
_OF_NUMBERS: Final = frozenset({Op.GTE, Op.LTE, Op.BETWEEN, Op.EXISTS})
_OPS: Final[Mapping[FieldKind, frozenset[Op]]] = {
    FieldKind.SET: _OF_CODES,
    FieldKind.CODE: _OF_CODES,
    FieldKind.TEXT: _OF_CODES,
    FieldKind.NUMBER: _OF_NUMBERS | {Op.IN, Op.NOT_IN, Op.OVERLAPS},
    FieldKind.SPAN: _OF_NUMBERS,
    FieldKind.DATE: frozenset({Op.BEFORE, Op.AFTER, Op.EXISTS}),
    FieldKind.FLAG: frozenset({Op.IS_TRUE, Op.EXISTS, Op.IN, Op.NOT_IN, Op.OVERLAPS}),
}
