"""Failures of programmes."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class ProgrammeNotFound(NotFound):
    """There is no such programme, or it is a draft of somebody else's."""

    slug = "programme_not_found"
    title = Bilingual(zh="没有这项政策", en="No such programme")


class ProgrammeNotOpen(Conflict):
    """The programme is not published, not for firms, or its dates are past or to come."""

    slug = "programme_not_open"
    title = Bilingual(zh="企业现在不能参加这项政策", en="Firms cannot join the programme now")


class ProgrammeArchived(Conflict):
    """The programme is archived and stays as it was; enter a new one."""

    slug = "programme_archived"
    title = Bilingual(zh="政策已归档", en="The programme is archived")
