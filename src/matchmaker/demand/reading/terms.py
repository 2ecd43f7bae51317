"""Codes that a text names by a word, unless it says that it does not want them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from matchmaker.demand.reading.folding import Folded, Hits, Part, pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from matchmaker.demand.reading.book import Reach, Words

_LATIN = re.compile(r"[a-z]")


class Found(NamedTuple):
    """A code, and the words that name it."""

    code: str
    part: Part


class Terms:
    """The words of a field's codes: of several that overlap the longest counts."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        """``words`` by code; a word may name several codes."""
        self._codes: dict[str, list[str]] = {}
        for code, all_ in words.items():
            for word in all_:
                codes = self._codes.setdefault(_key(Folded(word).text), [])
                if code not in codes:
                    codes.append(code)
        self._pattern = pattern(tuple(word for all_ in words.values() for word in all_))

    def read(self, text: Folded) -> Iterator[Found]:
        """What ``text`` names, in its order."""
        for hit in self._pattern.finditer(text.text):
            for code in self._codes_of(hit.group()):
                yield Found(code, Part(*hit.span()))

    def _codes_of(self, word: str) -> list[str]:
        singular = (word, word.removesuffix("s"), word.removesuffix("es"))
        return next(self._codes[key] for each in singular if (key := _key(each)) in self._codes)


class Denial:
    """Words before another in its clause, near enough to be said of it."""

    def __init__(self, words: Words, reach: Reach) -> None:
        """``words`` deny what follows within ``reach`` characters of their language."""
        self._patterns = ((pattern(words.zh), reach.zh), (pattern(words.en), reach.en))

    def of(self, text: Folded) -> Callable[[Part], bool]:
        """Says whether a part of ``text`` is denied."""
        found = [(Hits(words, text), reach) for words, reach in self._patterns]

        def holds(part: Part) -> bool:
            clause = text.clause(part)
            gaps = [(hits.gap(part, clause), reach) for hits, reach in found]
            return any(gap is not None and gap <= reach for gap, reach in gaps)

        return holds


def _key(folded: str) -> str:
    return re.sub(r"[\s-]+", "", folded) if _LATIN.search(folded) else folded
