"""The models and words that a match is made with, loaded from released files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.matching.query import Reader, ranked_codes
from matchmaker.matching.service import Model
from matchmaker.ranking.card import card_from
from matchmaker.ranking.tables import compile_card
from matchmaker.ranking.tokens import Concept, Tokenizer
from matchmaker.ranking.vocabulary import Vocabulary
from matchmaker.taxonomy.fields import FieldCatalogue

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.taxonomy.registry import Taxonomy

CARD: Final = "ranking/card-2026.11.yaml"
PHRASES: Final = "ranking/phrases.yaml"
TAXONOMY: Final = "taxonomy"
GLOSSARY: Final = "taxonomy/glossary.yaml"
STOP_WORDS: Final = "taxonomy/stopwords.yaml"
DEFAULT_CURRENCY: Final = "CNY"


class GlossaryEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One concept and its phrases."""

    id: str
    zh: tuple[str, ...]
    en: tuple[str, ...]


class Glossary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bilingual glossary."""

    scheme: str
    edition: str
    origin: str
    concepts: tuple[GlossaryEntry, ...]


class StopWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the tokenizer drops: Han characters, and English words before stemming."""

    scheme: str
    edition: str
    stop_characters: str
    stop_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The tokenizer, and the version of the glossary and stop lists it was made of."""

    tokenizer: Tokenizer
    version: str


def load_words(seeds: Path) -> Words:
    """The tokenizer of the released glossary.

    Raises:
        ValueError: a phrase holds a stop character, so that no text could ever match it.
    """
    glossary_bytes = (seeds / GLOSSARY).read_bytes()
    stop_bytes = (seeds / STOP_WORDS).read_bytes()
    glossary = msgspec.yaml.decode(glossary_bytes, type=Glossary)
    stop = msgspec.yaml.decode(stop_bytes, type=StopWords)
    concepts = tuple(
        Concept(entry.id, {"zh": entry.zh, "en": entry.en}) for entry in glossary.concepts
    )
    stop_characters = frozenset(stop.stop_characters)
    for concept in concepts:
        for phrase in concept.phrases["zh"]:
            if stop_characters & set(phrase):
                raise ValueError(f"phrase {phrase!r} of {concept.id} holds a stop character")
    hashed = hashlib.sha256(glossary_bytes + stop_bytes).hexdigest()[:12]
    tokenizer = Tokenizer(stop_characters, frozenset(stop.stop_words), concepts)
    return Words(tokenizer, f"{glossary.edition}+{hashed}")


def load_model(seeds: Path, taxonomy: Taxonomy) -> Model:
    """Card 1 with its compiled tables.

    Raises:
        ValueError: the card is not sound.
    """
    content = (seeds / CARD).read_bytes()
    data: dict[str, Any] = msgspec.yaml.decode(content)
    card = card_from(data, vocabulary(taxonomy))
    hashed = hashlib.sha256(content).hexdigest()[:12]
    return Model(card, compile_card(card), f"{card.name}+{hashed}")


def vocabulary(taxonomy: Taxonomy) -> Vocabulary:
    """The ordered and grouped codes of ``taxonomy`` that features compare."""
    categories = taxonomy.scheme("solution_category").entries.values()
    return Vocabulary(
        scales=ranked_codes(taxonomy, "scale"),
        stages=ranked_codes(taxonomy, "stage"),
        scenes=tuple(taxonomy.scheme("sme_scene").entries),
        families={entry.code: entry.parent for entry in categories if entry.parent},
    )


def load_reader(taxonomy: Taxonomy, words: Words) -> Reader:
    """What turns a profile and a need into a query."""
    return Reader(taxonomy, FieldCatalogue(taxonomy), words.tokenizer, DEFAULT_CURRENCY)
