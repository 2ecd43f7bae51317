"""Assessments on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.enterprise.assessments.declaration import (
    Answers,
    Dimensions,
    Evidence,
    ModeName,
    Scenes,
)
from matchmaker.enterprise.assessments.machine import AssessmentState
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.identity.models import OrganisationId


class NamedCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its name."""

    code: str
    name: str


class Equivalent(msgspec.Struct, frozen=True, kw_only=True):
    """The levels of another scheme that stand for the same stage; none where it has none."""

    scheme: NamedCode
    levels: list[NamedCode]
    confidence: Annotated[str, msgspec.Meta(description="high, medium or low")]


class AssessmentResult(msgspec.Struct, frozen=True, kw_only=True):
    """What followed when it was completed.

    ``level`` is the scheme's own result, ``stage`` what it stands for on the ladder of six, with
    the confidence of that mapping. The score is null where questions that could not change the
    level were left out; it then lies between ``score_least`` and ``score_most``.
    """

    level: NamedCode
    stage: NamedCode
    confidence: Annotated[str, msgspec.Meta(description="high, medium or low")]
    score: float | None
    score_least: float | None
    score_most: float | None
    scenes: dict[str, int]
    crosswalk: list[Equivalent]
    taxonomy: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a questionnaire is answered: which levels are still possible, how much is open."""

    level_least: int
    level_most: int
    score_least: float
    score_most: float
    open_questions: int


class Assessment(Varying, frozen=True, kw_only=True):
    """Where a firm stands under one scheme at one checkpoint; null is unknown.

    Once completed it stays as it is, and ``pathways`` lists the ways computed from it.
    """

    id: AssessmentId
    organisation_id: OrganisationId
    scheme: NamedCode
    checkpoint: int
    mode: ModeName
    assessed_on: dt.date | None
    assessor: str | None
    value: str | None
    answers: Answers | None
    scenes: Scenes | None
    dimensions: Dimensions | None
    evidence: Evidence | None
    remark: str | None
    state: AssessmentState
    note: str | None
    progress: Progress | None
    result: AssessmentResult | None
    created_at: dt.datetime
    changed_at: dt.datetime
    completed_at: dt.datetime | None
    erased: bool


class OpenOption(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that a question offers: an option, or the level of a scene."""

    code: str
    name: str


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question that can still change something."""

    at: Annotated[str, msgspec.Meta(description="Where the answer goes, as #/answers/f1")]
    name: str
    type: Annotated[str, msgspec.Meta(description="multi, single, band_percent or level")]
    options: list[OpenOption]


class OpenQuestions(msgspec.Struct, frozen=True, kw_only=True):
    """What is still worth asking, the next question first; none: the level is settled."""

    questions: list[OpenQuestion]
    answered: int
    asked_in_all: Annotated[int, msgspec.Meta(description="Questions of the whole questionnaire")]
    progress: Progress | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since the checkpoint before; stages in steps of the ladder."""

    since: int
    stages: int
    score: float | None
    scenes: dict[str, int]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint of a series."""

    assessment_id: AssessmentId
    checkpoint: int
    assessed_on: dt.date | None
    state: AssessmentState
    result: AssessmentResult
    change: Change | None


class History(Varying, frozen=True, kw_only=True):
    """Checkpoints of one firm under one scheme, each with what changed since the one before."""

    scheme: NamedCode
    checkpoints: list[Checkpoint]


class PeerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of firms that are alike: by stage, and the mean level of each scene."""

    firms: int
    stages: dict[str, int]
    scenes: dict[str, float]


class PeerCell(msgspec.Struct, frozen=True, kw_only=True):
    """Firms of a division, scale and province; null = of any.

    ``figures`` are null where too few have been counted, or the firm's own facts are not known.
    """

    by: Annotated[str, msgspec.Meta(description="region, scale, industry or all")]
    division: NamedCode | None
    scale: NamedCode | None
    province: NamedCode | None
    figures: PeerFigures | None


class Benchmark(Varying, frozen=True, kw_only=True):
    """The firm among its peers, the narrowest kind first.

    Figures are sums over batches of at least ``least`` firms that are formed once and never split.
    """

    scheme: NamedCode
    checkpoint: int
    least: int
    own: AssessmentResult
    cells: list[PeerCell]
