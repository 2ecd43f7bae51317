"""Delegations: given by an organisation, ended by it at once."""

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

DelegationId = NewType("DelegationId", UUID)


def new_delegation_id() -> DelegationId:
    """A new id, in order of time."""
    return DelegationId(uuid7())


class Delegation(Base, kw_only=True):
    """That another organisation acts in the name of one; only its end is added."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("organisation_id <> adviser_id", name="to_another"),
        CheckConstraint("cardinality(scopes) > 0", name="good_for_something"),
        Index(None, "organisation_id", "id"),
        Index(None, "adviser_id", "id"),
        Index(
            "uq_delegation_organisation_id_adviser_id_open",
            "organisation_id",
            "adviser_id",
            unique=True,
            postgresql_where="ended_at is null",
        ),
    )

    id: Mapped[DelegationId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_delegation_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """In whose name."""
    adviser_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    ends_at: Mapped[dt.datetime]
    """At the latest."""
    granted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    ended_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    """By either of the two, before its time or after."""
