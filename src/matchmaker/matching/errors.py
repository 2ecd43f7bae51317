"""Failures of stored matches."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound, Unauthenticated
from matchmaker.core.language import Bilingual


class OfferingNotConsidered(NotFound):
    """The offering is none the caller's match considers.

    Unknown, of another kind, not visible or not live.
    """

    slug = "offering_not_considered"
    title = Bilingual(
        zh="该服务不在本次匹配范围内", en="The offering is not considered in this match"
    )


class StoringNeedsAccount(Unauthenticated):
    """Only a caller with an account can store a match, or match what is stored."""

    slug = "storing_needs_account"
    title = Bilingual(zh="保存匹配结果需要登录", en="Storing a match needs an account")


class RunNotFound(NotFound):
    """There is no such match run, or it is not for the caller."""

    slug = "match_run_not_found"
    title = Bilingual(zh="没有这次匹配", en="No such match run")


class IndexMovedOn(Conflict):
    """The index of the run is no longer at hand; ``then`` and ``now`` are the two positions."""

    slug = "index_moved_on"
    title = Bilingual(zh="索引已更新", en="The index has moved on")


class NeedClosed(Conflict):
    """A need that is fulfilled, withdrawn or expired is matched no more."""

    slug = "need_closed"
    title = Bilingual(zh="需求已结束", en="The need has ended")
