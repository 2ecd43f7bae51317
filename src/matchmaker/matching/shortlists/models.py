"""Shortlists and their entries."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.models import OfferingId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.models import RunId
from matchmaker.matching.shortlists.machine import SHORTLIST, ShortlistState

ShortlistId = NewType("ShortlistId", UUID)


def new_shortlist_id() -> ShortlistId:
    """A new id, in order of time."""
    return ShortlistId(uuid7())


class Shortlist(Revised, Base, kw_only=True):
    """Some of what a run showed, kept for a decision."""

    __tablename__ = "shortlist"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        UniqueConstraint("id", "run_id"),
        ForeignKeyConstraint(
            ["run_id", "organisation_id"], ["mm.match_run.id", "mm.match_run.organisation_id"]
        ),
        Index(None, "organisation_id", "id"),
        CheckConstraint("state in ('open', 'frozen', 'discarded')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ShortlistId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_shortlist_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    run_id: Mapped[RunId] = mapped_column(Uuid)
    title: Mapped[str | None] = mapped_column(Text, default=None)
    state: Mapped[ShortlistState] = mapped_column(default=SHORTLIST.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""


class ShortlistEntry(Base, kw_only=True):
    """One offering of a shortlist, as the run showed it; once frozen a trigger keeps it."""

    __tablename__ = "shortlist_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shortlist_id", "run_id"], ["mm.shortlist.id", "mm.shortlist.run_id"]
        ),
        ForeignKeyConstraint(
            ["shortlist_id", "organisation_id"], ["mm.shortlist.id", "mm.shortlist.organisation_id"]
        ),
        # Only what the run showed, in the version it showed.
        ForeignKeyConstraint(
            ["run_id", "offering_id"], ["mm.match.run_id", "mm.match.offering_id"]
        ),
        UniqueConstraint("shortlist_id", "offering_id"),
        CheckConstraint("position >= 0", name="position_from_zero"),
    )

    shortlist_id: Mapped[ShortlistId] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    run_id: Mapped[RunId] = mapped_column(Uuid)
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    note: Mapped[str | None] = mapped_column(Text, default=None)
