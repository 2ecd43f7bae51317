"""The life of a recognition, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class RecognitionState(enum.StrEnum):
    """Where a recognition stands; only a verified one counts."""

    CLAIMED = "claimed"
    VERIFIED = "verified"
    EXPIRED = "expired"


_S = RecognitionState
RECOGNITION: Final = Machine(
    "recognition",
    _S.CLAIMED,
    (
        step(
            "verify", Bilingual(zh="核实", en="Verify"), (_S.CLAIMED,), _S.VERIFIED, Actor.OPERATOR
        ),
        step(
            "end",
            Bilingual(zh="不再持有", en="Hold no longer"),
            (_S.CLAIMED, _S.VERIFIED),
            _S.EXPIRED,
            Actor.OWNER,
        ),
        step(
            "expire",
            Bilingual(zh="到期", en="Expire"),
            (_S.CLAIMED, _S.VERIFIED),
            _S.EXPIRED,
            Actor.CLOCK,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "verify": "recognition.verified",
    "end": "recognition.ended",
    "expire": "recognition.expired",
}
"""The kind of event by step."""
