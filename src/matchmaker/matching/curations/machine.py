"""The life of a curation, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class CurationState(enum.StrEnum):
    """Where a curation stands; only an active one bears on matches."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


_S = CurationState
CURATION: Final = Machine(
    "curation",
    _S.DRAFT,
    (
        step("activate", Bilingual(zh="启用", en="Activate"), (_S.DRAFT,), _S.ACTIVE, Actor.OWNER),
        step(
            "archive",
            Bilingual(zh="归档", en="Archive"),
            (_S.DRAFT, _S.ACTIVE),
            _S.ARCHIVED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "activate": "curation.activated",
    "archive": "curation.archived",
}
"""The kind of event by step."""
