"""Failures of cohorts."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class CohortNotFound(NotFound):
    """There is no such cohort, or it is another organisation's."""

    slug = "cohort_not_found"
    title = Bilingual(zh="没有这个企业群", en="No such cohort")
