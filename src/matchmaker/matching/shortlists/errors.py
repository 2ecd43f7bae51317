"""Failures of shortlists."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class ShortlistNotFound(NotFound):
    """There is no such shortlist, or it is not for the caller."""

    slug = "shortlist_not_found"
    title = Bilingual(zh="没有这份候选清单", en="No such shortlist")


class ShortlistClosed(Conflict):
    """A shortlist is changed only while it is open; ``state`` says where it stands."""

    slug = "shortlist_closed"
    title = Bilingual(zh="候选清单已定稿", en="The shortlist can no longer be changed")
