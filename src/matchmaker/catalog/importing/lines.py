"""One line of an import file as a declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from matchmaker.catalog.declaration import (
    ATTRIBUTES,
    Attributes,
    OfferingLine,
    ProviderLine,
)
from matchmaker.catalog.reasons import fault
from matchmaker.core import wire
from matchmaker.core.faults import from_message
from matchmaker.core.sheets.lines import LINE_LIMIT, LineRefused, decoded, numbered

if TYPE_CHECKING:
    from matchmaker.core.errors import FieldFault

__all__ = ("LINE_LIMIT", "Declared", "LineRefused", "declared", "numbered")

_NOTHING = b"null"

Declared: TypeAlias = ProviderLine | tuple[OfferingLine, Attributes | None]


def declared(line: bytes) -> Declared:
    """The declaration a line states, its attributes in the shape of its kind.

    Raises:
        LineRefused: with the first place that is wrong.
    """
    try:
        return decoded(line, _declared)
    except LineRefused as refused:
        raise LineRefused(*map(_named, refused.faults)) from refused


def _declared(line: bytes) -> Declared:
    found: ProviderLine | OfferingLine = wire.decode(line, ProviderLine | OfferingLine)
    if isinstance(found, ProviderLine):
        return found
    return found, _attributes(found)


def _attributes(line: OfferingLine) -> Attributes | None:
    raw = bytes(line.attributes)
    if raw == _NOTHING:
        return None
    try:
        found: Attributes = msgspec.json.decode(raw, type=ATTRIBUTES[line.kind])
    except msgspec.ValidationError as error:
        raise LineRefused(from_message(str(error), root="#/attributes")) from error
    return found


def _named(found: FieldFault) -> FieldFault:
    # A tag outside the union is told as an unknown value of no field.
    return fault("#/type", "unknown_type") if found.pointer == "#/type" else found
