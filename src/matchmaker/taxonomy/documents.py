"""The shapes of the seed files that are not tables of codes, as they are read and kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from matchmaker.taxonomy.entries import Header, Labels

FieldType: TypeAlias = Literal[
    "set", "code", "number", "span", "date", "flag", "text", "map", "money", "rule", "list"
]


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a seed file; an unknown key is a mistake in the file."""


class Text(_Document, frozen=True, kw_only=True):
    """A text of ours, complete in both languages."""

    zh: str
    en: str


class Manifest(_Document, frozen=True, kw_only=True):
    """Every file of a release, by its path from the seed folder."""

    release: str
    tables: tuple[str, ...]
    concordances: tuple[str, ...]
    scales: str
    questionnaires: tuple[str, ...]
    keywords: str
    fields: str
    facts: str

    def files(self) -> tuple[str, ...]:
        """All of them, in one order."""
        return (
            *self.tables,
            *self.concordances,
            self.scales,
            *self.questionnaires,
            self.keywords,
            self.fields,
            self.facts,
        )


class Sector(_Document, frozen=True, kw_only=True):
    """The lower limits of large, medium and small for firms of some industries.

    Employees in people, revenue and assets in the scheme's amount unit; null = not an indicator.
    """

    code: str
    zh: str
    en: str
    industries: tuple[str, ...]
    employees: tuple[int, int, int] | None = None
    revenue: tuple[int, int, int] | None = None
    assets: tuple[int, int, int] | None = None


class Limit(_Document, frozen=True, kw_only=True):
    """Headcount below, and revenue or assets up to and including, in the scheme's amount unit."""

    tier: str
    employees_below: int
    revenue_to: int
    assets_to: int


class Ownership(_Document, frozen=True, kw_only=True):
    """From which share another owner's figures count, in percent."""

    autonomous_below_percent: int
    linked_above_percent: int


class ScaleScheme(_Document, frozen=True, kw_only=True):
    """One published rule of enterprise size; an alias has the rule of another."""

    code: str
    labels: Labels
    header: Header
    alias_of: str | None = None
    method: Literal["lowest_tier", "headcount_and_either"] | None = None
    currency: str | None = None
    amount_unit: int = 1
    tiers: tuple[str, ...] = ()
    sectors: tuple[Sector, ...] = ()
    not_covered: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    ownership: Ownership | None = None


class Scales(_Document, frozen=True, kw_only=True):
    """The file of scale rules."""

    header: Header
    schemes: tuple[ScaleScheme, ...]


class Option(_Document, frozen=True, kw_only=True):
    """One answer that a question offers."""

    code: str
    zh: str
    en: str
    points: Decimal


class Question(_Document, frozen=True, kw_only=True):
    """One question; ``bands`` are (upper bound in percent, inclusive; points)."""

    code: str
    labels: Text
    section: Text | None
    type: Literal["multi", "single", "band_percent"]
    points: Decimal
    options: tuple[Option, ...] = ()
    bands: tuple[tuple[Decimal, Decimal], ...] = ()


class Part(_Document, frozen=True, kw_only=True):
    """A dimension of the score."""

    code: str
    labels: Text
    points: Decimal
    questions: tuple[Question, ...]


class LevelRule(_Document, frozen=True, kw_only=True):
    """A level is reached with this score and so many scenes at ``scene_level`` or above."""

    level: int
    min_score: Decimal
    scene_level: int
    min_scenes: int
    min_binding: int


class Questionnaire(_Document, frozen=True, kw_only=True):
    """A published self-assessment: questions with points, scenes and the rule of levels."""

    header: Header
    code: str
    labels: Text
    scheme: str
    table: str
    parts: tuple[Part, ...]
    scenes: str
    levels: tuple[LevelRule, ...]


class Words(_Document, frozen=True, kw_only=True):
    """Words in both languages."""

    zh: tuple[str, ...]
    en: tuple[str, ...]


class Keywords(_Document, frozen=True, kw_only=True):
    """Synonyms by scheme and code."""

    header: Header
    words: dict[str, dict[str, Words]]
    negation_cues: Words


class FieldDefinition(_Document, frozen=True, kw_only=True):
    """One field as the catalogue's file states it; see the head of that file."""

    name: str
    type: FieldType
    stated_by: Literal["provider", "sme", "platform"]
    seen_by: Literal["everyone", "introduced", "owner"]
    label: Text
    question: Text
    phrase: str | None = None
    """The English label inside a sentence, in the singular, with article; null = "the" + label."""
    unit: str | None = None
    vocabulary: str | None = None
    keys: str | None = None
    money: str | None = None
    """The field that holds the currency of the amount."""
    kinds: tuple[str, ...] | None = None
    no_limit: bool = False
    minimum: int | float | None = None
    maximum: int | float | None = None


class Fields(_Document, frozen=True, kw_only=True):
    """The file of the field catalogue."""

    header: Header
    fields: tuple[FieldDefinition, ...]
