"""Failures of stored matches."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
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


class NotInRun(Unprocessable):
    """Shortlists and feedback are about what their run showed; ``errors`` point at the rest."""

    slug = "not_in_run"
    title = Bilingual(zh="不在本次匹配结果中", en="The run did not show this offering")


class CannotReplay(Conflict):
    """Another engine made the answer, or of data not kept; ``then`` and ``now`` say which."""

    slug = "cannot_replay"
    title = Bilingual(zh="无法重放", en="The answer cannot be replayed")


class NotYourReceipt(Forbidden):
    """The receipt was made for another caller, or with a pool that the caller no longer holds."""

    slug = "not_your_receipt"
    title = Bilingual(zh="不是您的回执", en="The receipt is another caller's")


class NeedClosed(Conflict):
    """A need that is fulfilled, withdrawn or expired is matched no more."""

    slug = "need_closed"
    title = Bilingual(zh="需求已结束", en="The need has ended")
