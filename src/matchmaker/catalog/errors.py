"""Failures of the catalog."""

from __future__ import annotations

from matchmaker.core.errors import BadRequest, Conflict, NotFound
from matchmaker.core.language import Bilingual


class OfferingNotFound(NotFound):
    """There is no such offering, or it is not published."""

    slug = "offering_not_found"
    title = Bilingual(zh="没有这个产品", en="No such offering")


class ProviderNotFound(NotFound):
    """There is no such provider, or it is not verified."""

    slug = "provider_not_found"
    title = Bilingual(zh="没有这个服务商", en="No such provider")


class CursorInvalid(BadRequest):
    """The cursor was not given out by this list, or for other filters."""

    slug = "cursor_invalid"
    title = Bilingual(zh="游标无效", en="The cursor is not valid")


class IllegalStep(Conflict):
    """The life of an offering has no such step from here, or not for this actor."""

    slug = "illegal_step"
    title = Bilingual(zh="当前状态不允许该操作", en="No such step from the present state")


class OfferingChanged(Conflict):
    """Somebody else took a step first; ``state`` is where the offering stands now."""

    slug = "offering_changed"
    title = Bilingual(zh="产品状态已被他人更改", en="Somebody else changed the offering first")


class ImportUnderway(Conflict):
    """Another import is being written; imports take turns."""

    slug = "import_underway"
    title = Bilingual(zh="另一个导入正在进行", en="Another import is under way")
