"""Coverage on the wire."""

from __future__ import annotations

import msgspec


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many public offerings name a code, and so many of a class as name it or one below it."""

    code: str
    name: str
    parent: str | None
    scene: str | None
    """The scene that a typical scenario stands for."""
    offerings: int


class CoverageCount(msgspec.Struct, frozen=True, kw_only=True):
    """The published offerings counted by every code of one scheme; those that name none, too."""

    scheme: str
    edition: str
    offerings: int
    unnamed: int
    items: list[Coverage]
