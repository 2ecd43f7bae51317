"""What a rule looks like in JSON, as a JSON Schema: the form alone, not what its fields mean."""

from __future__ import annotations

from typing import Any, Final

from matchmaker.rules.reading import (
    FIELD_NAME_PATTERN,
    MAX_LEAVES,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_VALUES,
)
from matchmaker.rules.tree import Op

NAME: Final = "Rule"
FIELD_FORMAT: Final = "rule_field"
"""The format of a text that names a field of the field catalogue."""
REFERENCE: Final = {"$ref": f"#/components/schemas/{NAME}"}

_NUMBER: Final = {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
_TEXT: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_TEXT,
    # No body holds another control character, wherever.
    "pattern": "^[^\\x00-\\x08\\x0b-\\x1f]*$",
}
_DATE: Final = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_FIELD: Final = {
    "type": "string",
    "format": FIELD_FORMAT,
    "pattern": f"^{FIELD_NAME_PATTERN}$",
}


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": MAX_VALUES}


def _members(**properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _leaf(*ops: Op, value: dict[str, Any] | None = None) -> dict[str, Any]:
    asked: dict[str, object] = {"field": _FIELD, "op": {"enum": [op.value for op in ops]}}
    return _members(**asked) if value is None else _members(**asked, value=value)


def _group(name: str) -> dict[str, Any]:
    return _members(**{name: {"type": "array", "items": REFERENCE, "maxItems": MAX_LEAVES}})


SCHEMA: Final[dict[str, Any]] = {
    "title": NAME,
    "description": (
        "What must hold of an offering, as a tree: all, any and not, and leaves that ask one field "
        "of the field catalogue. At most 8 levels and 64 leaves; the two numbers of between rise."
    ),
    "oneOf": [
        _group("all"),
        _group("any"),
        _members(**{"not": REFERENCE}),
        _leaf(
            Op.IN,
            Op.NOT_IN,
            Op.OVERLAPS,
            value=_listed({"anyOf": [_TEXT, _NUMBER, {"type": "boolean"}]}),
        ),
        _leaf(Op.PREFIX_IN, value=_listed(_TEXT)),
        _leaf(Op.GTE, Op.LTE, value=_NUMBER),
        _leaf(Op.BETWEEN, value={**_listed(_NUMBER), "minItems": 2, "maxItems": 2}),
        _leaf(Op.BEFORE, Op.AFTER, value=_DATE),
        _leaf(Op.EXISTS, Op.IS_TRUE),
    ],
}
"""A rule, whatever it asks; refers to itself as the component `Rule` of an OpenAPI document."""
