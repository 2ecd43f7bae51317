"""Failures of evidence."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class EvidenceNotFound(NotFound):
    """There is no such evidence, or it is not for this caller to see."""

    slug = "evidence_not_found"
    title = Bilingual(zh="没有这项佐证", en="No such evidence")


class EvidenceNotEditable(Conflict):
    """What is being verified, or was, keeps still; ``state`` says where it stands."""

    slug = "evidence_not_editable"
    title = Bilingual(zh="当前状态下不能修改该佐证", en="The evidence cannot be changed now")


class UnusableClaim(Unprocessable):
    """The claim names a code that does not exist, or contradicts its type."""

    slug = "unusable_claim"
    title = Bilingual(zh="佐证内容无法使用", en="The claim cannot be used")
