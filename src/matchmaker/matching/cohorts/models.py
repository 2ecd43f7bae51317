"""Cohorts as stored."""

from __future__ import annotations

from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

CohortId = NewType("CohortId", UUID)


def new_cohort_id() -> CohortId:
    """A new id, in order of time."""
    return CohortId(uuid7())


class Cohort(Revised, Base, kw_only=True):
    """What chooses firms, under a name; which firms these are is found when it is used."""

    __tablename__ = "cohort"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        CheckConstraint("jsonb_typeof(criteria) = 'object'", name="criteria_by_name"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[CohortId] = mapped_column(Uuid, primary_key=True, default_factory=new_cohort_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    name: Mapped[str] = mapped_column(Text)
    criteria: Mapped[dict[str, Any]]
