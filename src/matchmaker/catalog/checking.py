"""Whether a declaration holds: its codes exist and its numbers agree with one another.

Shapes are settled by `declaration`; here every remaining fault is found, not only the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matchmaker.catalog import declaration
from matchmaker.catalog.reasons import fault
from matchmaker.ranking.facts import MOST_PER_UNIT
from matchmaker.taxonomy import uscc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matchmaker.catalog.codes import KnownCodes
    from matchmaker.core.errors import FieldFault

ALL = "all"
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def provider_faults(line: declaration.ProviderLine, known: KnownCodes) -> Iterator[FieldFault]:
    """What is wrong with a provider."""
    yield from _external_id(line.external_id, "#/external_id")
    yield from _code(line.provider_kind, known, "provider_kind", "#/provider_kind")
    yield from _code(line.region, known, "gbt_2260", "#/region")
    if line.uscc is not None and not uscc.is_valid(line.uscc):
        yield fault("#/uscc", "wrong_check_digit")
    if line.website is not None and not line.website.startswith(("https://", "http://")):
        yield fault("#/website", "wrong_form")


def offering_faults(
    line: declaration.OfferingLine,
    attributes: declaration.Attributes | None,
    known: KnownCodes,
) -> Iterator[FieldFault]:
    """What is wrong with an offering, its rule apart."""
    yield from _external_id(line.external_id, "#/external_id")
    yield from _set(line.industries, known, "gbt_4754_2017", "#/industries")
    yield from _set(line.regions, known, "gbt_2260", "#/regions")
    yield from _set(line.deployment, known, "deployment", "#/deployment")
    yield from _set(line.languages, known, "language", "#/languages")
    yield from _set(line.categories, known, "solution_category", "#/categories", limit=None)
    yield from _set(line.interfaces, known, "interface", "#/interfaces", limit=None)
    yield from _code(line.delivery_form, known, "delivery_form", "#/delivery_form")
    if line.valid_from and line.valid_to and line.valid_from > line.valid_to:
        yield fault("#/valid_to", "from_after_to")
    if line.record is not None and line.record.accepted > line.record.projects:
        yield fault("#/record/accepted", "more_accepted_than_projects")
    for place, case in enumerate(line.cases or ()):
        yield from _code(case.industry, known, "gbt_4754_2017", f"#/cases/{place}/industry")
        yield from _set(case.scenes, known, "sme_scene", f"#/cases/{place}/scenes", limit=None)
    for place, standard in enumerate(line.standards or ()):
        if standard.sub is not None and not known.is_below(standard.sub, standard.class_):
            scheme = f"cn_im_standard_2024 ({standard.class_})"
            at = f"#/standards/{place}/sub"
            yield fault(at, "unknown_code", value=standard.sub, scheme=scheme)
    yield from _set(line.scenarios, known, "im_scenario", "#/scenarios", limit=None)
    yield from _packages(line.packages, known)
    if attributes is not None:
        yield from _attributes(attributes, known)


def _packages(
    packages: Sequence[declaration.PackageLine], known: KnownCodes
) -> Iterator[FieldFault]:
    if not packages:
        yield fault("#/packages", "missing_package")
    seen: set[str] = set()
    for place, package in enumerate(packages):
        at = f"#/packages/{place}"
        yield from _external_id(package.code, f"{at}/code")
        if package.code in seen:
            yield fault(f"{at}/code", "repeated_package", value=package.code)
        seen.add(package.code)
        yield from _set(package.scales, known, "scale", f"{at}/scales")
        yield from _stages(package.stages, known, f"{at}/stages")
        yield from _levels(package.levels, known, f"{at}/levels")
        yield from _span(package.weeks, f"{at}/weeks")
        if package.price is not None:
            yield from _price(package.price, known, f"{at}/price")


def _stages(stages: tuple[str, str] | None, known: KnownCodes, at: str) -> Iterator[FieldFault]:
    if stages is None:
        return
    ranks = [known.stage_rank.get(stage) for stage in stages]
    for place, (stage, rank) in enumerate(zip(stages, ranks, strict=True)):
        if rank is None:
            yield fault(f"{at}/{place}", "unknown_code", value=stage, scheme="stage")
    first, last = ranks
    if first is not None and last is not None and first > last:
        yield fault(at, "from_after_to")


def _levels(
    levels: dict[str, tuple[int, int] | None] | None, known: KnownCodes, at: str
) -> Iterator[FieldFault]:
    for scene, span in (levels or {}).items():
        yield from _code(scene, known, "sme_scene", at)
        yield from _span(span, f"{at}/{scene}")


def _price(price: declaration.PriceCard, known: KnownCodes, at: str) -> Iterator[FieldFault]:
    yield from _code(price.currency, known, "currency", f"{at}/currency")
    for place, part in enumerate(price.parts):
        here = f"{at}/parts/{place}"
        yield from _code(part.part, known, "price_part", f"{here}/part")
        if part.per is not None and max(part.amount or 0, part.to or 0) > MOST_PER_UNIT:
            yield fault(here, "unit_price_too_high")
        if (part.from_ is None) != (part.to is None):
            yield fault(here, "half_range")
        elif part.from_ is not None and part.to is not None:
            if part.amount is not None:
                yield fault(here, "amount_and_range")
            yield from _span((part.from_, part.to), here)


def _attributes(attributes: declaration.Attributes, known: KnownCodes) -> Iterator[FieldFault]:
    at = "#/attributes"
    match attributes:
        case declaration.SolutionAttributes():
            yield from _span(attributes.person_days, f"{at}/person_days")
            yield from _span(attributes.days_to_live, f"{at}/days_to_live")
        case declaration.AdvisoryAttributes():
            yield from _span(attributes.person_days, f"{at}/person_days")
        case declaration.ResearchAttributes():
            yield from _span(attributes.readiness_level, f"{at}/readiness_level")
            yield from _code(
                attributes.research_form, known, "research_form", f"{at}/research_form"
            )
        case declaration.TalentAttributes():
            yield from _code(attributes.talent_form, known, "talent_form", f"{at}/talent_form")
            yield from _set(attributes.skills, known, "skill", f"{at}/skills", limit=None)
            yield from _span(attributes.days, f"{at}/days")
        case declaration.FinanceAttributes():
            yield from _finance(attributes, known, at)


def _finance(
    attributes: declaration.FinanceAttributes, known: KnownCodes, at: str
) -> Iterator[FieldFault]:
    yield from _code(attributes.instrument, known, "finance_instrument", f"{at}/instrument")
    yield from _span(attributes.rate_bp, f"{at}/rate_bp")
    yield from _span(attributes.term_months, f"{at}/term_months")
    yield from _set(attributes.collateral, known, "collateral", f"{at}/collateral", limit=None)
    if attributes.amount is not None:
        yield from _code(attributes.amount.currency, known, "currency", f"{at}/amount/currency")
        yield from _span((attributes.amount.from_, attributes.amount.to), f"{at}/amount")


def _set(
    values: Sequence[str] | None,
    known: KnownCodes,
    scheme: str,
    at: str,
    *,
    limit: str | None = ALL,
) -> Iterator[FieldFault]:
    if not values:
        return
    for place, value in enumerate(values):
        if value != limit and not known.has(scheme, value):
            yield fault(f"{at}/{place}", "unknown_code", value=value, scheme=scheme)
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        yield fault(at, "repeated_code", value=twice)


def _code(value: str | None, known: KnownCodes, scheme: str, at: str) -> Iterator[FieldFault]:
    if value is not None and not known.has(scheme, value):
        yield fault(at, "unknown_code", value=value, scheme=scheme)


def _span(span: tuple[int, int] | None, at: str) -> Iterator[FieldFault]:
    if span is not None and span[0] > span[1]:
        yield fault(at, "from_after_to")


def _external_id(value: str, at: str) -> Iterator[FieldFault]:
    if not _EXTERNAL_ID.fullmatch(value):
        yield fault(at, "wrong_form")
