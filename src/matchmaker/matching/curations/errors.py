"""Failures of curations."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class CurationNotFound(NotFound):
    """There is no such curation, or it is not active and another organisation's."""

    slug = "curation_not_found"
    title = Bilingual(zh="没有这项编排", en="No such curation")


class CurationArchived(Conflict):
    """The curation is archived and stays as it was; start a new one."""

    slug = "curation_archived"
    title = Bilingual(zh="编排已归档", en="The curation is archived")
