"""Failures of the enterprise room."""

from __future__ import annotations

from matchmaker.core.errors import Gone, NotFound
from matchmaker.core.language import Bilingual


class ProfileNotFound(NotFound):
    """There is no such profile or version of it, or it is not for this caller."""

    slug = "profile_not_found"
    title = Bilingual(zh="没有这份企业档案", en="No such profile")


class ProfileErased(Gone):
    """The version of the profile was erased, and with it every match that read it."""

    slug = "profile_erased"
    title = Bilingual(zh="企业档案已被删除", en="The profile was erased")
