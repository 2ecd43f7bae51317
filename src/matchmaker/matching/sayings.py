"""One thing said, as bytes: equal bytes, equal saying."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from matchmaker.ranking.lines import CASES, LEVELS, MUST, RECORD, STAGES, Cases, Levels, Said
from matchmaker.rules import Span, parse, to_data

if TYPE_CHECKING:
    from collections.abc import Callable

_AFTER: Final = b"\0"
"""Between the name and the form."""


class _Form(NamedTuple):
    """How a value is packed: what is encoded of it, and what gives it back."""

    plain: Callable[[Any], object]
    value: Callable[[bytes], Any]


def _decoded(into: Callable[[Any], Any], type_: Any, packed: bytes) -> Any:  # noqa: ANN401 - any
    return into(msgspec.msgpack.decode(packed, type=type_))


def _itself(value: Any) -> Any:  # noqa: ANN401 - any
    return value


def _as(type_: Any, plain: Callable[[Any], object] = _itself) -> _Form:  # noqa: ANN401 - any type
    return _Form(plain, msgspec.msgpack.Decoder(type_).decode)


def _ends(span: Span) -> tuple[float, float]:
    return span.low, span.high


_PLAIN: Final = b"v"
_FORMS: Final = {
    _PLAIN: _as(bool | int | float | str),
    b"s": _as(frozenset[str], sorted),
    b"d": _Form(dt.date.toordinal, partial(_decoded, dt.date.fromordinal, int)),
    b"r": _Form(
        _ends,
        partial(_decoded, lambda ends: Span(*ends), tuple[int | float, int | float]),
    ),
    b"p": _as(tuple[int, int]),
    b"l": _as(Levels),
    b"c": _as(Cases),
    b"m": _Form(to_data, partial(_decoded, parse, Any)),
}
_OF_NAME: Final = {RECORD: b"p", STAGES: b"p", LEVELS: b"l", CASES: b"c", MUST: b"m"}
_OF_TYPE: Final[dict[type, bytes]] = {frozenset: b"s", dt.date: b"d", Span: b"r"}


def pack(said: Said) -> bytes:
    """``said`` as bytes."""
    form = _OF_NAME.get(said.name) or _OF_TYPE.get(type(said.value), _PLAIN)
    packed = msgspec.msgpack.encode(_FORMS[form].plain(said.value))
    return b"".join((said.name.encode(), _AFTER, form, packed))


def unpack(packed: bytes) -> Said:
    """What was packed.

    Raises:
        ValueError, msgspec.DecodeError: it was not packed by `pack`.
    """
    name, _, rest = packed.partition(_AFTER)
    form = _FORMS.get(rest[:1])
    if form is None:
        raise ValueError("of no known form")
    return Said(name.decode(), form.value(rest[1:]))
