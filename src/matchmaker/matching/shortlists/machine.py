"""The life of a shortlist, as data."""

from __future__ import annotations

import enum
from typing import Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step


class ShortlistState(enum.StrEnum):
    """Where a shortlist stands: it can be changed only while it is open."""

    OPEN = "open"
    FROZEN = "frozen"
    DISCARDED = "discarded"


_S = ShortlistState
SHORTLIST: Final = Machine(
    "shortlist",
    _S.OPEN,
    (
        step("freeze", Bilingual(zh="定稿", en="Freeze"), (_S.OPEN,), _S.FROZEN, Actor.OWNER),
        step(
            "discard",
            Bilingual(zh="放弃", en="Discard"),
            (_S.OPEN, _S.FROZEN),
            _S.DISCARDED,
            Actor.OWNER,
        ),
    ),
)
HAPPENED: Final = {"freeze": "shortlist.frozen", "discard": "shortlist.discarded"}
"""The event of each step."""
