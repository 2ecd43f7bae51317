"""Why a declaration is refused: stable codes, each with its sentence in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Mapping[str, Bilingual] = {
    "unknown_type": Bilingual(
        zh="type 应为 provider 或 offering", en="type must be provider or offering"
    ),
    "unknown_code": Bilingual(
        zh="“{value}”不在代码表 {scheme} 中", en="{value!r} is no code of {scheme}"
    ),
    "repeated_code": Bilingual(zh="“{value}”重复出现", en="{value!r} is given twice"),
    "from_after_to": Bilingual(zh="起始值大于结束值", en="the start is greater than the end"),
    "half_range": Bilingual(zh="from 与 to 必须同时给出", en="from and to must be given together"),
    "amount_and_range": Bilingual(
        zh="amount 与 from、to 只能给出一种", en="give either amount or from and to, not both"
    ),
    "missing_package": Bilingual(zh="至少需要一个套餐", en="at least one package is needed"),
    "repeated_package": Bilingual(
        zh="套餐代码“{value}”重复", en="the package code {value!r} is used twice"
    ),
    "more_accepted_than_projects": Bilingual(
        zh="按期验收数大于项目数", en="more projects accepted than there were"
    ),
    "wrong_check_digit": Bilingual(
        zh="统一社会信用代码的校验位不正确",
        en="the check digit of the unified social credit code is wrong",
    ),
    "credit_code_taken": Bilingual(
        zh="该统一社会信用代码已属于另一机构",
        en="the unified social credit code belongs to another organisation",
    ),
    "wrong_form": Bilingual(zh="格式不正确", en="has a wrong form"),
    "repeated_external_id": Bilingual(
        zh="“{value}”已在第 {line} 行出现", en="{value!r} stands in line {line} already"
    ),
    "unknown_provider": Bilingual(
        zh="没有外部编号为“{value}”的服务商", en="there is no provider {value!r}"
    ),
    "not_importable": Bilingual(
        zh="该产品处于“{state}”状态，不能由导入发布",
        en="the offering is {state}: an import does not publish it",
    ),
    "not_your_organisation": Bilingual(zh="不是本组织", en="is not your organisation"),
    "organisations_fact": Bilingual(
        zh="自己的文件不更改组织本身的资料，请修改组织",
        en="your own file does not say who you are: change your organisation instead",
    ),
    "operators_word": Bilingual(
        zh="已核实的案例和交付记录不由服务商自述",
        en="cases and the record are not the provider's own to state",
    ),
    "kind_changed": Bilingual(
        zh="产品的类型为 {kind}，不能更改", en="the offering is of kind {kind}, which never changes"
    ),
    "not_editable": Bilingual(
        zh="该产品处于“{state}”状态（修改：{change}），目前不能编辑",
        en="the offering is {state} (its change: {change}): it takes no edit now",
    ),
    "unit_price_too_high": Bilingual(zh="单价过高", en="the price per unit is too high"),
    "other_kind": Bilingual(
        zh="attributes 的类型应为 {kind}", en="the attributes must be those of kind {kind}"
    ),
    "in_the_future": Bilingual(zh="日期不能晚于今天", en="must not be later than today"),
    "provider_not_verified": Bilingual(
        zh="服务商尚未通过核实", en="the provider is not verified yet"
    ),
    "validity_past": Bilingual(
        zh="有效期已于 {day} 结束", en="the offering was valid until {day} only"
    ),
    "invalid_rule": Bilingual(zh="规则有误：{zh}", en="the rule is wrong: {en}"),
}


def fault(pointer: str, code: str, **parts: str | int) -> FieldFault:
    """The fault ``code`` at ``pointer`` (``#/packages/0/price``), told with ``parts``."""
    reason = REASONS[code]
    return FieldFault(
        pointer, code, Bilingual(zh=reason.zh.format(**parts), en=reason.en.format(**parts))
    )
