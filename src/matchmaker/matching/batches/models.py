"""Batches as stored: what was asked, and once it is done what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs.models import JobId
from matchmaker.identity.models import ApiKey, ApiKeyId, MemberId, Organisation, OrganisationId

BatchId = NewType("BatchId", UUID)


def new_batch_id() -> BatchId:
    """A new id, in order of time."""
    return BatchId(uuid7())


class Batch(Base, kw_only=True):
    """A batch of matches; ``report`` and ``lines`` come with the end of its job, together."""

    __tablename__ = "batch"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(None, "created_at"),
        CheckConstraint("(report is null) = (lines is null)", name="done_or_not"),
    )

    id: Mapped[BatchId] = mapped_column(Uuid, primary_key=True, default_factory=new_batch_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    requested_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id))
    requested_by_member: Mapped[MemberId | None] = mapped_column(Uuid)
    job_id: Mapped[JobId] = mapped_column(Uuid)
    """No foreign key: jobs that are long over are removed."""
    as_of: Mapped[dt.datetime]
    request: Mapped[dict[str, Any]]
    """What was asked, as on the wire."""
    report: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    lines: Mapped[bytes | None] = mapped_column(
        LargeBinary, default=None, deferred=True, repr=False
    )
    """What came of each firm, as JSON Lines."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
