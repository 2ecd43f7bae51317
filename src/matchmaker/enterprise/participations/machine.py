"""The life of a participation, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class ParticipationState(enum.StrEnum):
    """Whether a firm takes part; only while it has joined it is known by name."""

    JOINED = "joined"
    LEFT = "left"
    ENDED = "ended"


_S = ParticipationState
PARTICIPATION: Final = Machine(
    "participation",
    _S.JOINED,
    (
        step("leave", Bilingual(zh="退出", en="Leave"), (_S.JOINED,), _S.LEFT, Actor.OWNER),
        # Taken for every firm at once, where the programme is archived.
        step("end", Bilingual(zh="结束", en="End"), (_S.JOINED,), _S.ENDED, Actor.AGENCY),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "leave": "participation.left",
    "end": "participation.ended",
}
"""The kind of event by step."""
