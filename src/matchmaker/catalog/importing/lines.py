"""A JSON Lines stream as numbered lines, and one line as a declaration."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, TypeAlias

import msgspec

from matchmaker.catalog.declaration import (
    ATTRIBUTES,
    Attributes,
    OfferingLine,
    ProviderLine,
)
from matchmaker.catalog.reasons import fault
from matchmaker.core import wire
from matchmaker.core.errors import FieldFault, MatchmakerError
from matchmaker.core.faults import from_message

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT = 1024 * 1024
"""The longest line read, in bytes, its end apart."""
_SKIP = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOTHING = b"null"

Declared: TypeAlias = ProviderLine | tuple[OfferingLine, Attributes | None]


class LineRefused(Exception):
    """A line that is no declaration; ``faults`` say why."""

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__(*(found.code for found in faults))
        self.faults = faults


def numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1 and without its end.

    A line longer than `LINE_LIMIT` comes cut, one byte too long; the rest of it is passed over.
    """
    number = 0
    while raw := stream.readline(LINE_LIMIT + 2):
        number += 1
        line = raw.rstrip(b"\r\n")
        if not raw.endswith(b"\n") and len(raw) > LINE_LIMIT:
            _pass_over(stream)
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.strip():
            yield number, line


def _pass_over(stream: IO[bytes]) -> None:
    while (rest := stream.readline(_SKIP)) and not rest.endswith(b"\n"):
        pass


def declared(line: bytes) -> Declared:
    """The declaration a line states, its attributes in the shape of its kind.

    Raises:
        LineRefused: with the first place that is wrong.
    """
    _check_bytes(line)
    try:
        found: ProviderLine | OfferingLine = wire.decode(line, ProviderLine | OfferingLine)
        if isinstance(found, ProviderLine):
            return found
        return found, _attributes(found)
    except MatchmakerError as error:
        raise LineRefused(*_faults(error)) from error


def _check_bytes(line: bytes) -> None:
    if len(line) > LINE_LIMIT:
        raise LineRefused(fault("#", "line_too_long", limit=LINE_LIMIT))
    if b"\0" in line:
        raise LineRefused(fault("#", "nul"))
    try:
        line.decode()
    except UnicodeDecodeError:
        raise LineRefused(fault("#", "not_utf8")) from None


def _attributes(line: OfferingLine) -> Attributes | None:
    raw = bytes(line.attributes)
    if raw == _NOTHING:
        return None
    try:
        found: Attributes = msgspec.json.decode(raw, type=ATTRIBUTES[line.kind])
    except msgspec.ValidationError as error:
        raise LineRefused(from_message(str(error), root="#/attributes")) from error
    return found


def _faults(error: MatchmakerError) -> tuple[FieldFault, ...]:
    if error.errors:
        return tuple(_named(found) for found in error.errors)
    if isinstance(error, wire.UnreadableJson):
        return (fault("#", "invalid_json"),)
    return (FieldFault("#", error.slug, error.detail or error.title),)


def _named(found: FieldFault) -> FieldFault:
    # A tag outside the union is told as an unknown value of no field.
    return fault("#/type", "unknown_type") if found.pointer == "#/type" else found
