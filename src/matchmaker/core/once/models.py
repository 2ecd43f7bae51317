"""What was answered to a request that carried an Idempotency-Key."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base


class KeptReply(Base, kw_only=True):
    """A key that was claimed, and the answer of the transaction that claimed it.

    Whoever sees the row sees the answer: both are committed together.
    """

    __tablename__ = "kept_reply"
    __table_args__ = (Index("ix_kept_reply_claimed_at", "claimed_at"),)

    organisation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    """No foreign key: core knows no room."""
    method: Mapped[str] = mapped_column(Text, primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    """The template of the path."""
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of what was asked."""
    status: Mapped[int | None] = mapped_column(default=None)
    headers: Mapped[list[Any] | None] = mapped_column(default=None)
    body: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    """None where the answer held a secret, or was forgotten."""
    made: Mapped[str | None] = mapped_column(Text, default=None)
    """The id of what was made, for those who cannot be told more."""
    claimed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
