"""Jobs, the limits of their queues, and what is due again and again."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, Uuid, func, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base

JobId = NewType("JobId", UUID)


class JobState(enum.StrEnum):
    """Where a job stands; ``failed`` is the dead letter, only an operator takes it out of it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StoredJob(Base, kw_only=True):
    """One piece of work, its lease while a worker has it, and what became of it.

    ``attempt`` only ever grows: it is counted when a worker takes the job, and every write of that
    worker names it, so a worker that has lost its lease can write nothing more.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued', 'running', 'done', 'failed', 'cancelled')", name="state_known"
        ),
        CheckConstraint("(state = 'running') = (leased_until is not null)", name="lease_runs"),
        CheckConstraint(
            "(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)",
            name="end_is_known",
        ),
        CheckConstraint("attempt >= 0 and max_attempts > 0", name="attempts_counted"),
        Index("ix_job_due", "run_at", "id", postgresql_where=literal_column("state = 'queued'")),
        Index(
            "ix_job_queue_due",
            "queue",
            "run_at",
            "id",
            postgresql_where=literal_column("state = 'queued'"),
        ),
        Index(
            "ix_job_lease",
            "queue",
            "leased_until",
            postgresql_where=literal_column("state = 'running'"),
        ),
        # `TRUSTED_LAPSES` of the statements of workers.
        Index(
            "ix_job_suspect",
            "run_at",
            postgresql_where=literal_column("state = 'queued' and lapses > 1"),
        ),
        Index(
            "ix_job_finished",
            "finished_at",
            postgresql_where=literal_column("state in ('done', 'failed', 'cancelled')"),
        ),
        Index(
            "ix_job_organisation_id",
            "organisation_id",
            "id",
            postgresql_where=literal_column("organisation_id is not null"),
        ),
        # Only one that has never run takes up an equal one: what runs may have read too early.
        Index(
            "uq_job_kind_key",
            "kind",
            "key",
            unique=True,
            postgresql_where=literal_column("state = 'queued' and attempt = 0"),
        ),
    )

    id: Mapped[JobId] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    """Names the handler."""
    queue: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]]
    organisation_id: Mapped[UUID | None] = mapped_column(default=None)
    """Whose job it is; None for the installation's own. No foreign key: core knows no room."""
    key: Mapped[str | None] = mapped_column(Text, default=None)
    """Of the jobs of a kind that wait for their first attempt, one may have it."""
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    lapses: Mapped[int] = mapped_column(default=0)
    """Attempts whose worker vanished."""
    run_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    leased_until: Mapped[dt.datetime | None] = mapped_column(default=None)
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    """Who has it, or had it last."""
    progress: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """``done``, ``total`` and ``note`` as the handler told them last."""
    result: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    """Of the last attempt that failed."""
    cancel_requested_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    finished_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    revision: Mapped[int] = mapped_column(default=1)


class JobQueue(Base, kw_only=True):
    """How many jobs of a queue may run at once; a queue without a row has no limit."""

    __tablename__ = "job_queue"
    __table_args__ = (CheckConstraint("running_limit >= 0", name="limit_counts"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    running_limit: Mapped[int]


class JobCron(Base, kw_only=True):
    """A job that is due every so many seconds."""

    __tablename__ = "job_cron"
    __table_args__ = (CheckConstraint("every_seconds > 0", name="time_passes"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]]
    every_seconds: Mapped[int]
    next_at: Mapped[dt.datetime]
