"""Why a firm has its size: sentences in the asked language."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.taxonomy import scale, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.language import Language
    from matchmaker.taxonomy.documents import ScaleScheme
    from matchmaker.taxonomy.registry import Taxonomy

_INDICATORS: Final = {
    "employees": Bilingual(zh="员工人数", en="Employees"),
    "revenue": Bilingual(zh="营业收入", en="Revenue"),
    "assets": Bilingual(zh="资产总额", en="Total assets"),
    "industry": Bilingual(zh="行业", en="Industry"),
}
_SECTOR: Final = Bilingual(
    zh="按《{scheme}》，该企业适用“{sector}”的标准。",
    en="By the {scheme}, the firm is measured as “{sector}”.",
)
_READ: Final = Bilingual(
    zh="{indicator}{value}，对应{tier}（{range}）。",
    en="{indicator}: {value}, which is {tier} ({range}).",
)
_READ_OPEN: Final = Bilingual(
    zh="{indicator}{value}，对应{tier}。", en="{indicator}: {value}, which is {tier}."
)
_BETWEEN: Final = Bilingual(
    zh="{lower}及以上、{upper}以下", en="at least {lower} and below {upper}"
)
_FROM: Final = Bilingual(zh="{lower}及以上", en="at least {lower}")
_BELOW: Final = Bilingual(zh="{upper}以下", en="below {upper}")
_UP_TO: Final = Bilingual(zh="不超过{upper}", en="at most {upper}")
_NOT_STATED: Final = Bilingual(zh="未提供{indicator}。", en="{indicator}: not stated.")
_OTHER_CURRENCY: Final = Bilingual(
    zh="{indicator}的币种与该办法不同，未采用。",
    en="{indicator}: in another currency than the scheme's, so not used.",
)
_COMPUTED: Final = Bilingual(zh="综合判定：{tier}。", en="Result: {tier}.")
_BOUNDED: Final = {
    "at_most": Bilingual(zh="数据不全，最高为{tier}。", en="Figures are missing; at most {tier}."),
    "at_least": Bilingual(
        zh="数据不全，至少为{tier}。", en="Figures are missing; at least {tier}."
    ),
    None: Bilingual(
        zh="数据不全，按已有数据为{tier}。", en="Figures are missing; by the known ones {tier}."
    ),
}
_NO_INDUSTRY: Final = Bilingual(
    zh="缺少行业代码，或代码不够细，无法判定。",
    en="The industry is missing or its code is too short to tell.",
)
_NO_FIGURES: Final = Bilingual(
    zh="没有可用的数据，无法判定。", en="There are no figures to tell the size by."
)
_NOT_COVERED: Final = Bilingual(
    zh="《{scheme}》不适用于这一行业。", en="The {scheme} has no rule for this industry."
)


def sentences(taxonomy: Taxonomy, found: scale.Scale, language: Language) -> tuple[str, ...]:
    """The rule that was used, what each indicator says, and the result."""
    return tuple(_Teller(taxonomy, scale.scheme_of(taxonomy, found.scheme), language).tell(found))


@dataclass(frozen=True, slots=True)
class _Teller:
    taxonomy: Taxonomy
    rule: ScaleScheme
    language: Language

    def tell(self, found: scale.Scale) -> Iterator[str]:
        if found.sector is not None:
            yield self._say(_SECTOR, scheme=self._scheme(found), sector=self._sector(found.sector))
        for reading in found.readings:
            yield self._reading(reading)
        yield self._result(found)

    def _say(self, text: Bilingual, **values: str) -> str:
        return text.in_language(self.language).format(**values)

    def _scheme(self, found: scale.Scale) -> str:
        return self.taxonomy.scales[found.scheme].labels.either(self.language, found.scheme)

    def _sector(self, code: str) -> str:
        sector = next(sector for sector in self.rule.sectors if sector.code == code)
        return sector.zh if self.language == "zh" else sector.en

    def _tier(self, code: str) -> str:
        name = self.taxonomy.name("scale", code, self.language)
        return name if self.language == "zh" else name.lower()

    def _reading(self, reading: scale.Reading) -> str:
        indicator = _INDICATORS[reading.indicator].in_language(self.language)
        if reading.tier is None or reading.value is None:
            missing = _OTHER_CURRENCY if reading.is_other_currency else _NOT_STATED
            return self._say(missing, indicator=indicator)
        limits = self._limits(reading)
        return self._say(
            _READ if limits else _READ_OPEN,
            indicator=indicator,
            value=self._amount(reading, reading.value),
            tier=self._tier(reading.tier),
            range=limits,
        )

    def _limits(self, reading: scale.Reading) -> str:
        lower = "" if reading.lower is None else self._amount(reading, reading.lower)
        upper = "" if reading.upper is None else self._amount(reading, reading.upper)
        if lower and upper:
            return self._say(_BETWEEN, lower=lower, upper=upper)
        if lower:
            return self._say(_FROM, lower=lower)
        if upper:
            return self._say(_UP_TO if reading.is_upper_inclusive else _BELOW, upper=upper)
        return ""

    def _amount(self, reading: scale.Reading, value: int) -> str:
        if reading.indicator == "employees":
            written = writing.number(Decimal(value))
            return f"{written}人" if self.language == "zh" else written
        currency = self.taxonomy.entry("currency", self.rule.currency or "")
        digits = currency.extra["digits"]
        return writing.money(
            Decimal(value).scaleb(-digits if isinstance(digits, int) else 0),
            self.language,
            currency=currency.code,
            unit_zh=str(currency.extra["unit_zh"]),
        )

    def _result(self, found: scale.Scale) -> str:
        if found.basis == "not_covered":
            return self._say(_NOT_COVERED, scheme=self._scheme(found))
        if found.scale is None:
            return self._say(_NO_INDUSTRY if "industry" in found.missing else _NO_FIGURES)
        text = _COMPUTED if found.basis == "computed" else _BOUNDED[found.bound]
        return self._say(text, tier=self._tier(found.scale))
