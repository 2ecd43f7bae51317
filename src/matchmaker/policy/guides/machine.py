"""The life of a guide, as data; what it says never changes, a new edition takes its place."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class GuideState(enum.StrEnum):
    """Where a guide stands; only a published one is cited."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


_S = GuideState
GUIDE: Final = Machine(
    "guide",
    _S.DRAFT,
    (
        step("publish", Bilingual(zh="发布", en="Publish"), (_S.DRAFT,), _S.PUBLISHED, Actor.OWNER),
        step(
            "supersede",
            Bilingual(zh="不再适用", en="Let it no longer apply"),
            (_S.DRAFT, _S.PUBLISHED),
            _S.SUPERSEDED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "publish": "guide.published",
    "supersede": "guide.superseded",
}
"""The kind of event by step."""
