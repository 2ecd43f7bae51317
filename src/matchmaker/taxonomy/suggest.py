"""Codes for what somebody types, by code, name and synonym of both languages, in a fixed order."""

from __future__ import annotations

import enum
import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matchmaker.taxonomy.documents import Words
    from matchmaker.taxonomy.entries import Entry, Scheme

Synonyms: TypeAlias = "Mapping[str, Mapping[str, Words]]"
"""Synonyms by scheme and code."""

_OTHER_NAMES = ("short_zh", "alt_zh", "std_no")


class Match(enum.IntEnum):
    """How a typed text meets a name, best first."""

    EXACT = 0
    PREFIX = 1
    WORD = 2
    INSIDE = 3


class Name(NamedTuple):
    """One folded text under which a code can be found."""

    text: str
    source: str
    """``code``, ``label`` or ``keyword``."""
    scheme: str
    code: str
    place: int
    """Where its scheme stands among the schemes."""


class _Hit(NamedTuple):
    """A name that fits; hits sort best first."""

    match: Match
    is_keyword: bool
    place: int
    length: int
    name: Name


class Suggestion(NamedTuple):
    """One code that fits, with the best reason."""

    scheme: str
    code: str
    match: Match
    source: str


def fold(text: str) -> str:
    """The text as it is compared: NFKC, without case, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def names(schemes: Mapping[str, Scheme], keywords: Synonyms) -> tuple[Name, ...]:
    """Every name of every code that may be suggested, in the order of the schemes."""
    return tuple(
        Name(folded, source, scheme.code, entry.code, place)
        for place, scheme in enumerate(schemes.values())
        if scheme.is_suggested
        for entry in scheme.entries.values()
        for text, source in _names(scheme, entry, keywords)
        if (folded := fold(text))
    )


def search(
    among: tuple[Name, ...], texts: Iterable[str], *, scheme: str | None, limit: int
) -> tuple[Suggestion, ...]:
    """The codes that fit one of ``texts``, each once, best first.

    Order: kind of match; name before keyword; order of the schemes; shorter name; code.
    """
    wanted = dict.fromkeys(folded for text in texts if (folded := fold(text)))
    hits = sorted(hit for text in wanted for hit in _hits(among, text, scheme))
    found = dict[tuple[str, str], Suggestion]()
    for match, *_, name in hits:
        hit = Suggestion(name.scheme, name.code, match, name.source)
        found.setdefault((name.scheme, name.code), hit)
    return tuple(islice(found.values(), limit))


def _hits(among: tuple[Name, ...], text: str, scheme: str | None) -> Iterator[_Hit]:
    # Latin text counts from the start of a word: "mes" is not found in "domestic".
    at_word = re.compile(rf"(?<![a-z0-9]){re.escape(text)}")
    for name in among:
        if text not in name.text or (scheme is not None and name.scheme != scheme):
            continue
        match = _match(name, text, is_word=at_word.search(name.text) is not None)
        if match is not None:
            yield _Hit(match, name.source == "keyword", name.place, len(name.text), name)


def _match(name: Name, text: str, *, is_word: bool) -> Match | None:
    if name.text.startswith(text):
        return Match.EXACT if len(name.text) == len(text) else Match.PREFIX
    if name.source == "code":
        return None
    if not text.isascii():
        return Match.INSIDE
    return Match.WORD if is_word else None


def _names(scheme: Scheme, entry: Entry, keywords: Synonyms) -> Iterator[tuple[str, str]]:
    yield entry.code, "code"
    for label in (entry.labels.zh, entry.labels.en):
        if label is not None:
            yield label, "label"
    for key in _OTHER_NAMES:
        if isinstance(other := entry.extra.get(key), str):
            yield other, "label"
    words = keywords.get(scheme.code, {}).get(entry.code)
    if words is not None:
        for word in (*words.zh, *words.en):
            yield word, "keyword"
