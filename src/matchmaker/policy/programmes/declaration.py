"""What a programme says, on the wire."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import Code, Line, Money, Text
from matchmaker.enterprise.declaration import Level as SceneLevel
from matchmaker.enterprise.declaration import Rule
from matchmaker.policy.guides.declaration import Industries
from matchmaker.taxonomy.coded import PlaceCode

Level: TypeAlias = Literal["nation", "province", "prefecture", "county", "zone"]
Beneficiary: TypeAlias = Literal["firm", "provider", "person"]
Issuers: TypeAlias = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=20)]
Regions: TypeAlias = Annotated[
    list[PlaceCode], msgspec.Meta(max_length=100, description="None: the whole country")
]
Thousandths: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Parent: TypeAlias = Annotated[
    UUID, msgspec.Meta(description="The programme of which this one is a part")
]


class Window(enum.StrEnum):
    """Whether a programme can be applied for today."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that a programme rests on or asks for."""

    title: Text
    number: Line | None = None
    url: Annotated[str, msgspec.Meta(pattern="^https?://[!-~]{1,2000}$")] | None = None


class LevelCap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that is paid to whoever reaches a level."""

    level: SceneLevel
    cap: Money


class Benefit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is granted, as it was entered: a share of a base, up to a cap; nothing computes it."""

    base: Annotated[Code, msgspec.Meta(description="Of what: `contract_amount`, ...")] | None = None
    rate: Annotated[Thousandths, msgspec.Meta(description="In thousandths")] | None = None
    cap: Money | None = None
    cap_by_level: Annotated[list[LevelCap], msgspec.Meta(max_length=10)] = []


Documents: TypeAlias = Annotated[list[Document], msgspec.Meta(max_length=50)]
Eligibility: TypeAlias = Annotated[Rule, msgspec.Meta(description="Who may have it")]


class ProgrammeTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that one version of a programme says; what is null nobody has said.

    It can be applied for from ``opens_on`` to ``closes_on``, both days included. In one
    ``stacking_group`` a firm has one benefit.
    """

    name: Text
    issuers: Issuers
    source: Text
    level: Level
    parent_id: Parent | None = None
    beneficiary: Beneficiary = "firm"
    regions: Regions = []
    industries: Industries = []
    opens_on: dt.date | None = None
    closes_on: dt.date | None = None
    documents: Documents = []
    eligibility: Eligibility | None = None
    benefit: Benefit | None = None
    stacking_group: Code | None = None
    apply_before_signing: bool | None = None

    def window(self, today: dt.date) -> Window | None:
        """Whether it can be applied for on ``today``; None where no date is said."""
        if self.opens_on is None and self.closes_on is None:
            return None
        if self.opens_on is not None and today < self.opens_on:
            return Window.UPCOMING
        over = self.closes_on is not None and today > self.closes_on
        return Window.CLOSED if over else Window.OPEN


class ProgrammePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a programme; lists, the rule and the benefit are replaced whole."""

    name: TextPatch | UnsetType = UNSET
    issuers: Issuers | UnsetType = UNSET
    source: TextPatch | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    parent_id: Parent | UnsetType | None = UNSET
    beneficiary: Beneficiary | UnsetType = UNSET
    regions: Regions | UnsetType = UNSET
    industries: Industries | UnsetType = UNSET
    opens_on: dt.date | UnsetType | None = UNSET
    closes_on: dt.date | UnsetType | None = UNSET
    documents: Documents | UnsetType = UNSET
    eligibility: Eligibility | UnsetType | None = UNSET
    benefit: Benefit | UnsetType | None = UNSET
    stacking_group: Code | UnsetType | None = UNSET
    apply_before_signing: bool | UnsetType | None = UNSET
