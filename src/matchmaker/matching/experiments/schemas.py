"""Experiments on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.core.wire import Line
from matchmaker.matching.experiments.machine import Design, ExperimentState
from matchmaker.matching.experiments.models import ExperimentId, Measure
from matchmaker.matching.learned.models import ModelId
from matchmaker.ranking.interleaving import Team


class ExperimentDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which two models are to be compared, how and by what; null is the published card."""

    name: Line
    design: Annotated[
        Design,
        msgspec.Meta(
            description="interleaving: every list is of both; ab: every firm has lists of one"
        ),
    ]
    a_id: ModelId | None = None
    b_id: ModelId | None = None
    measure: Annotated[
        Measure,
        msgspec.Meta(
            description="What counts for a model: that the firm did this with an offering, or more"
        ),
    ]


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown for one model, and how much of it firms did something with.

    Verified firms alone are counted. Whoever contacts has opened.
    """

    firms: int
    runs: int
    impressions: int
    opened: int
    shortlisted: int
    contacted: int


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """How many firms went by more offerings of one team than of the other, each firm once."""

    a: int
    b: int
    neither: int
    p: Annotated[float, msgspec.Meta(description="Two-sided sign test; firms of neither left out")]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How many firms of either arm did something with what they were shown."""

    a_firms: int
    a_credited: int
    b_firms: int
    b_credited: int
    difference: Annotated[
        float | None, msgspec.Meta(description="Share of b less share of a; null without firms")
    ]
    low: Annotated[float | None, msgspec.Meta(description="Of its interval at `level` (Newcombe)")]
    high: float | None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What the experiment has shown so far."""

    a: Arm
    b: Arm
    preferences: Annotated[Preferences | None, msgspec.Meta(description="Of interleaving")]
    rates: Annotated[Rates | None, msgspec.Meta(description="Of ab")]
    is_enough: Annotated[
        bool,
        msgspec.Meta(
            description="Whether `least_firms` have a preference, or are in either arm: with fewer"
            " nothing can be told"
        ),
    ]
    better: Annotated[
        Team | None,
        msgspec.Meta(
            description="The better one at `level`; null where it cannot be told, and until the"
            " experiment has ended: whoever looks on will see a difference sooner or later"
        ),
    ]


class Experiment(Varying, frozen=True, kw_only=True):
    """Two models that are compared on stored matches, and what came of it."""

    id: ExperimentId
    name: str
    design: Design
    a_id: Annotated[ModelId | None, msgspec.Meta(description="null: the published card")]
    b_id: Annotated[ModelId | None, msgspec.Meta(description="null: the published card")]
    measure: Measure
    level: float
    least_firms: int
    state: ExperimentState
    note: str | None
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    results: Annotated[
        Results | None, msgspec.Meta(description="null in a list and of a new draft")
    ]
    created_at: dt.datetime
    changed_at: dt.datetime
