"""What components say on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.catalog.components.declaration import Country
from matchmaker.catalog.components.models import ComponentId
from matchmaker.catalog.models import OfferingId
from matchmaker.core.wire import Line
from matchmaker.identity.models import OrganisationId
from matchmaker.taxonomy.coded import LayerCode


class ComponentPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change of a component; null makes a fact unknown."""

    layer: LayerCode | UnsetType = UNSET
    name: Line | UnsetType = UNSET
    vendor: Line | UnsetType | None = UNSET
    origin: Country | UnsetType | None = UNSET
    substitutes: Annotated[tuple[Line, ...], msgspec.Meta(max_length=20)] | UnsetType = UNSET


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a technology bill; `offering_id` null: a system that the firm itself runs."""

    id: ComponentId
    organisation_id: OrganisationId
    offering_id: OfferingId | None
    layer: str
    name: str
    vendor: str | None
    origin: str | None
    substitutes: list[str]
    revision: int
    created_at: dt.datetime
    changed_at: dt.datetime
