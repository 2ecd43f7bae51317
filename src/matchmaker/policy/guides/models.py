"""Guides as stored; of a row only where it stands changes."""

from __future__ import annotations

from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId
from matchmaker.policy.guides.machine import GUIDE, GuideState

GuideId = NewType("GuideId", UUID)


def new_guide_id() -> GuideId:
    """A new id, in order of time."""
    return GuideId(uuid7())


class Guide(Revised, Base, kw_only=True):
    """One edition of a guide, as an agency or an operator entered it."""

    __tablename__ = "guide"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(
            "uq_guide_published_code",
            "organisation_id",
            "code",
            unique=True,
            postgresql_where=literal_column("state = 'published'"),
        ),
        CheckConstraint("state in ('draft', 'published', 'superseded')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[GuideId] = mapped_column(Uuid, primary_key=True, default_factory=new_guide_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    code: Mapped[str] = mapped_column(Text)
    edition: Mapped[str] = mapped_column(Text)
    issuer: Mapped[dict[str, Any]]
    source: Mapped[dict[str, Any]]
    industries: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    """Prefixes; none: it is for any industry."""
    region: Mapped[str | None] = mapped_column(Text, default=None)
    scenes: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    """In the order in which they are recommended."""
    pitfalls: Mapped[list[Any]] = mapped_column(default_factory=list)
    state: Mapped[GuideState] = mapped_column(default=GUIDE.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
