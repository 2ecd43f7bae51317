"""Admissions to pools, and every decision on one."""

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

from matchmaker.catalog.admissions.machine import ADMISSION, AdmissionState
from matchmaker.catalog.models import OfferingId, VersionId
from matchmaker.catalog.pools.models import Pool, PoolId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.living import Living
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

AdmissionId = NewType("AdmissionId", UUID)
DecisionId = NewType("DecisionId", UUID)

_STATES = "state in ('applied', 'admitted', 'refused', 'warned', 'suspended', 'removed', 'expired')"


def new_admission_id() -> AdmissionId:
    """A new id, in order of time."""
    return AdmissionId(uuid7())


def new_decision_id() -> DecisionId:
    """A new id, in order of time."""
    return DecisionId(uuid7())


class Admission(Revised, Base, kw_only=True):
    """An offering's standing in a pool; its revision is the number of its last decision."""

    __tablename__ = "admission"
    __table_args__ = (
        UniqueConstraint("pool_id", "offering_id"),
        UniqueConstraint("id", "organisation_id"),
        ForeignKeyConstraint(
            ["offering_id", "organisation_id"], ["mm.offering.id", "mm.offering.organisation_id"]
        ),
        Index(None, "organisation_id"),
        Index(None, "offering_id"),
        CheckConstraint(_STATES, name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
        CheckConstraint(
            "state in ('admitted', 'warned', 'suspended')"
            " or (tier is null and valid_until is null)",
            name="only_held_ones_have_a_tier",
        ),
    )

    id: Mapped[AdmissionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_admission_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    """Whose offering it is."""
    pool_id: Mapped[PoolId] = mapped_column(Uuid, ForeignKey(Pool.id))
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    state: Mapped[AdmissionState] = mapped_column(default=ADMISSION.initial)
    tier: Mapped[str | None] = mapped_column(Text, default=None)
    valid_until: Mapped[dt.date | None] = mapped_column(default=None)
    """The last day on which it holds; None: no end."""


class AdmissionLive(Living, Base, kw_only=True):
    """While an offering was in a pool; an index is a function of the rows that hold its position.

    Written with the event, in its transaction.
    """

    __tablename__ = "admission_live"
    __table_args__ = (
        ForeignKeyConstraint(
            ["admission_id", "organisation_id"],
            ["mm.admission.id", "mm.admission.organisation_id"],
        ),
        Index(
            "uq_admission_live_admission_id_open",
            "admission_id",
            unique=True,
            postgresql_where="to_position is null",
        ),
        CheckConstraint("from_position >= 0", name="from_position_from_zero"),
        CheckConstraint("from_position < to_position", name="positions_in_order"),
    )

    admission_id: Mapped[AdmissionId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)


class AdmissionDecision(Base, kw_only=True):
    """One decision on an admission with all that it rested on; a trigger refuses to change it."""

    __tablename__ = "admission_decision"
    __table_args__ = (
        UniqueConstraint("admission_id", "number"),
        ForeignKeyConstraint(
            ["admission_id", "organisation_id"],
            ["mm.admission.id", "mm.admission.organisation_id"],
        ),
        ForeignKeyConstraint(
            ["pool_id", "pool_version"], ["mm.pool_version.pool_id", "mm.pool_version.number"]
        ),
        ForeignKeyConstraint(
            ["offering_version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint(_STATES, name="state_known"),
        CheckConstraint("answer in ('yes', 'no', 'unknown')", name="answer_known"),
        CheckConstraint(
            "action <> 'admit_by_exception' or note is not null", name="exception_has_a_reason"
        ),
    )

    id: Mapped[DecisionId] = mapped_column(Uuid, primary_key=True, default_factory=new_decision_id)
    admission_id: Mapped[AdmissionId] = mapped_column(Uuid)
    number: Mapped[int]
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    pool_id: Mapped[PoolId] = mapped_column(Uuid)
    pool_version: Mapped[int]
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    offering_version_id: Mapped[VersionId] = mapped_column(Uuid)
    action: Mapped[str] = mapped_column(Text)
    """``apply``, ``reassess`` or the step that was taken."""
    state: Mapped[AdmissionState]
    """The state it led to."""
    answer: Mapped[str] = mapped_column(Text)
    proof: Mapped[dict[str, Any]]
    """Every node of the rules with its answer and every fact that was seen (`checks.stored`)."""
    tier: Mapped[str | None] = mapped_column(Text, default=None)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    decided_by: Mapped[OrganisationId | None] = mapped_column(
        Uuid, ForeignKey(Organisation.id), default=None
    )
    """None: the clock."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
