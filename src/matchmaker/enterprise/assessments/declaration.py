"""What is answered in an assessment, on the wire; what is missing is unknown."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.wire import Code, Line, Prose
from matchmaker.enterprise.declaration import Level
from matchmaker.taxonomy.coded import SceneCode

SchemeCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "maturity_scheme"})]
Checkpoint = Annotated[
    int, msgspec.Meta(ge=0, le=9, description="0 = T0, before the change; 1 = T1, and so on")
]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Options: TypeAlias = Annotated[list[Code], msgspec.Meta(max_length=20)]
Answer: TypeAlias = Code | Options | Percent
"""An option, several of them, or a percentage."""
Answers: TypeAlias = Annotated[dict[Code, Answer], msgspec.Meta(max_length=50)]
Scenes: TypeAlias = Annotated[dict[SceneCode, Level], msgspec.Meta(max_length=16)]
Number = Annotated[float, msgspec.Meta(ge=0, le=100)]
Dimensions: TypeAlias = Annotated[dict[Code, Number], msgspec.Meta(max_length=40)]
Evidence: TypeAlias = Annotated[list[Line], msgspec.Meta(max_length=20)]


class Mode(enum.StrEnum):
    """Who found it out: the firm alone, with help, or somebody who came to look."""

    SELF = "self"
    ASSISTED = "assisted"
    ON_SITE = "on_site"


ModeName: TypeAlias = Literal["self", "assisted", "on_site"]


class AssessmentTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a draft says.

    Under a scheme with a questionnaire ``answers`` and ``scenes`` are what was answered; ``value``
    is the scheme's own result as it was given by others, kept as it is.
    """

    mode: Mode = Mode.SELF
    assessed_on: dt.date | None = None
    assessor: Line | None = None
    value: Code | None = None
    answers: Answers | None = None
    scenes: Scenes | None = None
    dimensions: Dimensions | None = None
    evidence: Evidence | None = None
    remark: Prose | None = None


class AssessmentDraft(AssessmentTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new assessment."""

    scheme: SchemeCode
    checkpoint: Checkpoint = 0


class AssessmentPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a draft: what is absent stays, null removes, answers change one by one."""

    mode: Mode | UnsetType = UNSET
    assessed_on: dt.date | UnsetType | None = UNSET
    assessor: Line | UnsetType | None = UNSET
    value: Code | UnsetType | None = UNSET
    answers: dict[Code, Answer | None] | UnsetType | None = UNSET
    scenes: dict[SceneCode, Level | None] | UnsetType | None = UNSET
    dimensions: dict[Code, Number | None] | UnsetType | None = UNSET
    evidence: Evidence | UnsetType | None = UNSET
    remark: Prose | UnsetType | None = UNSET
