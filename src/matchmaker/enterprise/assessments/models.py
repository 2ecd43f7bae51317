"""Assessments, and the batches of firms that peers are compared with."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.enterprise.assessments.machine import ASSESSMENT, AssessmentState
from matchmaker.identity.models import Organisation, OrganisationId

AssessmentId = NewType("AssessmentId", UUID)


def new_assessment_id() -> AssessmentId:
    """A new id, in order of time."""
    return AssessmentId(uuid7())


class Assessment(Revised, Base, kw_only=True):
    """What was answered under one scheme at one checkpoint; a trigger keeps it once completed."""

    __tablename__ = "assessment"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        Index(None, "organisation_id", "id"),
        Index(
            "ix_assessment_stands",
            "organisation_id",
            "scheme",
            "checkpoint",
            unique=True,
            postgresql_where=literal_column("state in ('completed', 'verified')"),
        ),
        Index(
            "ix_assessment_uncounted",
            "completed_at",
            postgresql_where=literal_column(
                "completed_at is not null and counted_at is null and erased_at is null"
            ),
        ),
        CheckConstraint(
            "state in ('draft', 'completed', 'verified', 'superseded')", name="state_known"
        ),
        CheckConstraint("mode in ('self', 'assisted', 'on_site')", name="mode_known"),
        CheckConstraint("checkpoint between 0 and 9", name="checkpoint_counted"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[AssessmentId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_assessment_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    scheme: Mapped[str] = mapped_column(Text)
    checkpoint: Mapped[int] = mapped_column(SmallInteger)
    """0 for T0, before the change; 1 for T1, and so on."""
    mode: Mapped[str] = mapped_column(String(32))
    assessed_on: Mapped[dt.date | None] = mapped_column(default=None)
    assessor: Mapped[str | None] = mapped_column(Text, default=None)
    content: Mapped[dict[str, Any]]
    """Raw value, answers, scenes, dimensions and evidence as given; unknown ones are absent."""
    result: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """What followed when it was completed, under which release."""
    peers: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """Whom the firm was comparable with then: division, scale, province; null is unknown."""
    state: Mapped[AssessmentState] = mapped_column(default=ASSESSMENT.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
    completed_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    counted_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    """When it became part of a batch of peers."""
    erased_at: Mapped[dt.datetime | None] = mapped_column(default=None)


class PeerBatch(Base, kw_only=True):
    """Sums over some firms that were counted together, once; nobody's in particular."""

    __tablename__ = "peer_batch"
    __table_args__ = (
        Index(None, "scheme", "checkpoint", "division", "scale", "province"),
        CheckConstraint("firms > 0", name="firms_counted"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default_factory=uuid7)
    scheme: Mapped[str] = mapped_column(Text)
    checkpoint: Mapped[int] = mapped_column(SmallInteger)
    division: Mapped[str | None] = mapped_column(Text)
    """Null where its firms are of any division; scale and province likewise."""
    scale: Mapped[str | None] = mapped_column(Text)
    province: Mapped[str | None] = mapped_column(Text)
    firms: Mapped[int] = mapped_column(Integer)
    sums: Mapped[dict[str, Any]]
    """Firms by stage; by scene the sum of the levels and of how many, where these are enough."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
