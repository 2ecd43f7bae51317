"""What somebody states, as rules read it: each fact under the name that its field has."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.rules import Fact

_RULES: Final = frozenset({"must", "prefer"})


def flat(owner: str, value: msgspec.Struct | None) -> dict[str, Fact]:
    """Every fact of ``value`` under its field name, as rules read it; an unknown one is null.

    Lists are sets, nested objects dotted.
    """
    found: dict[str, Fact] = {}
    if value is not None:
        _flatten(owner, msgspec.to_builtins(value, builtin_types=(dt.date,)), found)
    return found


def _flatten(prefix: str, value: Mapping[str, object], found: dict[str, Fact]) -> None:
    for name, each in value.items():
        field = f"{prefix}.{name}"
        if name in _RULES:
            continue
        if isinstance(each, dict):
            _flatten(field, cast("dict[str, object]", each), found)
        elif isinstance(each, list):
            found[field] = frozenset(map(str, cast("list[object]", each))) or None
        elif each is None or isinstance(each, bool | int | float | str | dt.date):
            found[field] = each
