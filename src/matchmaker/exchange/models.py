"""Files that were handed in to be imported, and files that were made to be taken away."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.jobs.models import JobId
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.identity.models import ApiKey, ApiKeyId, MemberId, Organisation, OrganisationId

ImportId = NewType("ImportId", UUID)
ExportId = NewType("ExportId", UUID)

_KIND_KNOWN = "kind in ('providers', 'offerings', 'profiles', 'needs')"
_FORMAT_KNOWN = "format in ('jsonl', 'csv', 'xlsx')"


class ImportFile(Base, kw_only=True):
    """A file handed in, and what became of it."""

    __tablename__ = "import_file"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(None, "created_at"),
        CheckConstraint(_KIND_KNOWN, name="kind_known"),
        CheckConstraint(_FORMAT_KNOWN, name="format_known"),
        CheckConstraint("(outcome is null) = (report is null)", name="outcome_has_a_report"),
    )

    id: Mapped[ImportId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    requested_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id))
    requested_by_member: Mapped[MemberId | None] = mapped_column(Uuid)
    job_id: Mapped[JobId] = mapped_column(Uuid)
    """No foreign key: jobs that are long over are removed."""
    kind: Mapped[ExchangeKind]
    format: Mapped[FileFormat]
    is_dry_run: Mapped[bool]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, repr=False)
    outcome: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """How many lines, how many rejected, what became of the rest; null until it is done."""
    report: Mapped[bytes | None] = mapped_column(
        LargeBinary, default=None, deferred=True, repr=False
    )
    """Every fault, as JSON Lines."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class ExportFile(Base, kw_only=True):
    """A file asked for, and its content once it is made."""

    __tablename__ = "export_file"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(None, "created_at"),
        CheckConstraint(_KIND_KNOWN, name="kind_known"),
        CheckConstraint(_FORMAT_KNOWN, name="format_known"),
        CheckConstraint("content is null or refusal is null", name="made_or_refused"),
    )

    id: Mapped[ExportId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    requested_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id))
    requested_by_member: Mapped[MemberId | None] = mapped_column(Uuid)
    job_id: Mapped[JobId] = mapped_column(Uuid)
    kind: Mapped[ExchangeKind]
    format: Mapped[FileFormat]
    lines: Mapped[int | None] = mapped_column(default=None)
    refusal: Mapped[str | None] = mapped_column(Text, default=None)
    """Why the file could not be made: a code."""
    content: Mapped[bytes | None] = mapped_column(
        LargeBinary, default=None, deferred=True, repr=False
    )
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
