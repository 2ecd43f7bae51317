"""JSON Merge Patch (RFC 7386): what is absent stays, what is null goes, what is there replaces.

A patch is a struct whose members default to ``UNSET``, so that null is told from absent and a
member that nobody knows is refused. Rules are replaced whole: half of one rule merged into another
says what nobody meant.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core import faults
from matchmaker.core.wire import Described, InvalidContent, Prose

T = TypeVar("T", bound=msgspec.Struct)

MEDIA_TYPE: Final = "application/merge-patch+json"
OPT: Final = {"accepts": (MEDIA_TYPE,)}
"""What a handler adds to its ``opt`` to take a merge patch."""

WHOLE: Final = frozenset({"must", "prefer", "rule", "eligibility"})
"""Members that are replaced and compared whole."""


class TextPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Languages of a text to be changed; null takes one away."""

    zh: Prose | UnsetType | None = UNSET
    en: Prose | UnsetType | None = UNSET

    json_schema: ClassVar[Described] = {
        "anyOf": [
            {"properties": {name: {"type": "string", "minLength": 1}}} for name in ("zh", "en")
        ]
    }

    def __post_init__(self) -> None:
        """Refuse to take both away: whatever the text was, it would say nothing."""
        if self.zh in {None, ""} and self.en in {None, ""}:
            raise ValueError("a text needs zh or en")


def merged(current: T, patch: msgspec.Struct) -> T:
    """``current`` with ``patch`` merged into it, as the same type.

    Raises:
        InvalidContent: the result is not of the documented shape.
    """
    target = cast("dict[str, Any]", msgspec.to_builtins(current))
    changes = cast("dict[str, Any]", msgspec.to_builtins(patch))
    try:
        return msgspec.convert(_merge(target, changes), type(current))
    except msgspec.ValidationError as error:
        raise InvalidContent(errors=[faults.from_message(str(error), root="#")]) from error


def _merge(target: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    found = dict(target)
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and name not in WHOLE:
            inner = found.get(name)
            found[name] = _merge(inner if isinstance(inner, dict) else {}, value)
        else:
            found[name] = value
    return found
