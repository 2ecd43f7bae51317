"""Evidence: cases, certificates, tests and references, each with how far it was verified."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.evidence.machine import EVIDENCE, EvidenceState
from matchmaker.catalog.models import OfferingId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

EvidenceId = NewType("EvidenceId", UUID)


class EvidenceType(enum.StrEnum):
    """What sort of evidence it is."""

    CASE = "case"
    CERTIFICATE = "certificate"
    TEST = "test"
    REFERENCE = "reference"


def new_evidence_id() -> EvidenceId:
    """A new id, in order of time."""
    return EvidenceId(uuid7())


class Evidence(Revised, Base, kw_only=True):
    """One claim of a provider, of an offering or of itself, and how far it was verified."""

    __tablename__ = "evidence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["offering_id", "organisation_id"], ["mm.offering.id", "mm.offering.organisation_id"]
        ),
        Index(None, "organisation_id"),
        Index(None, "offering_id"),
        CheckConstraint("type in ('case', 'certificate', 'test', 'reference')", name="type_known"),
        CheckConstraint(
            "state in ('claimed', 'in_verification', 'verified', 'refused', 'expired')",
            name="state_known",
        ),
        CheckConstraint(
            "jsonb_typeof(claim) = 'object' and claim ?| '{zh,en}'", name="claim_in_a_language"
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
        CheckConstraint("verified_by is distinct from organisation_id", name="verified_by_another"),
        CheckConstraint(
            "state <> 'verified' or verified_by is not null", name="verified_by_somebody"
        ),
    )

    id: Mapped[EvidenceId] = mapped_column(Uuid, primary_key=True, default_factory=new_evidence_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    offering_id: Mapped[OfferingId | None] = mapped_column(Uuid, default=None)
    """None: of the organisation as a whole."""
    type: Mapped[EvidenceType]
    claim: Mapped[dict[str, Any]]
    metric: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """What was measured, in words."""
    unit: Mapped[str | None] = mapped_column(Text, default=None)
    before: Mapped[float | None] = mapped_column(Double, default=None)
    after: Mapped[float | None] = mapped_column(Double, default=None)
    issuer: Mapped[str | None] = mapped_column(Text, default=None)
    certificate: Mapped[str | None] = mapped_column(Text, default=None)
    """A code of ``certification_kind``."""
    number: Mapped[str | None] = mapped_column(Text, default=None)
    valid_until: Mapped[dt.date | None] = mapped_column(default=None)
    scenes: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    industry: Mapped[str | None] = mapped_column(Text, default=None)
    """GB/T 4754."""
    state: Mapped[EvidenceState] = mapped_column(default=EVIDENCE.initial)
    verified_by: Mapped[OrganisationId | None] = mapped_column(
        Uuid, ForeignKey(Organisation.id), default=None
    )
    """Who verified it last; never its owner."""
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
