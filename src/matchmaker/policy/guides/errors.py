"""Failures of guides."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class GuideNotFound(NotFound):
    """There is no such guide, or it is a draft of somebody else's."""

    slug = "guide_not_found"
    title = Bilingual(zh="没有这份指引", en="No such guide")
