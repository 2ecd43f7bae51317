"""What a table of codes is: labels, entries, schemes and the links between two schemes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from matchmaker.taxonomy.errors import CodeNotFound

if TYPE_CHECKING:
    from matchmaker.core.language import Language

Fact: TypeAlias = (
    "str | int | float | bool | dt.date | tuple[Fact, ...] | Mapping[str, Fact] | None"
)
"""An immutable value of a seed."""


def freeze(value: object) -> Fact:
    """The value with every list as a tuple and every mapping read-only.

    Raises:
        TypeError: a value that no seed can hold.
    """
    if isinstance(value, str | int | float | dt.date) or value is None:
        return value
    # isinstance cannot tell what the elements are; each is looked at in turn.
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return MappingProxyType({str(key): freeze(item) for key, item in members.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in cast("Sequence[object]", value))
    raise TypeError(f"a seed cannot hold {type(value).__name__}")


def thaw(fact: Fact) -> object:
    """The fact as plain lists and dicts, for an encoder."""
    if isinstance(fact, Mapping):
        return {key: thaw(item) for key, item in fact.items()}
    if isinstance(fact, tuple):
        return [thaw(item) for item in fact]
    return fact


class Labels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name in both languages; null where the source has none."""

    zh: str | None
    en: str | None

    def get(self, language: Language) -> str | None:
        """The name in ``language``, if there is one."""
        return self.zh if language == "zh" else self.en

    def either(self, language: Language, default: str) -> str:
        """The name in ``language``, else in the other one, else ``default``."""
        first, second = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return first or second or default


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which edition a table is, when it holds, where it comes from and how sure we are."""

    edition: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    origin: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of a scheme; ``extra`` holds what only this scheme says of its codes."""

    code: str
    labels: Labels
    parent: str | None
    rank: int | None
    extra: Mapping[str, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One table of codes in its order.

    ``parents`` names the scheme in which parents stand, ``refs`` the scheme that an extra refers
    to; ``is_suggested`` whether people look for its codes.
    """

    code: str
    labels: Labels
    header: Header
    parents: str
    refs: Mapping[str, str]
    is_suggested: bool
    entries: Mapping[str, Entry]
    children: Mapping[str, tuple[str, ...]]

    def __contains__(self, code: object) -> bool:
        return code in self.entries

    def entry(self, code: str) -> Entry:
        """The entry of a code.

        Raises:
            CodeNotFound: the scheme has no such code.
        """
        found = self.entries.get(code)
        if found is None:
            raise CodeNotFound.of(self.code, code)
        return found

    def ancestors(self, code: str) -> tuple[Entry, ...]:
        """The entries above a code inside this scheme, nearest first.

        Raises:
            CodeNotFound: the scheme has no such code.
        """
        found: list[Entry] = []
        parent = self.entry(code).parent
        while self.parents == self.code and parent is not None:
            found.append(self.entries[parent])
            parent = found[-1].parent
        return tuple(found)

    def with_prefix(self, prefix: str) -> tuple[Entry, ...]:
        """The entries whose code starts with ``prefix``, in the order of the scheme."""
        return tuple(entry for code, entry in self.entries.items() if code.startswith(prefix))

    def name(self, code: str, language: Language) -> str:
        """The best name of a code in ``language``.

        Where the source has none: the nearest ancestor's with the code, else the other language's.

        Raises:
            CodeNotFound: the scheme has no such code.
        """
        entry = self.entry(code)
        own = entry.labels.get(language)
        if own is not None:
            return own
        for above in self.ancestors(code):
            if (label := above.labels.get(language)) is not None:
                return f"{label} ({code})"
        return entry.labels.either(language, code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One pair of a concordance; ``rank`` 1 is the closest of its source."""

    source: str
    target: str
    rank: int
    relation: str | None
    confidence: str
    extra: Mapping[str, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """How the codes of one scheme correspond to another's; links by source, closest first."""

    code: str
    source: str
    target: str
    header: Header
    links: Mapping[str, tuple[Link, ...]]
