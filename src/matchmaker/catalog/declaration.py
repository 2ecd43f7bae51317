"""What a provider declares: the shape of a line of an import file, and of what is stored from it.

Shapes only. Whether a code exists and whether a line contradicts itself is for `checking` to say.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from matchmaker.catalog.models import Kind, Visibility
from matchmaker.core.wire import LARGEST, Code, Currency, Line, MinorUnits, Text
from matchmaker.ranking.facts import MOST_AMOUNT
from matchmaker.taxonomy.coded import PartCode, ScaleName, SceneCode, StageName

Codes: TypeAlias = tuple[Code, ...]
"""A set of codes in the order declared; null or empty = unknown, ``all`` = no limit."""
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Level = Annotated[int, msgspec.Meta(ge=0, le=4)]
Readiness = Annotated[int, msgspec.Meta(ge=1, le=9)]
Span: TypeAlias = tuple[Count, Count]
"""From-to, both ends included."""
Per: TypeAlias = Literal["users", "machines", "sites", "employees"]


class Standard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A standard the offering implements (classes of the 2024 guide)."""

    class_: Literal["A", "B", "C"] = msgspec.field(name="class")
    sub: Code | None = None
    std_no: Line | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finished project: the industry it was done in and the scenes it touched."""

    industry: Code
    scenes: Codes
    state: Literal["claimed", "verified"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Projects finished, and how many of them were accepted on time."""

    accepted: Count
    projects: Count


Price = Annotated[int, msgspec.Meta(ge=0, le=MOST_AMOUNT)]


class PricePart(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One line of a price card: ``amount``, or ``from`` and ``to``, or neither (not stated)."""

    part: PartCode
    amount: Price | None = None
    from_: Price | None = msgspec.field(name="from", default=None)
    to: Price | None = None
    per: Per | None = None


class PriceCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one package costs, in one currency."""

    currency: Currency
    parts: Annotated[tuple[PricePart, ...], msgspec.Meta(max_length=20)]


class PackageLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One edition of an offering."""

    code: Code
    title: Text
    scales: tuple[ScaleName, ...] | None = None
    stages: tuple[StageName, StageName] | None = None
    levels: dict[SceneCode, tuple[Level, Level] | None] | None = None
    price: PriceCard | None = None
    weeks: Span | None = None


class KindAttributes(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"
):
    """What the attributes of every kind of offering share: how they are read and written."""


class SolutionAttributes(KindAttributes, frozen=True, kw_only=True, tag="solution"):
    """What only a digital solution says of itself."""

    offline: bool | None = None
    person_days: Span | None = None
    days_to_live: Span | None = None
    data_export: bool | None = None


class AdvisoryAttributes(KindAttributes, frozen=True, kw_only=True, tag="advisory"):
    """What only advice says of itself."""

    person_days: Span | None = None
    on_site: bool | None = None


class ResearchAttributes(KindAttributes, frozen=True, kw_only=True, tag="research"):
    """What only research cooperation says of itself."""

    readiness_level: tuple[Readiness, Readiness] | None = None
    research_form: Code | None = None
    facility: Text | None = None


class TalentAttributes(KindAttributes, frozen=True, kw_only=True, tag="talent"):
    """What only a talent offering says of itself."""

    talent_form: Code | None = None
    skills: Codes | None = None
    seats: Count | None = None
    days: Span | None = None
    certificate: bool | None = None


class AmountRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From-to of money in one currency."""

    from_: MinorUnits = msgspec.field(name="from")
    to: MinorUnits
    currency: Currency


class FinanceAttributes(KindAttributes, frozen=True, kw_only=True, tag="finance"):
    """What only a financial offering says of itself; rates in basis points a year."""

    instrument: Code | None = None
    amount: AmountRange | None = None
    rate_bp: Span | None = None
    term_months: Span | None = None
    collateral: Codes | None = None


Attributes: TypeAlias = (
    SolutionAttributes
    | AdvisoryAttributes
    | ResearchAttributes
    | TalentAttributes
    | FinanceAttributes
)
ATTRIBUTES: dict[Kind, type[Attributes]] = {
    Kind.SOLUTION: SolutionAttributes,
    Kind.ADVISORY: AdvisoryAttributes,
    Kind.RESEARCH: ResearchAttributes,
    Kind.TALENT: TalentAttributes,
    Kind.FINANCE: FinanceAttributes,
}


class ProviderLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="provider",
    tag_field="type",
):
    """A provider as an import file states it."""

    external_id: Code
    name: Text
    provider_kind: Code | None = None
    region: Code | None = None
    summary: Text | None = None
    website: Line | None = None
    uscc: Code | None = None


class OfferingLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="offering",
    tag_field="type",
):
    """An offering as an import file states it; ``attributes`` are read once its kind is known."""

    external_id: Code
    provider: Code
    kind: Kind
    title: Text
    summary: Text | None = None
    industries: Codes | None = None
    regions: Codes | None = None
    deployment: Codes | None = None
    languages: Codes | None = None
    categories: Codes | None = None
    delivery_form: Code | None = None
    interfaces: Codes | None = None
    standards: tuple[Standard, ...] | None = None
    must: dict[str, Any] | None = None
    visibility: Visibility = Visibility.PUBLIC
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    attested: dt.date | None = None
    cases: tuple[Case, ...] | None = None
    record: Record | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")
    packages: tuple[PackageLine, ...]
    scenarios: Codes | None = None


class OfferingDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every declared fact of one version, as stored: what is unknown is absent."""

    kind: Kind
    visibility: Visibility
    industries: Codes | None = None
    regions: Codes | None = None
    deployment: Codes | None = None
    languages: Codes | None = None
    categories: Codes | None = None
    delivery_form: Code | None = None
    interfaces: Codes | None = None
    standards: tuple[Standard, ...] | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    attested: dt.date | None = None
    cases: tuple[Case, ...] | None = None
    record: Record | None = None
    attributes: Attributes | None = None
    scenarios: Codes | None = None


class PackageDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of one package, as stored: what is unknown is absent."""

    scales: Codes | None = None
    stages: tuple[Code, Code] | None = None
    levels: dict[str, tuple[Level, Level] | None] | None = None
    price: PriceCard | None = None
    weeks: Span | None = None


def offering_document(line: OfferingLine, attributes: Attributes | None) -> OfferingDocument:
    """The facts of ``line`` as stored; null and empty are the same unknown."""
    return OfferingDocument(
        kind=line.kind,
        visibility=line.visibility,
        industries=line.industries or None,
        regions=line.regions or None,
        deployment=line.deployment or None,
        languages=line.languages or None,
        categories=line.categories or None,
        delivery_form=line.delivery_form,
        interfaces=line.interfaces or None,
        standards=line.standards or None,
        valid_from=line.valid_from,
        valid_to=line.valid_to,
        attested=line.attested,
        cases=line.cases or None,
        record=line.record,
        attributes=attributes,
        scenarios=line.scenarios or None,
    )


def package_document(line: PackageLine) -> PackageDocument:
    """The facts of the package as stored."""
    return PackageDocument(
        scales=line.scales or None,
        stages=line.stages,
        levels=line.levels or None,
        price=line.price,
        weeks=line.weeks,
    )
