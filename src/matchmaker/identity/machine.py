"""The life of an organisation, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step
from matchmaker.identity.models import OrganisationState

if TYPE_CHECKING:
    from collections.abc import Mapping

_S = OrganisationState
EDITABLE: Final = frozenset({_S.DRAFT, _S.CHANGES_REQUESTED})
"""States in which an organisation itself may still say who it is."""

ORGANISATION: Final = Machine(
    "organisation",
    _S.DRAFT,
    (
        step(
            "submit",
            Bilingual(zh="提交核实", en="Submit for verification"),
            (_S.DRAFT, _S.CHANGES_REQUESTED),
            _S.SUBMITTED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
        step(
            "withdraw",
            Bilingual(zh="撤回", en="Take back"),
            (_S.SUBMITTED,),
            _S.DRAFT,
            Actor.OWNER,
        ),
        step(
            "request_changes",
            Bilingual(zh="要求修改", en="Ask for changes"),
            (_S.SUBMITTED,),
            _S.CHANGES_REQUESTED,
            Actor.OPERATOR,
        ),
        step(
            "reject",
            Bilingual(zh="不予通过", en="Reject"),
            (_S.SUBMITTED,),
            _S.REJECTED,
            Actor.OPERATOR,
        ),
        step(
            "reconsider",
            Bilingual(zh="重新审核", en="Consider again"),
            (_S.REJECTED,),
            _S.SUBMITTED,
            Actor.OPERATOR,
        ),
        step(
            "verify",
            Bilingual(zh="核实通过", en="Verify"),
            (_S.SUBMITTED,),
            _S.VERIFIED,
            Actor.OPERATOR,
        ),
        step(
            "suspend",
            Bilingual(zh="暂停", en="Suspend"),
            (_S.VERIFIED,),
            _S.SUSPENDED,
            Actor.OPERATOR,
        ),
        # Only what was verified is ever suspended, so this verifies nothing that was not.
        step(
            "reinstate",
            Bilingual(zh="恢复", en="Reinstate"),
            (_S.SUSPENDED,),
            _S.VERIFIED,
            Actor.OPERATOR,
        ),
        step(
            "close",
            Bilingual(zh="关闭", en="Close"),
            tuple(state for state in _S if state is not _S.CLOSED),
            _S.CLOSED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
    ),
)

TOLD_AS: Final[Mapping[str, str]] = {
    "submit": "organisation.submitted",
    "withdraw": "organisation.withdrawn",
    "request_changes": "organisation.changes_requested",
    "reject": "organisation.rejected",
    "reconsider": "organisation.reconsidered",
    "verify": "organisation.verified",
    "suspend": "organisation.suspended",
    "reinstate": "organisation.reinstated",
    "close": "organisation.closed",
}
"""The kind of event that each step leaves."""
