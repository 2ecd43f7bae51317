"""Firms as they were counted last, and what agencies are told of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.identity.models import Organisation, OrganisationId


class CountedFirm(Base, kw_only=True):
    """What of a firm was counted last; for the installation alone."""

    __tablename__ = "counted_firm"

    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Organisation.id), primary_key=True
    )
    traits: Mapped[dict[str, Any]]


class FirmCount(Base, kw_only=True):
    """How many firms an agency is told of; the row without a dimension is of all of them."""

    __tablename__ = "firm_count"
    __table_args__ = (
        CheckConstraint("firms >= 0", name="firms_from_zero"),
        CheckConstraint(
            "dimension in ('', 'region', 'industry', 'scale', 'stage')", name="dimension_known"
        ),
    )

    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Organisation.id), primary_key=True
    )
    dimension: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    """Empty: not known of the firm."""
    firms: Mapped[int]
    counted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
