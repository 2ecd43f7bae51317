"""Canonical JSON (RFC 8785) and the digests that are taken of it (scoring.md 15 and 17)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

Canonical: TypeAlias = "bool | int | str | list[Canonical] | dict[str, Canonical] | None"

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> Canonical:
    """``value`` as what may be digested.

    Decimals become strings, tuples lists, structs objects with every field.
    """
    plain = msgspec.to_builtins(value)
    return _without_floats(plain)


def encode(value: Canonical) -> bytes:
    """RFC 8785 bytes of ``value``, whose keys are ASCII."""
    return _ENCODER.encode(value)


def digest(value: Canonical) -> str:
    """Hex sha256 of the canonical bytes of ``value``."""
    return hashlib.sha256(encode(value)).hexdigest()


def _without_floats(value: object) -> Canonical:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(value)
    # isinstance says nothing of what is inside.
    if isinstance(value, list | tuple):
        return [_without_floats(each) for each in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        inner = cast("dict[object, object]", value)
        return {str(key): _without_floats(each) for key, each in inner.items()}
    raise TypeError(f"{type(value).__name__} has no canonical form")
