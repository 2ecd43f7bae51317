"""That somebody else saw something of an organisation."""

from __future__ import annotations

import datetime as dt
from typing import NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.identity.models import Organisation, OrganisationId

SightingId = NewType("SightingId", UUID)


def new_sighting_id() -> SightingId:
    """A new id, in order of time."""
    return SightingId(uuid7())


class Sighting(Base, kw_only=True):
    """Somebody else's look at something of an organisation; nothing of a person."""

    __tablename__ = "sighting"
    __table_args__ = (
        CheckConstraint(
            "subject_type in ('profile', 'need', 'match_run', 'expert_card')",
            name="subject_known",
        ),
        CheckConstraint("seen_as in ('operator', 'agency', 'adviser', 'partner')", name="as_known"),
        CheckConstraint("way in ('read', 'listed', 'exported')", name="way_known"),
        Index(None, "organisation_id", "id"),
        Index(None, "seen_at"),
    )

    id: Mapped[SightingId] = mapped_column(Uuid, primary_key=True, default_factory=new_sighting_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """Whose it is."""
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    by_organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    seen_as: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(Text)
    programmes: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """Those it takes part in, where that is why an agency saw it by name."""
    request_id: Mapped[str | None] = mapped_column(Text)
    seen_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
