"""The released words and rules by which free text is read."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

BOOK: Final = "demand/reading.yaml"


class _Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A part of the file; an unknown key is a mistake in it."""


class Words(_Page, frozen=True, kw_only=True):
    """Words of both languages."""

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    @functools.cached_property
    def both(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.zh, *self.en)


class Reach(_Page, frozen=True, kw_only=True):
    """How many characters before a word may lie between it and what denies it."""

    zh: int
    en: int


class Money(_Page, frozen=True, kw_only=True):
    """How amounts are written, and what says that one is a budget."""

    digits: dict[str, int]
    multiples: dict[str, int]
    units: dict[str, int]
    currencies: dict[str, tuple[str, ...]]
    ambiguous: tuple[str, ...]
    exponents: dict[str, int]
    implied: dict[str, str]
    budget: Words
    other: Words


class Dates(_Page, frozen=True, kw_only=True):
    """How days are written, and what says that one is a deadline."""

    deadline: Words
    before: Words
    other: Words
    months: tuple[str, ...]
    short: tuple[str, ...]
    numbers: dict[str, float]
    spans: dict[str, int]
    months_of: dict[str, int]


class Book(_Page, frozen=True, kw_only=True):
    """All of the file; ``scenes`` and ``categories`` name concepts, ``more_scenes`` words."""

    scheme: str
    edition: str
    origin: str
    scenes: dict[str, tuple[str, ...]]
    categories: dict[str, tuple[str, ...]]
    more_scenes: dict[str, Words]
    passed_over: Words
    kinds: dict[str, Words]
    deployment: dict[str, Words]
    denied: Words
    held: Words
    reach: Reach
    money: Money
    dates: Dates


def load(seeds: Path) -> Book:
    """The book released below ``seeds``."""
    return msgspec.yaml.decode((seeds / BOOK).read_bytes(), type=Book)
