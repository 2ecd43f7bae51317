"""Failures of participations."""

from __future__ import annotations

from matchmaker.core.errors import NotFound
from matchmaker.core.language import Bilingual


class ParticipationNotFound(NotFound):
    """There is no such participation, or it is not for this caller."""

    slug = "participation_not_found"
    title = Bilingual(zh="没有这项参加记录", en="No such participation")
