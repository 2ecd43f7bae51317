"""The life of a programme, as data; whether it is open its dates say."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class ProgrammeState(enum.StrEnum):
    """Where a programme stands; firms join a published one."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


_S = ProgrammeState
PROGRAMME: Final = Machine(
    "programme",
    _S.DRAFT,
    (
        step("publish", Bilingual(zh="发布", en="Publish"), (_S.DRAFT,), _S.PUBLISHED, Actor.OWNER),
        step(
            "archive",
            Bilingual(zh="归档", en="Archive"),
            (_S.DRAFT, _S.PUBLISHED),
            _S.ARCHIVED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "publish": "programme.published",
    "archive": "programme.archived",
}
"""The kind of event by step."""
