"""What somebody states of a need; of it only the kind is required."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import Code, Currency, Described, Prose, Text
from matchmaker.enterprise.declaration import Categories, Region, Rule
from matchmaker.taxonomy.coded import DeploymentCode, ScenarioCode, SceneCode, StandardCode

MOST_BUDGET = 1_000_000_000_000
"""The greatest budget in minor units: 10^10 yuan."""

KindCode: TypeAlias = Literal["solution", "advisory", "research", "talent", "finance"]
BudgetAmount = Annotated[int, msgspec.Meta(ge=1, le=MOST_BUDGET)]
Deployments: TypeAlias = Annotated[list[DeploymentCode], msgspec.Meta(max_length=50)]
Scenarios: TypeAlias = Annotated[list[ScenarioCode], msgspec.Meta(max_length=50)]
Standards: TypeAlias = Annotated[
    list[StandardCode], msgspec.Meta(max_length=50, description="Classes and sub-classes")
]
Scenes: TypeAlias = Annotated[list[SceneCode], msgspec.Meta(max_length=50)]
Preferences: TypeAlias = Annotated[list[Rule], msgspec.Meta(max_length=20)]
Pools: TypeAlias = Annotated[list[Code], msgspec.Meta(max_length=20)]


class NeedVisibility(enum.StrEnum):
    """Who finds an open need beside its own firms."""

    PRIVATE = "private"
    POOL = "pool"
    """Who holds one of its pools."""
    PUBLIC = "public"
    OPEN_CALL = "open_call"
    """Everyone, and proposals are asked for by a deadline."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent in the first 12 months, in whole minor units."""

    amount: BudgetAmount
    currency: Currency


class NeedFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a firm looks for.

    ``scenes`` are of the 16 scenes; ``must`` is a rule that excludes, ``prefer`` a list of leaves
    that only weigh.
    """

    kind: KindCode
    text: Prose | None = None
    scenes: Scenes | None = None
    categories: Categories | None = None
    budget: Budget | None = None
    ready_by: dt.date | None = None
    region: Region | None = None
    deployment: Deployments | None = None
    must: Rule | None = None
    prefer: Preferences | None = None


class OpenCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an open call asks for, and by what a proposal is judged.

    ``unmet`` says that nothing on offer meets the need; calls for anything but research need it.
    """

    sought: Prose | None = None
    acceptance_metric: Prose | None = None
    data_on_offer: Prose | None = None
    deadline: dt.date | None = None
    unmet: bool = False


class StatedNeed(NeedFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one version of a stored need holds: the facts of a match and what readers are told.

    ``scenarios`` are typical scenarios of intelligent manufacturing; each stands for a scene.
    ``standards`` are classes of the national standard system that an answer should follow; they are
    told to whoever reads the need, and no match reads them.
    """

    title: Text | None = None
    scenarios: Scenarios | None = None
    open_call: OpenCall | None = None
    standards: Standards | None = None


class NeedTerms(StatedNeed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a stored need that its owner may change: what it says, who finds it, until when."""

    visibility: NeedVisibility = NeedVisibility.PRIVATE
    pools: Pools | None = None
    expires_on: dt.date | None = None


_IN_POOLS: Final[Described] = {
    "properties": {
        "visibility": {"const": NeedVisibility.POOL.value},
        "pools": {"type": "array", "minItems": 1},
    }
}
_ELSEWHERE: Final[Described] = {
    "properties": {
        "visibility": {"enum": [v.value for v in NeedVisibility if v is not NeedVisibility.POOL]},
        "pools": {"type": ["array", "null"], "maxItems": 0},
    }
}


class NeedDraft(NeedTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new need; ``external_id`` is the name its owner's own books know it by."""

    external_id: Code | None = None

    json_schema: ClassVar[Described] = {
        "anyOf": [{**_IN_POOLS, "required": ["visibility", "pools"]}, _ELSEWHERE]
    }


class BudgetPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a budget; what is left out stays.

    A budget is stated whole or not at all: null stands for all of it, never for one of its parts.
    """

    amount: BudgetAmount | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class OpenCallPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an open call."""

    sought: Prose | UnsetType | None = UNSET
    acceptance_metric: Prose | UnsetType | None = UNSET
    data_on_offer: Prose | UnsetType | None = UNSET
    deadline: dt.date | UnsetType | None = UNSET
    unmet: bool | UnsetType | None = UNSET


class NeedPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a need: what is absent stays, null removes. The kind stays what it is."""

    title: TextPatch | UnsetType | None = UNSET
    text: Prose | UnsetType | None = UNSET
    scenes: Scenes | UnsetType | None = UNSET
    scenarios: Scenarios | UnsetType | None = UNSET
    categories: Categories | UnsetType | None = UNSET
    budget: BudgetPatch | UnsetType | None = UNSET
    ready_by: dt.date | UnsetType | None = UNSET
    region: Region | UnsetType | None = UNSET
    deployment: Deployments | UnsetType | None = UNSET
    must: Rule | UnsetType | None = UNSET
    prefer: Preferences | UnsetType | None = UNSET
    open_call: OpenCallPatch | UnsetType | None = UNSET
    standards: Standards | UnsetType | None = UNSET
    visibility: NeedVisibility | UnsetType = UNSET
    pools: Pools | UnsetType | None = UNSET
    expires_on: dt.date | UnsetType | None = UNSET

    json_schema: ClassVar[Described] = {"anyOf": [_IN_POOLS, _ELSEWHERE]}
