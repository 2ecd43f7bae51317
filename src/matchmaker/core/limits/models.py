"""What callers have used up of their limits."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base


class RateLimit(Base, kw_only=True):
    """One caller's use of one limit, as the one time that the generic cell rate algorithm keeps."""

    __tablename__ = "rate_limit"
    __table_args__ = (Index("ix_rate_limit_full_at", "full_at"),)

    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    """The public id of a credential, or the address of who has none."""
    full_at: Mapped[dt.datetime]
    """When nothing will be used up any more, if nobody asks until then."""
