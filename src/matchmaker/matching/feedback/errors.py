"""Failures of feedback and judgements."""

from __future__ import annotations

from matchmaker.core.errors import Forbidden
from matchmaker.core.language import Bilingual


class OwnOffering(Forbidden):
    """Nobody says how good its own offering is, nor an adviser who provides it."""

    slug = "own_offering"
    title = Bilingual(zh="不能评价自己的产品", en="The offering is the caller's own")
