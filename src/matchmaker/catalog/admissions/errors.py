"""Failures of admissions."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class AdmissionNotFound(NotFound):
    """There is no such admission, or it is neither the caller's offering nor the caller's pool."""

    slug = "admission_not_found"
    title = Bilingual(zh="没有这项入库记录", en="No such admission")


class PoolClosed(Conflict):
    """The pool takes no applications now."""

    slug = "pool_closed"
    title = Bilingual(zh="该名录已停止受理申请", en="The pool takes no applications")


class OwnPool(Conflict):
    """Who decides does not apply: an organisation's offering cannot enter its own pool."""

    slug = "own_pool"
    title = Bilingual(zh="不能申请进入本组织的名录", en="Nobody applies to a pool of their own")


class OfferingNotPublished(Conflict):
    """Only a published offering applies; ``state`` says where it stands."""

    slug = "offering_not_published"
    title = Bilingual(zh="该产品尚未发布", en="The offering is not published")


class AlreadyApplied(Conflict):
    """The offering has an admission to this pool; ``admission_id`` says which."""

    slug = "already_applied"
    title = Bilingual(zh="该产品已申请过该名录", en="The offering has applied to this pool already")
