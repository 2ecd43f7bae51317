"""Pathways: what was asked and what was computed, kept as it was."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.identity.models import Organisation, OrganisationId
from matchmaker.pathway.machine import PATHWAY, PathwayState

PathwayId = NewType("PathwayId", UUID)


def new_pathway_id() -> PathwayId:
    """A new id, in order of time."""
    return PathwayId(uuid7())


class Pathway(Revised, Base, kw_only=True):
    """One way of one firm; a trigger keeps what was asked and what was computed."""

    __tablename__ = "pathway"
    __table_args__ = (
        Unique("id", "organisation_id"),
        ForeignKeyConstraint(
            ["assessment_id", "organisation_id"],
            ["mm.assessment.id", "mm.assessment.organisation_id"],
        ),
        ForeignKeyConstraint(
            ["previous_id", "organisation_id"], ["mm.pathway.id", "mm.pathway.organisation_id"]
        ),
        Index(None, "organisation_id", "id"),
        Index(None, "assessment_id"),
        CheckConstraint(
            "state in ('draft', 'adopted', 'in_progress', 'completed', 'superseded')",
            name="state_known",
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[PathwayId] = mapped_column(Uuid, primary_key=True, default_factory=new_pathway_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    assessment_id: Mapped[AssessmentId | None] = mapped_column(Uuid, default=None)
    previous_id: Mapped[PathwayId | None] = mapped_column(Uuid, default=None)
    """The one it was computed anew from."""
    asked: Mapped[dict[str, Any]]
    """Facts, aim and budgets."""
    way: Mapped[dict[str, Any]]
    """Position, entry points and phases, in numbers and codes."""
    state: Mapped[PathwayState] = mapped_column(default=PATHWAY.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
    erased_at: Mapped[dt.datetime | None] = mapped_column(default=None)
