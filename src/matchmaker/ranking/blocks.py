"""Long arrays in pieces that stay in the processor's cache, and need no fresh memory each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK: Final = 16_384
"""Offerings or rows at a time: 128 kB of 64 bits (docs/adr/0032)."""


def blocks(size: int, most: int = BLOCK) -> Iterator[slice]:
    """The pieces of an array of this size, of ``most`` each."""
    return (slice(start, min(start + most, size)) for start in range(0, size, most))
