"""The life of a pathway, as data; what was computed never changes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class PathwayState(enum.StrEnum):
    """Where a firm stands with a pathway."""

    DRAFT = "draft"
    ADOPTED = "adopted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SUPERSEDED = "superseded"


_S = PathwayState
PATHWAY: Final = Machine(
    "pathway",
    _S.DRAFT,
    (
        step("adopt", Bilingual(zh="采纳", en="Adopt"), (_S.DRAFT,), _S.ADOPTED, Actor.OWNER),
        step(
            "start",
            Bilingual(zh="开始实施", en="Start"),
            (_S.ADOPTED,),
            _S.IN_PROGRESS,
            Actor.OWNER,
        ),
        step(
            "complete",
            Bilingual(zh="完成", en="Complete"),
            (_S.IN_PROGRESS,),
            _S.COMPLETED,
            Actor.OWNER,
        ),
        step(
            "supersede",
            Bilingual(zh="由新的路径取代", en="Let a newer one take its place"),
            (_S.DRAFT, _S.ADOPTED, _S.IN_PROGRESS),
            _S.SUPERSEDED,
            Actor.OWNER,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "adopt": "pathway.adopted",
    "start": "pathway.started",
    "complete": "pathway.completed",
    "supersede": "pathway.superseded",
}
"""The kind of event by step."""
