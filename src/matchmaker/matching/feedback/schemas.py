"""Feedback and judgements on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from matchmaker.identity.models import OrganisationId
from matchmaker.matching.feedback.models import BEST, Action, FeedbackId, JudgementId, Reason
from matchmaker.matching.models import RunId

Grade: TypeAlias = Annotated[
    int, msgspec.Meta(ge=0, le=BEST, description="0 does not fit, 4 fits as well as can be")
]


class FeedbackDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of an offering that a run showed; a reason goes with a dismissal."""

    run_id: RunId
    offering_id: UUID
    action: Action
    reason: Reason | None = None


class Impression(msgspec.Struct, frozen=True, kw_only=True):
    """How the run showed the offering: read from the run, never from who reports.

    ``propensity`` is how likely it was to stand at its rank.
    """

    rank: int
    version: int
    package: str
    model: str
    propensity: float


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of an offering, with the impression it is about."""

    id: FeedbackId
    organisation_id: OrganisationId
    run_id: RunId
    offering_id: UUID
    action: Action
    reason: Reason | None
    impression: Impression
    created_at: dt.datetime


class JudgementDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well an offering that a run showed fits what was asked."""

    run_id: RunId
    offering_id: UUID
    grade: Grade


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """An expert's judgement of an offering, with the impression it is about."""

    id: JudgementId
    organisation_id: OrganisationId
    run_id: RunId
    offering_id: UUID
    grade: Grade
    impression: Impression
    created_at: dt.datetime
