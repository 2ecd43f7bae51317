"""Entries of the released words that equal a query or a category, and the words without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from matchmaker.matching.registry import Words
from matchmaker.ranking.tokens import Tokenizer
from matchmaker.taxonomy.registry import Taxonomy


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the released data shares with the texts that the grades are about.

    ``phrases`` and ``concepts`` of the glossary, which a match reads; ``unread``: names and
    keywords of the taxonomy, which only suggestions read.
    """

    phrases: tuple[str, ...]
    concepts: frozenset[str]
    unread: tuple[str, ...]


def overlap(tokenizer: Tokenizer, taxonomy: Taxonomy, texts: Iterable[str]) -> Overlap:
    """The entries equal to one of ``texts`` once normalised, stemmed and rid of stop words."""
    seen = {key for text in texts if (key := _key(tokenizer, text))}
    held = [
        (phrase, concept.id)
        for concept in tokenizer.concepts
        for phrases in concept.phrases.values()
        for phrase in phrases
        if _key(tokenizer, phrase) in seen
    ]
    unread = {name.text for name in taxonomy.names if _key(tokenizer, name.text) in seen}
    return Overlap(
        tuple(sorted({phrase for phrase, _ in held})),
        frozenset(concept for _, concept in held),
        tuple(sorted(unread)),
    )


def without(words: Words, concepts: frozenset[str]) -> Words:
    """The words without ``concepts``."""
    kept = tuple(each for each in words.tokenizer.concepts if each.id not in concepts)
    return Words(dataclasses.replace(words.tokenizer, concepts=kept), f"{words.version}-no-overlap")


def _key(tokenizer: Tokenizer, text: str) -> tuple[str, ...]:
    return tuple(tokenizer.plain(text))
