"""The life of an offering, and of a change to a published one, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class OfferingState(enum.StrEnum):
    """Where an offering stands; only published ones are matched."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    PUBLISHED = "published"
    PAUSED = "paused"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class ChangeState(enum.StrEnum):
    """Where the change of a published offering stands; what is published stays so meanwhile."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    ACCEPTED = "accepted"
    DISCARDED = "discarded"


_S = OfferingState
EDITABLE: Final = (_S.DRAFT, _S.CHANGES_REQUESTED)
_SEEN = (_S.PUBLISHED, _S.PAUSED, _S.EXPIRED)
IMPORTABLE: Final = (*EDITABLE, _S.IN_REVIEW, *_SEEN)
"""States out of which the operator's import publishes; a suspended or retired offering stays so."""

OFFERING: Final = Machine(
    "offering",
    _S.DRAFT,
    (
        step(
            "submit",
            Bilingual(zh="提交审核", en="Submit for review"),
            EDITABLE,
            _S.IN_REVIEW,
            Actor.OWNER,
        ),
        step(
            "withdraw",
            Bilingual(zh="撤回", en="Take back from review"),
            (_S.IN_REVIEW,),
            _S.DRAFT,
            Actor.OWNER,
        ),
        step(
            "request_changes",
            Bilingual(zh="要求修改", en="Ask for changes"),
            (_S.IN_REVIEW,),
            _S.CHANGES_REQUESTED,
            Actor.OPERATOR,
        ),
        step(
            "publish",
            Bilingual(zh="发布", en="Publish"),
            (_S.IN_REVIEW,),
            _S.PUBLISHED,
            Actor.OPERATOR,
        ),
        step(
            "pause",
            Bilingual(zh="暂停", en="Pause"),
            (_S.PUBLISHED,),
            _S.PAUSED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
        step(
            "resume",
            Bilingual(zh="恢复", en="Resume"),
            (_S.PAUSED,),
            _S.PUBLISHED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
        step(
            "expire",
            Bilingual(zh="到期", en="Expire"),
            (_S.PUBLISHED, _S.PAUSED),
            _S.EXPIRED,
            Actor.CLOCK,
        ),
        step(
            "renew",
            Bilingual(zh="续期", en="Renew"),
            (_S.EXPIRED,),
            _S.IN_REVIEW,
            Actor.OWNER,
        ),
        step(
            "suspend",
            Bilingual(zh="停用", en="Suspend"),
            (_S.IN_REVIEW, *_SEEN),
            _S.SUSPENDED,
            Actor.OPERATOR,
        ),
        step(
            "reinstate",
            Bilingual(zh="恢复使用", en="Reinstate"),
            (_S.SUSPENDED,),
            _S.PUBLISHED,
            Actor.OPERATOR,
        ),
        step(
            "retire",
            Bilingual(zh="下架", en="Retire"),
            (*EDITABLE, *_SEEN),
            _S.RETIRED,
            Actor.OWNER,
            Actor.OPERATOR,
        ),
    ),
)

_C = ChangeState
OPEN_CHANGE: Final = (_C.DRAFT, _C.IN_REVIEW, _C.CHANGES_REQUESTED)
"""A version waits beside the published one."""
CHANGEABLE: Final = (_S.PUBLISHED, _S.PAUSED)
"""States in which an edit is a change: it replaces what is published once it is accepted."""

CHANGE: Final = Machine(
    "change",
    _C.DRAFT,
    (
        step(
            "submit",
            Bilingual(zh="提交修改审核", en="Submit the change for review"),
            (_C.DRAFT, _C.CHANGES_REQUESTED),
            _C.IN_REVIEW,
            Actor.OWNER,
        ),
        step(
            "withdraw",
            Bilingual(zh="撤回修改", en="Take the change back from review"),
            (_C.IN_REVIEW,),
            _C.DRAFT,
            Actor.OWNER,
        ),
        step(
            "request_changes",
            Bilingual(zh="要求再修改", en="Ask for further changes"),
            (_C.IN_REVIEW,),
            _C.CHANGES_REQUESTED,
            Actor.OPERATOR,
        ),
        step(
            "accept",
            Bilingual(zh="采纳修改", en="Accept the change"),
            (_C.IN_REVIEW,),
            _C.ACCEPTED,
            Actor.OPERATOR,
        ),
        step(
            "discard",
            Bilingual(zh="放弃修改", en="Drop the change"),
            (_C.DRAFT, _C.CHANGES_REQUESTED),
            _C.DISCARDED,
            Actor.OWNER,
        ),
    ),
)

HAPPENED: Final[Mapping[str, str]] = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "request_changes": "changes_requested",
    "publish": "published",
    "pause": "paused",
    "resume": "resumed",
    "expire": "expired",
    "renew": "renewed",
    "suspend": "suspended",
    "reinstate": "reinstated",
    "retire": "retired",
    "accept": "accepted",
    "discard": "discarded",
}
"""What an event calls a step once it is taken."""
