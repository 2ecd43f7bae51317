"""A draft of a need out of free text: nothing in it that does not stand in the text."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from matchmaker.demand.reading import book
from matchmaker.demand.reading.amounts import Amounts
from matchmaker.demand.reading.days import Days
from matchmaker.demand.reading.folding import Folded
from matchmaker.demand.reading.terms import Denial, Terms

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matchmaker.demand.declaration import Budget
    from matchmaker.demand.reading.book import Book, Words
    from matchmaker.demand.reading.folding import Part
    from matchmaker.demand.reading.terms import Found
    from matchmaker.taxonomy.registry import Taxonomy

_SCENES, _CATEGORIES = "sme_scene", "solution_category"


class Span(NamedTuple):
    """What was read, and the characters it was read from, as the text was written."""

    field: str
    value: str | Budget | dt.date
    part: Part


class Unread(NamedTuple):
    """What looks like a fact of ``field`` and was not taken, and why."""

    field: str
    reason: str
    part: Part


class Read(NamedTuple):
    """All that was found in a text, in its order."""

    spans: Sequence[Span]
    unread: Sequence[Unread]

    def values(self, field: str) -> list[str]:
        """The codes read for ``field``, each once."""
        return list(dict.fromkeys(str(span.value) for span in self.spans if span.field == field))


class Reader:
    """Reads free text with the released words."""

    def __init__(
        self, words: Book, taxonomy: Taxonomy, concepts: Mapping[str, Sequence[str]]
    ) -> None:
        """``concepts`` are the phrases of the glossary, by concept.

        Raises:
            ValueError: the book names a code or a concept that there is not.
        """
        self.version = words.edition
        self._fields = {
            "scenes": Terms(
                _named(
                    taxonomy, _SCENES, _phrases(words.scenes, concepts, words.more_scenes), words
                )
            ),
            "categories": Terms(
                _named(taxonomy, _CATEGORIES, _phrases(words.categories, concepts, {}), words)
            ),
            "deployment": Terms({code: each.both for code, each in words.deployment.items()}),
        }
        self._kinds = Terms({kind: each.both for kind, each in words.kinds.items()})
        self._denied = Denial(words.denied, words.reach)
        self._held = Denial(words.held, words.reach)
        self._amounts, self._days = Amounts(words.money), Days(words.dates)
        unknown = words.deployment.keys() - taxonomy.scheme("deployment").entries.keys()
        if unknown:
            raise ValueError(f"no deployment: {sorted(unknown)}")

    def read(self, text: str, today: dt.date) -> Read:
        """What ``text`` says of a need, as of ``today``."""
        folded = Folded(text)
        spans: list[Span] = []
        unread: list[Unread] = []
        for each in chain(
            self._codes(folded),
            self._kind(folded),
            self._budget(folded),
            self._ready_by(folded, today),
        ):
            (spans if isinstance(each, Span) else unread).append(
                each._replace(part=folded.written(each.part))  # type: ignore[arg-type]
            )
        return Read(sorted(spans, key=_place), sorted(unread, key=_place))

    def _codes(self, text: Folded) -> Iterator[Span | Unread]:
        is_denied, is_held = self._denied.of(text), self._held.of(text)
        for field, terms in self._fields.items():
            for found in terms.read(text):
                if is_denied(found.part):
                    yield Unread(field, "denied", found.part)
                elif field == "categories" and is_held(found.part):
                    yield Unread(field, "held", found.part)
                else:
                    yield Span(field, found.code, found.part)

    def _kind(self, text: Folded) -> Iterator[Span | Unread]:
        """The kind that the text has words of, if it is one alone."""
        is_denied = self._denied.of(text)
        found: list[Found] = [each for each in self._kinds.read(text) if not is_denied(each.part)]
        is_one = len({each.code for each in found}) == 1
        for each in found:
            if is_one:
                yield Span("kind", each.code, each.part)
            else:
                yield Unread("kind", "several_kinds", each.part)

    def _budget(self, text: Folded) -> Iterator[Span | Unread]:
        has_one = False
        for found in self._amounts.read(text):
            if found.budget is not None and not has_one:
                has_one = True
                yield Span("budget", found.budget, found.part)
            else:
                yield Unread("budget", found.why_not or "another", found.part)

    def _ready_by(self, text: Folded, today: dt.date) -> Iterator[Span | Unread]:
        has_one = False
        for found in self._days.read(text, today):
            if found.day is not None and not has_one:
                has_one = True
                yield Span("ready_by", found.day, found.part)
            else:
                yield Unread("ready_by", found.why_not or "another", found.part)


def _place(found: Span | Unread) -> tuple[Part, str]:
    return found.part, found.field


def _phrases(
    concepts_of: Mapping[str, tuple[str, ...]],
    concepts: Mapping[str, Sequence[str]],
    more: Mapping[str, Words],
) -> Mapping[str, list[str]]:
    """By code the phrases of its concepts and what stands in the book itself."""
    unknown = {name for all_ in concepts_of.values() for name in all_} - concepts.keys()
    if unknown:
        raise ValueError(f"no concepts of the glossary: {sorted(unknown)}")
    found = {
        code: [word for name in names for word in concepts[name]]
        for code, names in concepts_of.items()
    }
    for code, words in more.items():
        found.setdefault(code, []).extend(words.both)
    return found


def _named(
    taxonomy: Taxonomy, scheme: str, phrases: Mapping[str, list[str]], words: Book
) -> Mapping[str, list[str]]:
    """The words of each code of ``scheme``: its synonyms and ``phrases``, broad ones left out."""
    entries, synonyms = taxonomy.scheme(scheme).entries, taxonomy.keywords[scheme]
    unknown = phrases.keys() - entries.keys()
    if unknown:
        raise ValueError(f"no codes of {scheme}: {sorted(unknown)}")
    passed_over = {Folded(word).text for word in words.passed_over.both}
    found: dict[str, list[str]] = {}
    for code in entries:
        own = [*synonyms[code].zh, *synonyms[code].en] if code in synonyms else []
        said = [*own, *phrases.get(code, ())]
        if kept := [word for word in said if Folded(word).text not in passed_over]:
            found[code] = kept
    return found


def load(seeds: Path, taxonomy: Taxonomy, concepts: Mapping[str, Sequence[str]]) -> Reader:
    """The reader with the book released below ``seeds``."""
    return Reader(book.load(seeds), taxonomy, concepts)
