"""The size of an enterprise by a named scheme, in whole numbers only; never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from matchmaker.taxonomy import industry as industries
from matchmaker.taxonomy.errors import SeedBroken, UnknownCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.taxonomy.documents import Limit, ScaleScheme, Sector
    from matchmaker.taxonomy.registry import Taxonomy

Basis: TypeAlias = Literal["computed", "estimated", "unknown", "not_covered"]
Indicator: TypeAlias = Literal["employees", "revenue", "assets", "industry"]
Bound: TypeAlias = Literal["at_most", "at_least"]
DEFAULT_SCHEME = "cn_nbs_2017"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money in whole minor units."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of a firm; null = unknown. ``industry`` is of GB/T 4754, with its letter."""

    employees: int | None = None
    revenue: Amount | None = None
    assets: Amount | None = None
    industry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one indicator alone says.

    ``value``, ``lower`` (inclusive) and ``upper`` are people or minor units of the scheme's
    currency; a null end is open. A value in another currency is not read.
    """

    indicator: Indicator
    value: int | None
    tier: str | None = None
    lower: int | None = None
    upper: int | None = None
    is_upper_inclusive: bool = False
    is_other_currency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The size by ``scheme``, and why.

    ``basis`` computed: no missing figure could change it; estimated: the known figures say so,
    and the truth is ``bound`` (null = on either side); unknown: no figure; not_covered: the
    scheme has no rule for the industry.
    """

    scheme: str
    basis: Basis
    sector: str | None = None
    scale: str | None = None
    missing: tuple[Indicator, ...] = ()
    bound: Bound | None = None
    readings: tuple[Reading, ...] = ()


def scheme_of(taxonomy: Taxonomy, code: str) -> ScaleScheme:
    """The rule that a scheme's code stands for, an alias resolved.

    Raises:
        UnknownCode: there is no such scheme.
    """
    found = taxonomy.scales.get(code)
    if found is None:
        raise UnknownCode.at("#/scheme", "scale_scheme", code)
    return found if found.alias_of is None else taxonomy.scales[found.alias_of]


def compute(taxonomy: Taxonomy, figures: Figures, scheme: str = DEFAULT_SCHEME) -> Scale:
    """The size of a firm by a scheme.

    Raises:
        UnknownCode: there is no such scheme.
    """
    rule = scheme_of(taxonomy, scheme)
    measure = _Measure(rule, _minor_per_unit(taxonomy, rule), scheme)
    if rule.method == "headcount_and_either":
        return measure.headcount_and_either(figures)
    return measure.lowest_tier(figures)


def _minor_per_unit(taxonomy: Taxonomy, rule: ScaleScheme) -> int:
    """Minor units in one amount unit of the scheme: 10,000 CNY are 1,000,000 fen."""
    digits = taxonomy.entry("currency", rule.currency or "").extra["digits"]
    if not isinstance(digits, int):
        raise SeedBroken(f"{rule.code}: its currency has no digits")
    return int(rule.amount_unit * 10**digits)


