"""The life of an admission, as data.

The provider of the offering is the owner; the agency is the one the pool belongs to, and nobody
else.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class AdmissionState(enum.StrEnum):
    """Where an offering stands in a pool; admitted and warned ones are in it."""

    APPLIED = "applied"
    ADMITTED = "admitted"
    REFUSED = "refused"
    WARNED = "warned"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    EXPIRED = "expired"


_S = AdmissionState
LISTED: Final = (_S.ADMITTED, _S.WARNED)
"""States in which an offering is in the pool."""
HELD: Final = (*LISTED, _S.SUSPENDED)
"""States in which an admission has a tier and an end."""
UNDER_REVIEW: Final = (_S.APPLIED, *HELD)
"""States in which the rule is answered anew."""

EXCEPTION: Final = "admit_by_exception"
REASONED: Final = frozenset({EXCEPTION, "warn", "suspend", "remove"})
"""Steps that are never taken without a reason; a refusal needs one unless the rule says no."""

ADMISSION: Final = Machine(
    "admission",
    _S.APPLIED,
    (
        step("admit", Bilingual(zh="入库", en="Admit"), (_S.APPLIED,), _S.ADMITTED, Actor.AGENCY),
        step(
            EXCEPTION,
            Bilingual(zh="特例入库", en="Admit by exception"),
            (_S.APPLIED,),
            _S.ADMITTED,
            Actor.AGENCY,
        ),
        step(
            "refuse", Bilingual(zh="不予入库", en="Refuse"), (_S.APPLIED,), _S.REFUSED, Actor.AGENCY
        ),
        step("warn", Bilingual(zh="警示", en="Warn"), (_S.ADMITTED,), _S.WARNED, Actor.AGENCY),
        step(
            "clear",
            Bilingual(zh="解除警示", en="Lift the warning"),
            (_S.WARNED,),
            _S.ADMITTED,
            Actor.AGENCY,
        ),
        step("suspend", Bilingual(zh="暂停资格", en="Suspend"), LISTED, _S.SUSPENDED, Actor.AGENCY),
        step(
            "reinstate",
            Bilingual(zh="恢复资格", en="Reinstate"),
            (_S.SUSPENDED,),
            _S.ADMITTED,
            Actor.AGENCY,
        ),
        step("remove", Bilingual(zh="移出名录", en="Remove"), HELD, _S.REMOVED, Actor.AGENCY),
        step(
            "leave",
            Bilingual(zh="退出名录", en="Leave"),
            (_S.APPLIED, *HELD),
            _S.REMOVED,
            Actor.OWNER,
        ),
        step("expire", Bilingual(zh="到期", en="Expire"), HELD, _S.EXPIRED, Actor.CLOCK),
        step(
            "reapply",
            Bilingual(zh="重新申请", en="Apply again"),
            (_S.REFUSED, _S.REMOVED, _S.EXPIRED),
            _S.APPLIED,
            Actor.OWNER,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "admit": "admitted",
    EXCEPTION: "admitted_by_exception",
    "refuse": "refused",
    "warn": "warned",
    "clear": "cleared",
    "suspend": "suspended",
    "reinstate": "reinstated",
    "remove": "removed",
    "leave": "left",
    "expire": "expired",
    "reapply": "reapplied",
}
"""By name of a step the verb of its event."""
