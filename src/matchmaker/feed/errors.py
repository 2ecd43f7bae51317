"""Failures of the status of jobs."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class JobNotFound(NotFound):
    """There is no such job, or it is not for the caller."""

    slug = "job_not_found"
    title = Bilingual(zh="没有这个任务", en="No such job")


class EventNotFound(NotFound):
    """There is no such event, or it is not for the caller."""

    slug = "event_not_found"
    title = Bilingual(zh="没有这个事件", en="No such event")


class JobOver(Conflict):
    """The job is done, has failed or was cancelled; ``state`` says which."""

    slug = "job_over"
    title = Bilingual(zh="任务已结束", en="The job is over")
