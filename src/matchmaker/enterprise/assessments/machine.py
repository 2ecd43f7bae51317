"""The life of an assessment, as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class AssessmentState(enum.StrEnum):
    """Where an assessment stands; its content changes only in a draft."""

    DRAFT = "draft"
    COMPLETED = "completed"
    VERIFIED = "verified"
    SUPERSEDED = "superseded"


_S = AssessmentState
STANDING: Final = (_S.COMPLETED, _S.VERIFIED)
"""States in which an assessment says where its firm stands."""

ASSESSMENT: Final = Machine(
    "assessment",
    _S.DRAFT,
    (
        step(
            "complete", Bilingual(zh="完成", en="Complete"), (_S.DRAFT,), _S.COMPLETED, Actor.OWNER
        ),
        step(
            "verify",
            Bilingual(zh="核实", en="Verify"),
            (_S.COMPLETED,),
            _S.VERIFIED,
            Actor.OPERATOR,
        ),
        step(
            "supersede",
            Bilingual(zh="作废，由后来的评测取代", en="Let a later one take its place"),
            (_S.DRAFT, _S.COMPLETED, _S.VERIFIED),
            _S.SUPERSEDED,
            Actor.OWNER,
        ),
    ),
)
"""Completing one supersedes what stood under its scheme at its checkpoint."""

HAPPENED: Final[Mapping[str, str]] = {
    "complete": "assessment.completed",
    "verify": "assessment.verified",
    "supersede": "assessment.superseded",
}
"""The kind of event by step."""
