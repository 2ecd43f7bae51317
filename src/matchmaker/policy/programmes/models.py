"""Programmes, their immutable versions, and when which of them was published."""

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
from matchmaker.policy.programmes.machine import PROGRAMME, ProgrammeState

ProgrammeId = NewType("ProgrammeId", UUID)


def new_programme_id() -> ProgrammeId:
    """A new id, in order of time."""
    return ProgrammeId(uuid7())


class Programme(Revised, Base, kw_only=True):
    """A programme of an agency or an operator; what it says stands in its versions."""

    __tablename__ = "programme"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        # Deferred: a programme and its first version name each other.
        ForeignKeyConstraint(
            ["id", "version"],
            ["mm.programme_version.programme_id", "mm.programme_version.number"],
            name="fk_programme_id_version",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(None, "organisation_id", "id"),
        CheckConstraint("state in ('draft', 'published', 'archived')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ProgrammeId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_programme_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    state: Mapped[ProgrammeState] = mapped_column(default=PROGRAMME.initial)
    version: Mapped[int] = mapped_column(default=1)
    """The number of the version in force."""
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""


class ProgrammeVersion(Base, kw_only=True):
    """What a programme said at one time; a trigger refuses to change or delete it."""

    __tablename__ = "programme_version"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme_id", "organisation_id"],
            ["mm.programme.id", "mm.programme.organisation_id"],
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
    )

    programme_id: Mapped[ProgrammeId] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    terms: Mapped[dict[str, Any]]
    """As on the wire."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class ProgrammeLive(Living, Base, kw_only=True):
    """While a version was published; an index is a function of the rows that hold its position."""

    __tablename__ = "programme_live"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme_id", "organisation_id"],
            ["mm.programme.id", "mm.programme.organisation_id"],
        ),
        Index(
            "uq_programme_live_programme_id_open",
            "programme_id",
            unique=True,
            postgresql_where="to_position is null",
        ),
        CheckConstraint("from_position >= 0", name="from_position_from_zero"),
        CheckConstraint("from_position < to_position", name="positions_in_order"),
    )

    programme_id: Mapped[ProgrammeId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
