"""Organisations: every firm, provider, agency and operator the product knows."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7

OrganisationId = NewType("OrganisationId", UUID)


class OrganisationRole(enum.StrEnum):
    """What an organisation does here; it may do several."""

    SME = "sme"
    PROVIDER = "provider"
    AGENCY = "agency"
    OPERATOR = "operator"


class OrganisationState(enum.StrEnum):
    """Where an organisation stands on its way to being trusted."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    REJECTED = "rejected"
    VERIFIED = "verified"
    SUSPENDED = "suspended"
    CLOSED = "closed"


def new_organisation_id() -> OrganisationId:
    """A new id, in order of time."""
    return OrganisationId(uuid7())


class Organisation(Base, kw_only=True):
    """A legal person with its names and what it does here."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint(
            "jsonb_typeof(name) = 'object' and name ?| '{zh,en}'", name="name_in_a_language"
        ),
        CheckConstraint("roles <@ '{sme,provider,agency,operator}'", name="roles_known"),
        CheckConstraint("cardinality(roles) > 0", name="has_a_role"),
        CheckConstraint(
            "provider_kind is null or 'provider' = any (roles)", name="kind_of_a_provider"
        ),
        CheckConstraint("region ~ '^[0-9]{6}$'", name="region_is_a_code"),
        CheckConstraint("uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="uscc_is_a_code"),
        CheckConstraint(
            "state in ('draft', 'submitted', 'changes_requested', 'rejected', 'verified',"
            " 'suspended', 'closed')",
            name="state_known",
        ),
    )

    id: Mapped[OrganisationId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_organisation_id
    )
    external_id: Mapped[str | None] = mapped_column(Text, unique=True, default=None)
    """The name an operator's files know it by."""
    name: Mapped[dict[str, Any]]
    """Text by language: ``zh``, ``en`` or both."""
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    provider_kind: Mapped[str | None] = mapped_column(Text, default=None)
    region: Mapped[str | None] = mapped_column(Text, default=None)
    """GB/T 2260, six digits."""
    uscc: Mapped[str | None] = mapped_column(Text, unique=True, default=None)
    """Unified social credit code (GB 32100-2015)."""
    state: Mapped[OrganisationState] = mapped_column(default=OrganisationState.DRAFT)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
