"""The life of an experiment, and the ways to compare, as data."""

from __future__ import annotations

import enum
from typing import Final

from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step


class Design(enum.StrEnum):
    """How two models are compared: in one list of both, or with a list of one for each firm."""

    INTERLEAVING = "interleaving"
    AB = "ab"


class ExperimentState(enum.StrEnum):
    """Where an experiment stands: one runs at most."""

    DRAFT = "draft"
    RUNNING = "running"
    ENDED = "ended"


_S, _A = ExperimentState, Actor.OPERATOR
EXPERIMENT: Final = Machine(
    "experiment",
    _S.DRAFT,
    (
        step("start", Bilingual(zh="开始", en="Start"), (_S.DRAFT,), _S.RUNNING, _A),
        step("end", Bilingual(zh="结束", en="End"), (_S.DRAFT, _S.RUNNING), _S.ENDED, _A),
    ),
)
HAPPENED: Final = {"start": "experiment.started", "end": "experiment.ended"}
"""The event of each step."""
