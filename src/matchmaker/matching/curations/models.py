"""Curations, their immutable versions, and when which of them was in force."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.living import Living
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId
from matchmaker.matching.curations.machine import CURATION, CurationState

CurationId = NewType("CurationId", UUID)
CurationVersionId = NewType("CurationVersionId", UUID)


def new_curation_id() -> CurationId:
    """A new id, in order of time."""
    return CurationId(uuid7())


def new_curation_version_id() -> CurationVersionId:
    """A new id, in order of time."""
    return CurationVersionId(uuid7())


class Curation(Revised, Base, kw_only=True):
    """A curation of an agency or an operator; what it asks for stands in its versions."""

    __tablename__ = "curation"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        # Deferred: a curation and its first version name each other.
        ForeignKeyConstraint(
            ["id", "version"],
            ["mm.curation_version.curation_id", "mm.curation_version.number"],
            name="fk_curation_id_version",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(None, "organisation_id", "id"),
        CheckConstraint("state in ('draft', 'active', 'archived')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[CurationId] = mapped_column(Uuid, primary_key=True, default_factory=new_curation_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    of_operator: Mapped[bool]
    """Whether it bears on everybody who has none of their own."""
    state: Mapped[CurationState] = mapped_column(default=CURATION.initial)
    version: Mapped[int] = mapped_column(default=1)
    """The number of the version in force."""
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""


class CurationVersion(Base, kw_only=True):
    """What a curation asked for at one time; a trigger refuses to change or delete it."""

    __tablename__ = "curation_version"
    __table_args__ = (
        UniqueConstraint("curation_id", "number"),
        ForeignKeyConstraint(
            ["curation_id", "organisation_id"], ["mm.curation.id", "mm.curation.organisation_id"]
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
    )

    id: Mapped[CurationVersionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_curation_version_id
    )
    curation_id: Mapped[CurationId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
    terms: Mapped[dict[str, Any]]
    """As on the wire."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class CurationLive(Living, Base, kw_only=True):
    """While a version was in force; an index is a function of the rows that hold its position."""

    __tablename__ = "curation_live"
    __table_args__ = (
        ForeignKeyConstraint(
            ["curation_id", "organisation_id"], ["mm.curation.id", "mm.curation.organisation_id"]
        ),
        Index(
            "uq_curation_live_curation_id_open",
            "curation_id",
            unique=True,
            postgresql_where="to_position is null",
        ),
        CheckConstraint("from_position >= 0", name="from_position_from_zero"),
        CheckConstraint("from_position < to_position", name="positions_in_order"),
    )

    curation_id: Mapped[CurationId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
