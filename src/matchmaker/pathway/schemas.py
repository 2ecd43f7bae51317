"""Pathways on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.core.wire import Money
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.enterprise.assessments.schemas import NamedCode
from matchmaker.identity.models import OrganisationId
from matchmaker.pathway.machine import PathwayState
from matchmaker.pathway.models import PathwayId


class Archetype(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of firm it is, and what such a firm should do at its stage."""

    code: str
    title: str
    strategy: str
    focus: str | None
    origin: str


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule of the target level asks and the firm has not; null is unknown."""

    level: int
    scene_level: int
    scenes: int
    binding: int
    points: float | None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where the firm stands."""

    archetype: Archetype
    scale: NamedCode | None
    stage: NamedCode | None
    chain_role: NamedCode | None
    level: int
    target: int
    strengths: list[NamedCode]
    unknown: list[NamedCode]
    gap: Gap


class EntryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A good step to begin with, and why; the score and its parts are from 0 to 1."""

    step: int
    scene: NamedCode
    score: float
    value: float
    feasibility: float
    supply: float
    reasons: list[str]


class PathwayStep(msgspec.Struct, frozen=True, kw_only=True):
    """One scene raised from a level to a higher one.

    The cost is that of the cheapest package of the pool that does it, in the first 12 months, with
    the upper end of the usual; ``offerings`` do it, at whatever price. ``needs`` come before.
    Where one package does several steps ``together`` has their numbers; its price stands with the
    first of them, and the others cost 0.
    ``scenarios`` are the typical scenarios that stand for the scene, ``standards`` classes of the
    national standard system that bear on it; both maps are our own judgement.
    ``programmes`` are those that may pay for it; where there are none, ``no_programmes`` says why.
    """

    number: int
    scene: NamedCode
    level_before: int
    level_after: int
    what: str
    assumed: bool
    needs: list[int]
    cost_from: Money
    cost_to: Money
    weeks_from: int | None
    weeks_to: int | None
    skills: list[NamedCode]
    courses: int
    scenarios: list[NamedCode]
    standards: list[NamedCode]
    offerings: int
    together: list[int]
    programmes: list[str]
    no_programmes: str | None


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one year; without budgets, of what can be done at the same time."""

    number: int
    budget: Money | None
    cost: Money
    steps: list[PathwayStep]


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps the plan from its target."""

    reason: Annotated[str, msgspec.Meta(description="supply, budget or search")]
    scenes: int
    binding: int
    cost: Money | None
    budget: Money | None
    explanation: str


class SupplyGap(msgspec.Struct, frozen=True, kw_only=True):
    """A level of a scene that nothing on offer brings at a known price."""

    scene: NamedCode
    level_before: int
    level_after: int
    offerings: int


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise than in the pathway before: added, dropped, done, phase or cost."""

    kind: str
    scene: NamedCode
    level_before: int
    level_after: int
    before: int | None
    after: int | None


class CycleStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the way of working."""

    code: str
    text: str


class CitedGuide(msgspec.Struct, frozen=True, kw_only=True):
    """A guide for such a firm, as it stood: the scenes it recommends in order, and who says so."""

    id: UUID
    code: str
    edition: str
    issuer: str
    source: str
    scenes: list[NamedCode]
    pitfalls: list[str]


class ComputedWay(Varying, frozen=True, kw_only=True):
    """The way of a firm from where it stands to the level it aims at.

    ``proven`` says whether it is sure that no other way comes as close for less.
    ``guides`` are for such a firm, the most specific first, the general one (not official) last.
    """

    reaches: bool
    proven: bool
    cost: Money
    position: Position
    entry_points: list[EntryPoint]
    phases: list[Phase]
    stopped: Shortfall | None
    supply_gaps: list[SupplyGap]
    guides: list[CitedGuide]
    cycle: list[CycleStep]
    as_of: dt.date
    editions: dict[str, str]


class Pathway(ComputedWay, frozen=True, kw_only=True):
    """A way that was computed and stays as it was; ``moved`` is against the one before."""

    id: PathwayId
    organisation_id: OrganisationId
    assessment_id: AssessmentId | None
    previous_id: PathwayId | None
    state: PathwayState
    note: str | None
    moved: list[Shift]
    created_at: dt.datetime


class PathwaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """A pathway in a list."""

    id: PathwayId
    assessment_id: AssessmentId | None
    previous_id: PathwayId | None
    state: PathwayState
    erased: bool
    reaches: bool | None
    target: int | None
    cost: Money | None
    created_at: dt.datetime