@dataclass(frozen=True, slots=True)
class _Measure:
    rule: ScaleScheme
    minor_per_unit: int
    scheme: str

    def lowest_tier(self, figures: Figures) -> Scale:
        """The lowest tier of all indicators that the firm's sector lists."""
        if figures.industry is None:
            return Scale(scheme=self.scheme, basis="unknown", missing=("industry",))
        sector = self._sector(figures.industry)
        if sector is None and self._is_too_short(figures.industry):
            return Scale(scheme=self.scheme, basis="unknown", missing=("industry",))
        if sector is None:
            return Scale(scheme=self.scheme, basis="not_covered")
        readings = tuple(
            self._above(indicator, limits, figures) for indicator, limits in _limits(sector).items()
        )
        tier = self._lowest(readings)
        can_fall = bool(_missing(readings)) and tier != self.rule.tiers[-1]
        basis, bound = _verdict(tier, can_fall=can_fall, can_rise=False)
        return Scale(
            scheme=self.scheme,
            sector=sector.code,
            scale=tier,
            basis=basis,
            bound=bound,
            missing=_missing(readings),
            readings=readings,
        )

    def headcount_and_either(self, figures: Figures) -> Scale:
        """The smallest tier whose headcount and at least one of whose amounts the firm keeps."""
        head = self._within("employees", figures)
        amounts = (self._within("revenue", figures), self._within("assets", figures))
        money = self._lowest(amounts)
        known = [tier for tier in (head.tier, money) if tier is not None]
        tier = min(known, key=self.rule.tiers.index, default=None)
        # An open amount may be smaller than the known one, and only one of the two has to be kept.
        can_fall = bool(_missing(amounts)) and money is not None and tier != head.tier
        can_rise = (head.tier is None or money is None) and tier != self.rule.tiers[0]
        basis, bound = _verdict(tier, can_fall=can_fall, can_rise=can_rise)
        return Scale(
            scheme=self.scheme,
            scale=tier,
            basis=basis,
            bound=bound,
            missing=_missing((head, *amounts)),
            readings=(head, *amounts),
        )

    def _sector(self, code: str) -> Sector | None:
        prefixes = {prefix: sector for sector in self.rule.sectors for prefix in sector.industries}
        outside = set(self.rule.not_covered)
        found = industries.longest_prefix(code, {*prefixes, *outside})
        return None if found is None or found in outside else prefixes[found]

    def _is_too_short(self, code: str) -> bool:
        """Whether a finer code could fall into a sector."""
        return any(
            prefix.startswith(code) for sector in self.rule.sectors for prefix in sector.industries
        )

    def _lowest(self, readings: Sequence[Reading]) -> str | None:
        tiers = [reading.tier for reading in readings if reading.tier is not None]
        return max(tiers, key=self.rule.tiers.index, default=None)

    def _unread(self, indicator: Indicator, figures: Figures) -> Reading | int:
        """The indicator's value in people or minor units, or the reading of one that is missing."""
        value = figures.employees
        if indicator != "employees":
            money = figures.revenue if indicator == "revenue" else figures.assets
            if money is not None and money.currency != self.rule.currency:
                return Reading(indicator=indicator, value=None, is_other_currency=True)
            value = None if money is None else money.amount
        return Reading(indicator=indicator, value=None) if value is None else value

    def _in_units(self, indicator: Indicator, limit: int) -> int:
        return limit if indicator == "employees" else limit * self.minor_per_unit

    def _above(self, indicator: Indicator, limits: Sequence[int], figures: Figures) -> Reading:
        """The tier whose lower limit, inclusive, the value reaches."""
        value = self._unread(indicator, figures)
        if isinstance(value, Reading):
            return value
        lower = [self._in_units(indicator, limit) for limit in limits]
        place = sum(value < limit for limit in lower)
        return Reading(
            indicator=indicator,
            value=value,
            tier=self.rule.tiers[place],
            lower=lower[place] if place < len(lower) else None,
            upper=lower[place - 1] if place else None,
        )

    def _within(self, indicator: Indicator, figures: Figures) -> Reading:
        """The smallest tier whose upper limit the value keeps, else the largest tier."""
        value = self._unread(indicator, figures)
        if isinstance(value, Reading):
            return value
        for limit in self.rule.limits:
            upper = self._in_units(indicator, _upper(limit, indicator))
            is_inclusive = indicator != "employees"
            if value < upper or (is_inclusive and value == upper):
                return Reading(
                    indicator=indicator,
                    value=value,
                    tier=limit.tier,
                    upper=upper,
                    is_upper_inclusive=is_inclusive,
                )
        return Reading(indicator=indicator, value=value, tier=self.rule.tiers[0])


def _verdict(tier: str | None, *, can_fall: bool, can_rise: bool) -> tuple[Basis, Bound | None]:
    """What a tier rests on, and on which side of it the truth may lie."""
    if tier is None:
        return "unknown", None
    if not can_fall and not can_rise:
        return "computed", None
    if can_fall and can_rise:
        return "estimated", None
    return "estimated", "at_most" if can_fall else "at_least"


def _missing(readings: Sequence[Reading]) -> tuple[Indicator, ...]:
    found: list[Indicator] = [reading.indicator for reading in readings if reading.tier is None]
    return tuple(found)


def _limits(sector: Sector) -> Mapping[Indicator, Sequence[int]]:
    named: tuple[tuple[Indicator, Sequence[int] | None], ...] = (
        ("employees", sector.employees),
        ("revenue", sector.revenue),
        ("assets", sector.assets),
    )
    return {indicator: limits for indicator, limits in named if limits is not None}


def _upper(limit: Limit, indicator: Indicator) -> int:
    if indicator == "employees":
        return limit.employees_below
    return limit.revenue_to if indicator == "revenue" else limit.assets_to
