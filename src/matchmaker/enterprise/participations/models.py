"""Participations as stored; of a row only where it stands changes."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.enterprise.participations.machine import PARTICIPATION, ParticipationState
from matchmaker.identity.models import Organisation, OrganisationId

ParticipationId = NewType("ParticipationId", UUID)


def new_participation_id() -> ParticipationId:
    """A new id, in order of time."""
    return ParticipationId(uuid7())


class Participation(Revised, Base, kw_only=True):
    """That a firm takes part in a programme, or did."""

    __tablename__ = "participation"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(None, "agency_id", postgresql_where=literal_column("state = 'joined'")),
        Index(
            "uq_participation_joined",
            "programme_id",
            "organisation_id",
            unique=True,
            postgresql_where=literal_column("state = 'joined'"),
        ),
        CheckConstraint("state in ('joined', 'left', 'ended')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ParticipationId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_participation_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    programme_id: Mapped[UUID]
    """Of a higher room, so no key points there; the wall lets in what names a published one."""
    agency_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """Who keeps the programme."""
    state: Mapped[ParticipationState] = mapped_column(default=PARTICIPATION.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
