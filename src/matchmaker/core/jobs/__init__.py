"""The lease queue: jobs are added in a caller's transaction and done by workers, effects once.

A worker claims due jobs in one UPDATE that counts the attempt and sets a lease. Whatever it writes
later names (id, attempt), and a handler's effect commits together with the job's completion, so
two workers that both believe they have a job leave the effect of one.
"""

from __future__ import annotations

from matchmaker.core.jobs.handling import Context, Cron, GiveUp, Handler, Job, Stopped
from matchmaker.core.jobs.models import JobId, JobState
from matchmaker.core.jobs.queries import cancel, enqueue, enqueue_all, limit, retry, schedule, today
from matchmaker.core.jobs.working.queries import Backoff
from matchmaker.core.jobs.working.worker import Options, Worker

__all__ = [
    "Backoff",
    "Context",
    "Cron",
    "GiveUp",
    "Handler",
    "Job",
    "JobId",
    "JobState",
    "Options",
    "Stopped",
    "Worker",
    "cancel",
    "enqueue",
    "enqueue_all",
    "limit",
    "retry",
    "schedule",
    "today",
]
