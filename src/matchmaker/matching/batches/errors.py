"""Failures of batches."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class BatchNotFound(NotFound):
    """There is no such batch, or it is another organisation's."""

    slug = "batch_not_found"
    title = Bilingual(zh="没有这次批量匹配", en="No such batch")


class BatchNotReady(Conflict):
    """The batch is not done: it waits or runs, has failed or was cancelled; ``state`` says so."""

    slug = "batch_not_ready"
    title = Bilingual(zh="批量匹配尚未完成", en="The batch is not done")
