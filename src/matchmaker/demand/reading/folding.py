"""A text as it is compared, and where each of its characters stood."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Final, NamedTuple

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
# A comma between digits groups them; a point ends a sentence only before a blank or the end.
_CLAUSE: Final = re.compile(r"(?<!\d),|,(?!\d)|[:;!?。、\n]|\.(?=\s|$)")
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


def pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of ``words`` as they are folded, the longest first; none is found inside a Latin word."""
    folded = {Folded(word).text for word in words}
    every = "|".join(map(_bounded, sorted(folded, key=lambda word: (-len(word), word))))
    return re.compile(every or r"(?!)")


def _bounded(word: str) -> str:
    """``word``, as a whole word where it begins or ends in Latin letters; a plural is it too."""
    found = re.escape(word).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?")
    if re.match(r"[a-z0-9]", word):
        found = rf"(?<![a-z0-9]){found}"
    if re.search(r"[a-z]$", word):
        return rf"{found}(?:s|es)?(?![a-z0-9])"
    return rf"{found}(?![a-z0-9])" if re.search(r"[0-9]$", word) else found


def _parts(mark: re.Pattern[str], text: str) -> list[Part]:
    cuts = [0, *(found.end() for found in mark.finditer(text)), len(text)]
    return [Part(*pair) for pair in itertools.pairwise(cuts) if pair[0] < pair[1]]


def _around(parts: list[Part], inner: Part) -> Part:
    return next(part for part in parts if part.start <= inner.start < part.end)
