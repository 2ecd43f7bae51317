"""What the columns of a template say, in both languages."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from matchmaker.catalog.importing.sheets import PricePartsCodec
from matchmaker.core.language import Bilingual
from matchmaker.core.sheets import codecs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.sheets.codecs import Codec
    from matchmaker.taxonomy.fields import FieldCatalogue

LABELS: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {
        "provider.external_id": Bilingual(zh="服务商外部编号", en="provider's external id"),
        "provider.name": Bilingual(zh="服务商名称", en="provider's name"),
        "provider.provider_kind": Bilingual(zh="服务商类型", en="kind of provider"),
        "provider.region": Bilingual(zh="所在地", en="where the provider is"),
        "provider.summary": Bilingual(zh="服务商简介", en="what the provider does"),
        "provider.website": Bilingual(zh="网站", en="website"),
        "provider.uscc": Bilingual(zh="统一社会信用代码", en="unified social credit code"),
        "offering.provider": Bilingual(zh="服务商外部编号", en="provider's external id"),
        "package.price.currency": Bilingual(zh="价格币种", en="currency of the price"),
        "package.price.parts": Bilingual(zh="价格构成", en="price card"),
        "profile.external_id": Bilingual(zh="企业外部编号", en="firm's external id"),
        "profile.name": Bilingual(zh="企业名称", en="firm's name"),
        "need.external_id": Bilingual(zh="需求自编号", en="firm's own number of the need"),
        "need.profile": Bilingual(zh="企业外部编号", en="firm's external id"),
        "need.title": Bilingual(zh="需求标题", en="title of the need"),
        "need.scenarios": Bilingual(zh="典型场景", en="typical scenarios"),
        "need.standards": Bilingual(zh="应遵循的标准类别", en="classes of standards to follow"),
        "offering.scenarios": Bilingual(zh="适用的典型场景", en="typical scenarios it serves"),
        "need.open_call.sought": Bilingual(zh="征集内容", en="what is called for"),
        "need.open_call.acceptance_metric": Bilingual(zh="验收指标", en="acceptance metric"),
        "need.open_call.data_on_offer": Bilingual(zh="可提供的数据", en="data on offer"),
        "need.open_call.deadline": Bilingual(zh="征集截止日期", en="deadline of the call"),
        "need.open_call.unmet": Bilingual(zh="现有供给无法满足", en="nothing on offer meets it"),
        "need.visibility": Bilingual(zh="可见范围", en="visibility"),
        "need.pools": Bilingual(zh="可见的资源池", en="pools that see it"),
        "need.expires_on": Bilingual(zh="最后有效日", en="last day"),
    }
)
"""Of columns that no field of the catalogue is behind."""

VOCABULARIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "provider.provider_kind": "provider_kind",
        "provider.region": "gbt_2260",
        "package.price.currency": "currency",
        "need.scenarios": "im_scenario",
        "need.standards": "cn_im_standard_2024",
        "offering.scenarios": "im_scenario",
    }
)

_LANGUAGES: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {"zh": Bilingual(zh="中文", en="Chinese"), "en": Bilingual(zh="英文", en="English")}
)
_FORMS: Final[tuple[tuple[type, Bilingual], ...]] = (
    (codecs.SetCodec, Bilingual(zh="多个代码用 | 分隔", en="codes, with | between them")),
    (codecs.SpanCodec, Bilingual(zh="起..止，如 2..4", en="from..to, as 2..4")),
    (codecs.FlagCodec, Bilingual(zh="true 或 false", en="true or false")),
    (codecs.DateCodec, Bilingual(zh="日期，如 2026-11-23", en="a day, as 2026-11-23")),
    (codecs.JsonCodec, Bilingual(zh="JSON", en="JSON")),
    (
        PricePartsCodec,
        Bilingual(
            zh="如 upfront 2980000|hardware 180000..260000 per machines|training ?（最小货币单位）",
            en="as upfront 2980000|hardware 180000..260000 per machines|training ? (minor units)",
        ),
    ),
)
_MINOR: Final = Bilingual(zh="最小货币单位（分）", en="minor units (fen, cents)")


def label(fields: FieldCatalogue, column: str) -> Bilingual | None:
    """What the column holds; None if nothing says so."""
    if column in LABELS:
        return LABELS[column]
    if column in fields:
        found = fields.get(column).label
        return Bilingual(zh=found.zh, en=found.en)
    whole, _, last = column.rpartition(".")
    if last in _LANGUAGES and (of := label(fields, whole)) is not None:
        language = _LANGUAGES[last]
        return Bilingual(zh=f"{of.zh}（{language.zh}）", en=f"{of.en} ({language.en})")
    if whole in fields and (keys := fields.get(whole).definition.keys) is not None:
        map_, taxonomy = fields.get(whole).label, fields.taxonomy
        name = Bilingual(zh=taxonomy.name(keys, last, "zh"), en=taxonomy.name(keys, last, "en"))
        return Bilingual(zh=f"{map_.zh}：{name.zh}", en=f"{map_.en}: {name.en}")
    return None


def vocabulary(fields: FieldCatalogue, column: str) -> str | None:
    """The scheme of the codes in the column."""
    if column in VOCABULARIES:
        return VOCABULARIES[column]
    return fields.get(column).definition.vocabulary if column in fields else None


def form(fields: FieldCatalogue, column: str, codec: Codec) -> Bilingual | None:
    """How a cell of the column is written, where that is not plain."""
    if column in fields and fields.get(column).definition.unit == "minor_unit":
        return _MINOR
    return next((said for kind, said in _FORMS if isinstance(codec, kind)), None)
