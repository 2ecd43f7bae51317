"""The life of a need and of a firm's part in a joint one, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class NeedState(enum.StrEnum):
    """Where a need stands; only open ones are shown to others."""

    DRAFT = "draft"
    OPEN = "open"
    ENGAGED = "engaged"
    FULFILLED = "fulfilled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class MemberState(enum.StrEnum):
    """Where a firm stands that was asked to join a need."""

    INVITED = "invited"
    ACCEPTED = "accepted"


_S = NeedState
EDITABLE: Final = (_S.DRAFT, _S.OPEN)
"""States in which a need may be reworded: nobody has engaged on its words yet."""

NEED: Final = Machine(
    "need",
    _S.DRAFT,
    (
        step("open", Bilingual(zh="发布", en="Open"), (_S.DRAFT,), _S.OPEN, Actor.OWNER),
        step(
            "engage",
            Bilingual(zh="进入洽谈", en="Enter into talks"),
            (_S.OPEN,),
            _S.ENGAGED,
            Actor.OWNER,
        ),
        step(
            "release",
            Bilingual(zh="洽谈未成，重新发布", en="Open again after failed talks"),
            (_S.ENGAGED,),
            _S.OPEN,
            Actor.OWNER,
        ),
        step(
            "fulfil",
            Bilingual(zh="已满足", en="Mark as met"),
            (_S.ENGAGED,),
            _S.FULFILLED,
            Actor.OWNER,
        ),
        step(
            "withdraw",
            Bilingual(zh="撤回", en="Withdraw"),
            (_S.DRAFT, _S.OPEN, _S.ENGAGED),
            _S.WITHDRAWN,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
        step("expire", Bilingual(zh="到期", en="Expire"), (_S.OPEN,), _S.EXPIRED, Actor.CLOCK),
        step(
            "reopen",
            Bilingual(zh="重新起草", en="Take up again"),
            (_S.EXPIRED,),
            _S.DRAFT,
            Actor.OWNER,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "open": "need.opened",
    "engage": "need.engaged",
    "release": "need.released",
    "fulfil": "need.fulfilled",
    "withdraw": "need.withdrawn",
    "expire": "need.expired",
    "reopen": "need.reopened",
}
"""The kind of event by step."""

NEED_MEMBER: Final = Machine(
    "need_member",
    MemberState.INVITED,
    (
        step(
            "accept",
            Bilingual(zh="同意加入", en="Join"),
            (MemberState.INVITED,),
            MemberState.ACCEPTED,
            Actor.OWNER,
        ),
    ),
)
"""Its owner is the firm that was asked: nobody joins another one."""
