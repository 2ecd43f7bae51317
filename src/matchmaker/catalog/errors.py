"""Failures of the catalog."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class OfferingNotFound(NotFound):
    """There is no such offering, or it is not published."""

    slug = "offering_not_found"
    title = Bilingual(zh="没有这个产品", en="No such offering")


class ProviderNotFound(NotFound):
    """There is no such provider, or it is not verified."""

    slug = "provider_not_found"
    title = Bilingual(zh="没有这个服务商", en="No such provider")


class ImportUnderway(Conflict):
    """Another import is being written; imports take turns."""

    slug = "import_underway"
    title = Bilingual(zh="另一个导入正在进行", en="Another import is under way")
