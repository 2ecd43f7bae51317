"""What a firm states of itself, on the wire; every fact may be missing, and missing is unknown."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.wire import Code, Currency
from matchmaker.rules import form
from matchmaker.taxonomy.coded import (
    CategoryCode,
    ChainRoleCode,
    GoalCode,
    IndustryCode,
    PlaceCode,
    SceneCode,
)

MOST_COUNTED = 1_000_000
"""The greatest number of people, machines or sites."""
MOST_MONEY = 1_000_000_000_000_000
"""The greatest amount in minor units: 10^13 yuan."""

Counted = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNTED)]
Categories: TypeAlias = Annotated[list[CategoryCode], msgspec.Meta(max_length=50)]
Clusters: TypeAlias = Annotated[list[Code], msgspec.Meta(max_length=50)]
Industries: TypeAlias = Annotated[list[IndustryCode], msgspec.Meta(max_length=50)]
Level = Annotated[int, msgspec.Meta(ge=0, le=4)]
Year = Annotated[int, msgspec.Meta(ge=1800, le=2200)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Region = PlaceCode
Rule: TypeAlias = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=form.REFERENCE)]
ScaleCode: TypeAlias = Literal["micro", "small", "medium", "large"]
StageCode: TypeAlias = Literal[
    "not_started", "tool_assisted", "standardised", "integrated", "data_driven", "leading"
]


MinorUnits = Annotated[int, msgspec.Meta(ge=0, le=MOST_MONEY)]


class Amount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money in whole minor units (fen, cents)."""

    amount: MinorUnits
    currency: Currency


class ProfileFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a firm.

    ``industries`` are GB/T 4754-2017 codes with their letter, ``scenes`` the present level 0-4 of
    each of the 16 scenes, ``scale`` what the firm declares (figures, where complete, decide),
    ``must`` a standing rule.
    """

    industries: Industries | None = None
    region: Region | None = None
    employees: Counted | None = None
    users: Counted | None = None
    machines: Counted | None = None
    sites: Counted | None = None
    revenue: Amount | None = None
    assets: Amount | None = None
    scale: ScaleCode | None = None
    founded: Year | None = None
    chain_role: ChainRoleCode | None = None
    clusters: Clusters | None = None
    systems: Categories | None = None
    goals: Annotated[dict[GoalCode, Share], msgspec.Meta(max_length=20)] | None = None
    yearly_budget: Amount | None = None
    scenes: Annotated[dict[SceneCode, Level], msgspec.Meta(max_length=16)] | None = None
    stage: StageCode | None = None
    must: Rule | None = None


class AmountPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an amount of money; what is left out stays.

    An amount is known whole or not at all: null stands for all of it, never for one of its parts.
    """

    amount: MinorUnits | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class ProfilePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a profile: what is left out stays, null makes unknown.

    Levels of scenes, weights of goals and parts of amounts change one by one, everything else as a
    whole.
    """

    industries: Industries | UnsetType | None = UNSET
    region: Region | UnsetType | None = UNSET
    employees: Counted | UnsetType | None = UNSET
    users: Counted | UnsetType | None = UNSET
    machines: Counted | UnsetType | None = UNSET
    sites: Counted | UnsetType | None = UNSET
    revenue: AmountPatch | UnsetType | None = UNSET
    assets: AmountPatch | UnsetType | None = UNSET
    scale: ScaleCode | UnsetType | None = UNSET
    founded: Year | UnsetType | None = UNSET
    chain_role: ChainRoleCode | UnsetType | None = UNSET
    clusters: Clusters | UnsetType | None = UNSET
    systems: Categories | UnsetType | None = UNSET
    goals: dict[GoalCode, Share | None] | UnsetType | None = UNSET
    yearly_budget: AmountPatch | UnsetType | None = UNSET
    scenes: dict[SceneCode, Level | None] | UnsetType | None = UNSET
    stage: StageCode | UnsetType | None = UNSET
    must: Rule | UnsetType | None = UNSET
