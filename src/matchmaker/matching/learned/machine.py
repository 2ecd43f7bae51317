"""The life of a learned model, as data."""

from __future__ import annotations

import enum
from typing import Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step


class ModelState(enum.StrEnum):
    """Where a model stands: one ranks at most, and one beside it without effect."""

    TRAINED = "trained"
    SHADOW = "shadow"
    CHAMPION = "champion"
    RETIRED = "retired"


_S, _A = ModelState, Actor.OPERATOR
MODEL: Final = Machine(
    "model",
    _S.TRAINED,
    (
        step(
            "shadow", Bilingual(zh="影子运行", en="Run in the shadow"), (_S.TRAINED,), _S.SHADOW, _A
        ),
        step("promote", Bilingual(zh="启用", en="Promote"), (_S.SHADOW,), _S.CHAMPION, _A),
        step("restore", Bilingual(zh="恢复启用", en="Restore"), (_S.RETIRED,), _S.CHAMPION, _A),
        step(
            "retire",
            Bilingual(zh="停用", en="Retire"),
            (_S.TRAINED, _S.SHADOW, _S.CHAMPION),
            _S.RETIRED,
            _A,
        ),
    ),
)
HAPPENED: Final = {
    "shadow": "model.shadowed",
    "promote": "model.promoted",
    "restore": "model.restored",
    "retire": "model.retired",
}
"""The event of each step."""
