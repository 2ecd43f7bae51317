"""What the catalog says on the wire: public fields only, texts in the languages there are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from matchmaker.catalog.declaration import (
    Attributes,
    Case,
    PackageDocument,
    PriceCard,
    Record,
    Standard,
)
from matchmaker.catalog.models import Kind, OfferingId
from matchmaker.core.wire import Text
from matchmaker.identity.models import OrganisationId


class ProviderName(msgspec.Struct, frozen=True, kw_only=True):
    """The organisation behind an offering."""

    id: OrganisationId
    name: Text


class OfferingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A published offering in a list; null or missing facts are unknown, ``all`` is no limit."""

    id: OfferingId
    version: int
    kind: Kind
    provider: ProviderName
    title: Text
    summary: Text | None
    categories: tuple[str, ...] | None
    industries: tuple[str, ...] | None
    regions: tuple[str, ...] | None
    delivery_form: str | None
    attested: dt.date | None


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of an offering; amounts are minor units, spans include both ends."""

    code: str
    title: Text
    scales: tuple[str, ...] | None
    stages: tuple[str, str] | None
    levels: dict[str, tuple[int, int] | None] | None
    price: PriceCard | None
    weeks: tuple[int, int] | None


class Offering(msgspec.Struct, frozen=True, kw_only=True):
    """A published offering with all that its current version declares."""

    id: OfferingId
    version: int
    kind: Kind
    provider: ProviderName
    title: Text
    summary: Text | None
    industries: tuple[str, ...] | None
    regions: tuple[str, ...] | None
    deployment: tuple[str, ...] | None
    languages: tuple[str, ...] | None
    categories: tuple[str, ...] | None
    delivery_form: str | None
    interfaces: tuple[str, ...] | None
    standards: tuple[Standard, ...] | None
    must: dict[str, Any] | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    attested: dt.date | None
    cases: tuple[Case, ...] | None
    record: Record | None
    attributes: Attributes | None
    packages: tuple[Package, ...]
    scenarios: tuple[str, ...] | None


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """The supply card of a verified provider."""

    id: OrganisationId
    name: Text
    provider_kind: str | None
    region: str | None
    summary: Text | None
    website: str | None


def package(stored: dict[str, Any]) -> Package:
    """The public view of a stored package: ``code``, ``title``, ``document``."""
    facts = msgspec.convert(stored["document"], PackageDocument)
    return Package(
        code=stored["code"],
        title=msgspec.convert(stored["title"], Text),
        scales=facts.scales,
        stages=facts.stages,
        levels=facts.levels,
        price=facts.price,
        weeks=facts.weeks,
    )
