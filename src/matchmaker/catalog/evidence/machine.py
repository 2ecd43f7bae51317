"""The life of a piece of evidence, as data: its owner claims, others verify."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class EvidenceState(enum.StrEnum):
    """How far a claim can be relied on; only a verified one counts."""

    CLAIMED = "claimed"
    IN_VERIFICATION = "in_verification"
    VERIFIED = "verified"
    REFUSED = "refused"
    EXPIRED = "expired"


_S = EvidenceState
EDITABLE: Final = (_S.CLAIMED, _S.REFUSED, _S.EXPIRED)
"""States in which the owner may still change what is claimed."""
REASONED: Final = frozenset({"refuse", "revoke"})
"""Steps that are never taken without a reason."""

EVIDENCE: Final = Machine(
    "evidence",
    _S.CLAIMED,
    (
        step(
            "submit",
            Bilingual(zh="提交核实", en="Submit for verification"),
            EDITABLE,
            _S.IN_VERIFICATION,
            Actor.OWNER,
        ),
        step(
            "withdraw",
            Bilingual(zh="撤回", en="Take back from verification"),
            (_S.IN_VERIFICATION,),
            _S.CLAIMED,
            Actor.OWNER,
        ),
        step(
            "verify",
            Bilingual(zh="核实通过", en="Verify"),
            (_S.IN_VERIFICATION,),
            _S.VERIFIED,
            Actor.OPERATOR,
            Actor.AGENCY,
        ),
        step(
            "refuse",
            Bilingual(zh="核实不通过", en="Refuse"),
            (_S.IN_VERIFICATION,),
            _S.REFUSED,
            Actor.OPERATOR,
            Actor.AGENCY,
        ),
        step(
            "revoke",
            Bilingual(zh="撤销核实", en="Revoke the verification"),
            (_S.VERIFIED,),
            _S.REFUSED,
            Actor.OPERATOR,
            Actor.AGENCY,
        ),
        step(
            "expire",
            Bilingual(zh="到期", en="Expire"),
            (_S.CLAIMED, _S.IN_VERIFICATION, _S.VERIFIED),
            _S.EXPIRED,
            Actor.CLOCK,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "verify": "verified",
    "refuse": "refused",
    "revoke": "revoked",
    "expire": "expired",
}
"""By name of a step the verb of its event."""
