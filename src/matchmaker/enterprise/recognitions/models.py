"""Recognitions as stored; of a row only where it stands changes."""

from __future__ import annotations

import datetime as dt
from typing import NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.enterprise.recognitions.machine import RECOGNITION, RecognitionState
from matchmaker.identity.models import Organisation, OrganisationId

RecognitionId = NewType("RecognitionId", UUID)


def new_recognition_id() -> RecognitionId:
    """A new id, in order of time."""
    return RecognitionId(uuid7())


class Recognition(Revised, Base, kw_only=True):
    """A level or title that an authority granted, as its firm states it."""

    __tablename__ = "recognition"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(
            "ix_recognition_due",
            "valid_until",
            postgresql_where=literal_column("state in ('claimed', 'verified')"),
        ),
        CheckConstraint("state in ('claimed', 'verified', 'expired')", name="state_known"),
        CheckConstraint("granted_on <= valid_until", name="ends_after_it_begins"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[RecognitionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_recognition_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    scheme: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(Text, default=None)
    granted_on: Mapped[dt.date | None] = mapped_column(default=None)
    valid_until: Mapped[dt.date | None] = mapped_column(default=None)
    """The last day on which it holds; null where it has none, or nobody said."""
    state: Mapped[RecognitionState] = mapped_column(default=RECOGNITION.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
    erased_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    """When it was emptied: it is not found any more."""
