"""Failures of the enterprise room."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class ProfileNotFound(NotFound):
    """There is no such profile or version of it, or it is not for this caller."""

    slug = "profile_not_found"
    title = Bilingual(zh="没有这份企业档案", en="No such profile")
