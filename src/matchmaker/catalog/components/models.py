"""Components: lines of the technology bill of an offering, or of the systems of a firm."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.models import OfferingId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

ComponentId = NewType("ComponentId", UUID)


def new_component_id() -> ComponentId:
    """A new id, in order of time."""
    return ComponentId(uuid7())


class Component(Revised, Base, kw_only=True):
    """One thing that an offering is made of, or that a firm runs; unknown origin stays unknown."""

    __tablename__ = "component"
    __table_args__ = (
        ForeignKeyConstraint(
            ["offering_id", "organisation_id"], ["mm.offering.id", "mm.offering.organisation_id"]
        ),
        Index(None, "organisation_id"),
        Index(None, "offering_id"),
        CheckConstraint("origin ~ '^[A-Z]{2}$'", name="origin_is_a_code"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ComponentId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_component_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    offering_id: Mapped[OfferingId | None] = mapped_column(Uuid, default=None)
    """None: a system that the organisation itself runs."""
    layer: Mapped[str] = mapped_column(Text)
    """A code of ``tech_layer``."""
    name: Mapped[str] = mapped_column(Text)
    vendor: Mapped[str | None] = mapped_column(Text, default=None)
    origin: Mapped[str | None] = mapped_column(Text, default=None)
    """ISO 3166-1 alpha-2; None: unknown."""
    substitutes: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
