"""What a provider writes of an offering, and what it and its reviewers read of drafts and versions.

Verified cases and the record are the operator's word (docs/adr/0012): shown here, never taken.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.catalog.declaration import (
    Attributes,
    Case,
    PackageLine,
    Record,
    Standard,
)
from matchmaker.catalog.machine import ChangeState, OfferingState
from matchmaker.catalog.models import Kind, OfferingId, Visibility
from matchmaker.catalog.schemas import ProviderName
from matchmaker.core.diffs import Change
from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import Code, Text
from matchmaker.rules import form
from matchmaker.taxonomy.coded import (
    CategoryCode,
    DeliveryCode,
    DeploymentCode,
    IndustryCode,
    InterfaceCode,
    LanguageCode,
    RegionCode,
    ScenarioCode,
)

_ONCE = msgspec.Meta(extra_json_schema={"uniqueItems": True})
Rule = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=form.REFERENCE)]
# Each code once; `all` stands for no limit.
Industries = Annotated[tuple[IndustryCode, ...], _ONCE]
Regions = Annotated[tuple[RegionCode, ...], _ONCE]
Deployments = Annotated[tuple[DeploymentCode, ...], _ONCE]
Languages = Annotated[tuple[LanguageCode, ...], _ONCE]
Categories = Annotated[tuple[CategoryCode, ...], _ONCE]
Interfaces = Annotated[tuple[InterfaceCode, ...], _ONCE]
Scenarios = Annotated[tuple[ScenarioCode, ...], _ONCE]
Packages = Annotated[tuple[PackageLine, ...], msgspec.Meta(max_length=50)]


class OfferingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a provider states of an offering; null or missing is unknown, ``all`` no limit."""

    title: Text
    summary: Text | None = None
    industries: Industries | None = None
    regions: Regions | None = None
    deployment: Deployments | None = None
    languages: Languages | None = None
    categories: Categories | None = None
    delivery_form: DeliveryCode | None = None
    interfaces: Interfaces | None = None
    standards: tuple[Standard, ...] | None = None
    must: Rule | None = None
    visibility: Visibility = Visibility.PUBLIC
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    attested: dt.date | None = None
    attributes: Attributes | None = None
    packages: Packages = ()
    scenarios: Scenarios | None = None


class NewOffering(OfferingFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft to be made; its kind and its ``external_id`` stay, everything else can be edited."""

    kind: Kind
    external_id: Code | None = None
    """Unique among the provider's offerings; given out where none is stated."""


class OfferingPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change in the latest version; lists, packages and the rule are replaced whole."""

    title: TextPatch | UnsetType = UNSET
    summary: TextPatch | UnsetType | None = UNSET
    industries: Industries | UnsetType | None = UNSET
    regions: Regions | UnsetType | None = UNSET
    deployment: Deployments | UnsetType | None = UNSET
    languages: Languages | UnsetType | None = UNSET
    categories: Categories | UnsetType | None = UNSET
    delivery_form: DeliveryCode | UnsetType | None = UNSET
    interfaces: Interfaces | UnsetType | None = UNSET
    standards: tuple[Standard, ...] | UnsetType | None = UNSET
    must: Rule | UnsetType | None = UNSET
    visibility: Visibility | UnsetType | None = UNSET
    valid_from: dt.date | UnsetType | None = UNSET
    valid_to: dt.date | UnsetType | None = UNSET
    attested: dt.date | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    packages: Packages | UnsetType | None = UNSET
    scenarios: Scenarios | UnsetType | None = UNSET


class OfferingDraft(OfferingFacts, frozen=True, kw_only=True):
    """The latest version of an offering, and where the offering stands."""

    id: OfferingId
    external_id: str
    kind: Kind
    provider: ProviderName
    state: OfferingState
    change: ChangeState | None
    """Of the change beside what is published, or of the last one there was."""
    version: int
    published_version: int | None
    """The version last published."""
    cases: tuple[Case, ...] | None = None
    record: Record | None = None
    note: str | None = None
    """What was said with the last transition, of the offering or of its change."""
    created_at: dt.datetime
    changed_at: dt.datetime


class OwnOfferingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An offering in its owner's list, by its latest version."""

    id: OfferingId
    external_id: str
    kind: Kind
    state: OfferingState
    change: ChangeState | None
    version: int
    title: Text
    changed_at: dt.datetime


class VersionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A version in the list of an offering's versions."""

    number: int
    title: Text
    created_at: dt.datetime
    is_published: bool
    """It is the version last published."""
    is_draft: bool
    """It is the latest and not published."""


class VersionDetail(OfferingFacts, frozen=True, kw_only=True):
    """All that one version declares; it never changes."""

    number: int
    kind: Kind
    cases: tuple[Case, ...] | None = None
    record: Record | None = None
    created_at: dt.datetime


class VersionDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Every place in which two versions differ."""

    from_version: int
    to_version: int
    changes: list[Change]
