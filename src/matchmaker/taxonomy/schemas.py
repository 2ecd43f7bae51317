"""What the taxonomy says on the wire."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from matchmaker.core.wire import END, LARGEST, Code, Money
from matchmaker.taxonomy.entries import Labels
from matchmaker.taxonomy.scale import DEFAULT_SCHEME, Basis, Bound, Indicator


class SchemeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A table of codes: which edition, when it holds, where it comes from; null = not known."""

    code: str
    label: str
    labels: Labels
    edition: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    origin: str
    confidence: str
    size: Annotated[int, msgspec.Meta(description="Number of codes")]


class NamedEdition(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of size or a questionnaire."""

    code: str
    label: str
    edition: str
    origin: str
    confidence: str


class TaxonomyOverview(msgspec.Struct, frozen=True, kw_only=True):
    """All released tables; equal versions are equal to the byte."""

    release: str
    version: str
    digest: str
    schemes: list[SchemeSummary]
    scale_schemes: list[NamedEdition]
    questionnaires: list[NamedEdition]


class CodeName(msgspec.Struct, frozen=True, kw_only=True):
    """A code of another place of the taxonomy, with its name."""

    scheme: str
    code: str
    label: str


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One code; ``label`` falls back to what stands above or the other language."""

    code: str
    label: str
    labels: Labels
    parent: str | None
    rank: int | None
    extra: Annotated[
        dict[str, Any], msgspec.Meta(description="What only this scheme says of its codes")
    ]


class SchemeDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its codes, in the order of the table."""

    scheme: SchemeSummary
    parents: Annotated[str, msgspec.Meta(description="The scheme in which `parent` stands")]
    refs: Annotated[
        dict[str, str], msgspec.Meta(description="Extra -> the scheme whose codes it holds")
    ]
    entries: list[CodeEntry]


class LinkedCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code of another scheme that corresponds; ``of`` is the code the link is stated for."""

    scheme: str
    code: str
    label: str
    of: str
    rank: int
    relation: str | None
    confidence: str
    extra: dict[str, Any]


class CodeDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One code with what stands above it (nearest first), below it and in other schemes."""

    scheme: str
    entry: CodeEntry
    ancestors: list[CodeName]
    children: list[CodeName]
    links: list[LinkedCode]


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A code that fits what was typed; ``within`` names what it stands in."""

    scheme: str
    code: str
    label: str
    labels: Labels
    within: str | None
    match: Annotated[str, msgspec.Meta(description="exact, prefix, word or inside")]
    source: Annotated[str, msgspec.Meta(description="code, label or keyword")]


class Suggestions(msgspec.Struct, frozen=True, kw_only=True):
    """Suggestions, best first; the order is the same for the same text."""

    items: list[Suggestion]


class ScaleFigures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a firm; null or missing is unknown, never zero."""

    employees: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] | None = None
    revenue: Money | None = None
    assets: Money | None = None
    industry: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=f"^[A-Z]?[0-9]{{0,4}}{END}",
                description="GB/T 4754-2017, with or without its letter",
                extra_json_schema={"format": "gbt_4754_2017"},
            ),
        ]
        | None
    ) = None
    scheme: Code = DEFAULT_SCHEME


class ScaleIndicator(msgspec.Struct, frozen=True, kw_only=True):
    """What one indicator alone says: people, or minor units of the scheme's currency."""

    indicator: Indicator
    value: int | None
    scale: str | None
    lower: Annotated[int | None, msgspec.Meta(description="Inclusive; null = open")]
    upper: Annotated[int | None, msgspec.Meta(description="Null = open")]
    is_upper_inclusive: bool


class ScaleSector(msgspec.Struct, frozen=True, kw_only=True):
    """The scheme's sector that the industry falls into."""

    code: str
    label: str


class ScaleResult(msgspec.Struct, frozen=True, kw_only=True):
    """A firm's size by a named scheme.

    ``basis``: computed = no missing figure could change it; estimated = the known figures say so
    and the truth is ``bound``; unknown = nothing to tell by; not_covered = the scheme has no rule
    for the industry.
    """

    scheme: str
    sector: ScaleSector | None
    scale: str | None
    label: str | None
    basis: Basis
    bound: Bound | None
    missing: list[Indicator]
    indicators: list[ScaleIndicator]
    explanation: list[str]


class QuestionOption(msgspec.Struct, frozen=True, kw_only=True):
    """One answer a question offers."""

    code: str
    label: str
    points: Decimal


class QuestionBand(msgspec.Struct, frozen=True, kw_only=True):
    """Points of a percentage up to and including ``upper``."""

    upper: Decimal
    points: Decimal


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question; ``multi`` takes several options, ``band_percent`` a percentage."""

    code: str
    label: str
    section: str | None
    type: Literal["multi", "single", "band_percent"]
    points: Decimal
    options: list[QuestionOption]
    bands: list[QuestionBand]


class QuestionPart(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension of the score."""

    code: str
    label: str
    points: Decimal
    questions: list[Question]


class SceneLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What a level of a scene looks like."""

    level: int
    label: str


class SceneQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A scene that is rated 0 to 4; 0 is below its first level."""

    code: str
    label: str
    group: str | None
    group_label: str | None
    is_binding: bool
    levels: list[SceneLevel]


class LevelTest(msgspec.Struct, frozen=True, kw_only=True):
    """A level asks for a score and so many scenes at ``scene_level``, some of them binding."""

    level: int
    min_score: Decimal
    scene_level: int
    min_scenes: int
    min_binding: int


class QuestionnaireDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A published self-assessment with its points; the highest level whose tests all pass holds."""

    code: str
    label: str
    edition: str
    origin: str
    confidence: str
    scheme: str
    table: str
    parts: list[QuestionPart]
    scenes: list[SceneQuestion]
    levels: list[LevelTest]


class Questionnaires(msgspec.Struct, frozen=True, kw_only=True):
    """The published questionnaires."""

    items: list[NamedEdition]
