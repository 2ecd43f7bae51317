"""Text to tokens, in Chinese and English alike (scoring.md 10).

Han characters give unigrams and bigrams, Latin runs give Snowball stems, and a phrase of the
bilingual glossary adds its concept. No dictionary segmentation: bigrams did better on Chinese
passages than a word segmenter, and need no dependency.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import snowballstemmer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
CONCEPT_PREFIX: Final = "c:"
BETWEEN: Final = " "
"""What no token holds."""
_UNIT: Final = re.compile(f"[{HAN}]|[a-z0-9]+")
_STEMS_KEPT: Final = 100_000
_LONGEST_WORD: Final = 45
_Phrase = tuple[str | None, tuple[str, ...], str]
"""The second unit of a phrase, if it has one; all its units; its concept."""


class _Stemmer(Protocol):
    """The part of snowballstemmer that is used; the package carries no types."""

    def stemWord(self, word: str) -> str:  # noqa: N802 - its name
        """The stem of ``word``."""
        ...


def _english() -> Callable[[str], str]:
    """The Snowball stem of an English word; those last asked for are kept."""
    stemmer = cast("_Stemmer", snowballstemmer.stemmer("english"))  # pyright: ignore[reportUnknownMemberType]
    kept = lru_cache(_STEMS_KEPT)(stemmer.stemWord)

    def stem(word: str) -> str:
        # No English word is longer: what is would only fill memory with a caller's rubbish.
        return kept(word) if len(word) <= _LONGEST_WORD else stemmer.stemWord(word)

    return stem


@dataclass(frozen=True, slots=True)
class Concept:
    """One idea and the phrases that mean it, by language code."""

    id: str
    phrases: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What one language of one text holds.

    Plain tokens in all (concepts apart) and how often each occurs.
    """

    length: int
    counts: Mapping[str, int]

    def packed(self) -> PackedCount:
        """The same in two texts.

        Raises:
            ValueError: a token holds a space.
        """
        tokens = BETWEEN.join(self.counts)
        if tokens.count(BETWEEN) != max(len(self.counts) - 1, 0):
            raise ValueError("a token holds a space")
        return PackedCount(self.length, tokens, BETWEEN.join(map(str, self.counts.values())))


@dataclass(frozen=True, slots=True)
class PackedCount:
    """A `TokenCount` as it is stored: two texts, a ninth of the dictionary.

    ``counts`` are in the order of ``tokens``.
    """

    length: int
    tokens: str
    counts: str

    def packed(self) -> PackedCount:
        """Itself."""
        return self


class _Unit(NamedTuple):
    """A Han character or a Latin stem, with its place in the normalised text."""

    value: str
    is_han: bool
    is_stop: bool
    start: int


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Tokens of a text under one version of the stop lists and the glossary."""

    stop_characters: frozenset[str]
    stop_words: frozenset[str]
    concepts: tuple[Concept, ...] = ()
    _phrases: dict[str, list[_Phrase]] = field(init=False, repr=False, compare=False)
    _stem_of: Callable[[str], str] = field(
        init=False, repr=False, compare=False, default_factory=_english
    )

    def __post_init__(self) -> None:
        """Index the phrases by their first unit."""
        phrases: dict[str, list[_Phrase]] = {}
        for concept in self.concepts:
            for phrase in _distinct(concept.phrases):
                units = tuple(unit.value for unit in self._units(phrase))
                if not units:
                    raise ValueError(
                        f"phrase {phrase!r} of {concept.id} holds no character that counts"
                    )
                first, *rest = units
                second = rest[0] if rest else None
                phrases.setdefault(first, []).append((second, units, CONCEPT_PREFIX + concept.id))
        object.__setattr__(self, "_phrases", phrases)

    def plain(self, text: str) -> list[str]:
        """The plain tokens of ``text`` in order: Han unigrams and bigrams, Latin stems.

        No concepts.
        """
        return _plain(self._units(text))

    def concepts_in(self, text: str) -> list[str]:
        """The concept tokens of ``text``.

        One for each place where a phrase of the concept starts.
        """
        return self._concepts(self._units(text))

    def _concepts(self, units: Sequence[_Unit]) -> list[str]:
        found: list[str] = []
        for place, unit in enumerate(units):
            starting = self._phrases.get(unit.value)
            if starting is None:
                continue
            here: set[str] = set()
            following = units[place + 1].value if place + 1 < len(units) else None
            for second, phrase, concept in starting:
                # Dozens of phrases share a first unit: the second settles most without a call.
                if second is not None and second != following:
                    continue
                if concept not in here and _starts(units, place, phrase):
                    here.add(concept)
                    found.append(concept)
        return found

    def count(self, texts: Sequence[str]) -> TokenCount:
        """Tokens of the fields of one language, each field read apart (no bigram across)."""
        counts: Counter[str] = Counter()
        length = 0
        for text in texts:
            units = self._units(text)
            plain = _plain(units)
            length += len(plain)
            counts.update(plain)
            counts.update(self._concepts(units))
        return TokenCount(length, dict(counts))

    def tokens(self, text: str) -> tuple[list[str], list[str]]:
        """The distinct plain tokens and the distinct concepts of a text, in order of appearance."""
        units = self._units(text)
        return list(dict.fromkeys(_plain(units))), list(dict.fromkeys(self._concepts(units)))

    def _units(self, text: str) -> list[_Unit]:
        return [self._unit(match) for match in _UNIT.finditer(normalise(text))]

    def _unit(self, match: re.Match[str]) -> _Unit:
        value, start = match.group(), match.start()
        if value.isascii():
            return _Unit(
                self._stem_of(value), is_han=False, is_stop=value in self.stop_words, start=start
            )
        return _Unit(value, is_han=True, is_stop=value in self.stop_characters, start=start)


def normalise(text: str) -> str:
    """``text`` in NFKC and lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def _plain(units: Iterable[_Unit]) -> list[str]:
    tokens: list[str] = []
    last: _Unit | None = None
    for unit in units:
        if unit.is_stop:
            last = None
            continue
        if unit.is_han and last is not None and last.is_han and last.start + 1 == unit.start:
            tokens.append(last.value + unit.value)
        tokens.append(unit.value)
        last = unit
    return tokens


def _distinct(phrases: Mapping[str, Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(phrase for language in phrases.values() for phrase in language))


def _starts(units: Sequence[_Unit], place: int, phrase: tuple[str, ...]) -> bool:
    """Whether ``phrase`` stands at ``place``.

    Neighbouring Han characters must touch, Latin words need not.
    """
    if place + len(phrase) > len(units):
        return False
    for offset, value in enumerate(phrase):
        unit = units[place + offset]
        if unit.value != value:
            return False
        if offset:
            before = units[place + offset - 1]
            if unit.is_han and before.is_han and before.start + 1 != unit.start:
                return False
    return True
