"""Feedback on what runs showed, and judgements of it."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Final, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.models import OfferingId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.identity.models import Organisation, OrganisationId
from matchmaker.matching.models import RunId

FeedbackId = NewType("FeedbackId", UUID)
JudgementId = NewType("JudgementId", UUID)


def new_feedback_id() -> FeedbackId:
    """A new id, in order of time."""
    return FeedbackId(uuid7())


def new_judgement_id() -> JudgementId:
    """A new id, in order of time."""
    return JudgementId(uuid7())


class Action(enum.StrEnum):
    """What became of an offering that was shown."""

    OPENED = "opened"
    SHORTLISTED = "shortlisted"
    CONTACTED = "contacted"
    QUOTED = "quoted"
    CONTRACTED = "contracted"
    DISMISSED = "dismissed"


class Reason(enum.StrEnum):
    """Why an offering was dismissed: the feature that speaks against it, or something else."""

    SCENE_FIT = "scene_fit"
    CATEGORY = "category"
    TEXT = "text"
    PRICE = "price"
    INDUSTRY = "industry"
    SCALE = "scale"
    STAGE = "stage"
    REGION = "region"
    PREFER = "prefer"
    WEEKS = "weeks"
    CASES = "cases"
    ACCEPTANCE = "acceptance"
    FRESHNESS = "freshness"
    OTHER = "other"


BEST: Final = 4
"""The greatest grade of a judgement."""


def _known(column: str, members: type[enum.StrEnum]) -> str:
    return f"{column} in ({', '.join(repr(each.value) for each in members)})"


# The impression is the row of `match`: place, version, package, score and propensity stand there.
_SHOWN: Final = (["run_id", "offering_id"], ["mm.match.run_id", "mm.match.offering_id"])


class Feedback(Base, kw_only=True):
    """What a firm did with an offering that a run showed it, said once; it does not change."""

    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "organisation_id"], ["mm.match_run.id", "mm.match_run.organisation_id"]
        ),
        ForeignKeyConstraint(*_SHOWN),
        UniqueConstraint("run_id", "offering_id", "action"),
        Index(None, "organisation_id", "id"),
        CheckConstraint(_known("action", Action), name="action_known"),
        CheckConstraint(_known("reason", Reason), name="reason_known"),
        CheckConstraint("reason is null or action = 'dismissed'", name="reason_of_a_dismissal"),
        CheckConstraint(
            "provider_id not in (organisation_id, said_by)", name="not_of_its_own_offering"
        ),
    )

    id: Mapped[FeedbackId] = mapped_column(Uuid, primary_key=True, default_factory=new_feedback_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    """Whose run it is."""
    said_by: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """The firm itself, or who acts in its name."""
    run_id: Mapped[RunId] = mapped_column(Uuid)
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    provider_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """Whose offering the run showed."""
    action: Mapped[Action]
    reason: Mapped[Reason | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class Judgement(Base, kw_only=True):
    """How well an offering fits what a run was asked, by an expert; a later one of it counts."""

    __tablename__ = "judgement"
    __table_args__ = (
        ForeignKeyConstraint(*_SHOWN),
        Index(None, "run_id", "offering_id", "id"),
        Index(None, "organisation_id", "id"),
        CheckConstraint(f"grade between 0 and {BEST}", name="grade_on_the_scale"),
        CheckConstraint(
            "provider_id not in (organisation_id, said_by)", name="not_of_its_own_offering"
        ),
    )

    id: Mapped[JudgementId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_judgement_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """Whose judgement it is."""
    said_by: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    run_id: Mapped[RunId] = mapped_column(Uuid)
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    provider_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    grade: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
