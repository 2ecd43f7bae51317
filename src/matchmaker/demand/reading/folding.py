"""A text as it is compared, and where each of its characters stood."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

# A comma between digits groups them; a point ends a sentence only before a blank or the end.
_CLAUSE: Final = re.compile(r"(?<![0-9]),|,(?![0-9])|[:;!?。、\n]|\.(?=\s|$)")
BLANKS: Final = r"\s{0,3}"
"""As many as somebody means between two parts: were they any number, a text of blanks alone would
be read again from each of them."""
_LATIN: Final = re.compile(r"[a-z0-9]")
_SENTENCE: Final = re.compile(r"[!?。\n]|\.(?=\s|$)")


class Part(NamedTuple):
    """A stretch of a folded text, from ``start`` up to ``end``."""

    start: int
    end: int


class Folded:
    """NFKC, without case, character by character, so that what was written can be pointed at."""

    def __init__(self, text: str) -> None:
        """Fold ``text``; where one character becomes several, all stand for it."""
        folded: list[str] = []
        origins: list[int] = []
        for place, character in enumerate(text):
            for part in unicodedata.normalize("NFKC", character).casefold():
                folded.append(part)
                origins.append(place)
        self.source, self.text = text, "".join(folded)
        self._origins = origins
        self._clauses = _parts(_CLAUSE, self.text)
        self._sentences = _parts(_SENTENCE, self.text)

    def written(self, part: Part) -> Part:
        """Where ``part`` stands in the text as it was written."""
        return Part(self._origins[part.start], self._origins[part.end - 1] + 1)

    def clause(self, part: Part) -> Part:
        """The clause in which ``part`` begins."""
        return _around(self._clauses, part)

    def sentence(self, part: Part) -> Part:
        """The sentence in which ``part`` begins."""
        return _around(self._sentences, part)


class Hits:
    """Where words stand in a text, found once: each question after that is a search in order."""

    def __init__(self, words: re.Pattern[str], text: Folded) -> None:
        """Find them all."""
        self._parts = [Part(*hit.span()) for hit in words.finditer(text.text)]
        self._starts = [part.start for part in self._parts]
        self._ends = [part.end for part in self._parts]

    def within(self, around: Part) -> bool:
        """Whether one stands in ``around``."""
        place = bisect_left(self._starts, around.start)
        return place < len(self._parts) and self._ends[place] <= around.end

    def beside(self, part: Part, around: Part) -> list[Part]:
        """The last that begins before ``part`` and the next, as far as they are in ``around``."""
        place = bisect_left(self._starts, part.start)
        return [
            near
            for near in self._parts[max(0, place - 1) : place + 1]
            if around.start <= near.start and near.end <= around.end
        ]

    def gap(self, part: Part, around: Part) -> int | None:
        """Characters between the last that ends before ``part`` and it; None: it has none."""
        place = bisect_right(self._ends, part.start) - 1
        if place < 0 or self._starts[place] < around.start:
            return None
        return part.start - self._ends[place]


def pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of ``words`` as they are folded, the longest first; none is found inside a Latin word."""
    by_first: dict[str, list[str]] = {}
    for word in sorted({Folded(word).text for word in words}, key=lambda word: (-len(word), word)):
        by_first.setdefault(word[0], []).append(_bounded(word))
    # By the first letter: most places of a text are passed over at one look.
    groups = [f"(?={re.escape(first)})(?:{'|'.join(all_)})" for first, all_ in by_first.items()]
    return re.compile("|".join(groups) or r"(?!)")


def _bounded(word: str) -> str:
    """``word``, as a whole word where it begins or ends in Latin letters; a plural is it too."""
    found = re.escape(word).replace(r"\ ", r"[\s-]{1,3}").replace(r"\-", r"[\s-]?")
    if _LATIN.match(word):
        found = rf"(?<![a-z0-9]){found}"
    if re.search(r"[a-z]$", word):
        return rf"{found}(?:s|es)?(?![a-z0-9])"
    return rf"{found}(?![a-z0-9])" if re.search(r"[0-9]$", word) else found


def _parts(mark: re.Pattern[str], text: str) -> list[Part]:
    cuts = [0, *(found.end() for found in mark.finditer(text)), len(text)]
    return [Part(*pair) for pair in itertools.pairwise(cuts) if pair[0] < pair[1]]


def _around(parts: list[Part], inner: Part) -> Part:
    return parts[bisect_right(parts, inner.start, key=lambda part: part.start) - 1]
