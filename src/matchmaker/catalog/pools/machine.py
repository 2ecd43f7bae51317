"""The life of a pool, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class PoolState(enum.StrEnum):
    """Whether a pool takes applications."""

    OPEN = "open"
    CLOSED = "closed"


POOL: Final = Machine(
    "pool",
    PoolState.OPEN,
    (
        step(
            "close",
            Bilingual(zh="停止受理", en="Close to applications"),
            (PoolState.OPEN,),
            PoolState.CLOSED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
        step(
            "reopen",
            Bilingual(zh="恢复受理", en="Open to applications again"),
            (PoolState.CLOSED,),
            PoolState.OPEN,
            Actor.OWNER,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {"close": "closed", "reopen": "reopened"}
"""By name of a step the verb of its event."""
