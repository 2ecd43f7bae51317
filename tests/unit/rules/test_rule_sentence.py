from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from matchmaker.rules import Fact, Span, parse, proof_sentence, prove, sentence

LABELS = {
    "offering.deployment": ("the deployment", "部署方式"),
    "offering.languages": ("the service language", "服务语言"),
    "offering.offline": ("offline use", "可离线使用"),
    "offering.attested": ("the date of attestation", "声明日期"),
    "package.price": ("the price", "价格"),
    "package.weeks": ("the lead time in weeks", "交付周数"),
    "profile.employees": ("the number of employees", "员工人数"),
    "profile.region": ("the firm's region", "企业所在地区"),
}
VALUES = {
    "on_premises": ("on premises", "本地部署"),
    "edge": ("edge", "边缘部署"),
    "public_cloud": ("public cloud", "公有云"),
    "zh": ("Chinese", "中文"),
    "en": ("English", "英文"),
    "65": ("Xinjiang", "新疆"),
    "21": ("Liaoning", "辽宁"),
    "210200": ("Dalian", "大连"),
    "all": ("no limit", "不限"),
}


@dataclass(frozen=True)
class Glossary:
    language: str

    def field(self, name: str) -> str:
        return LABELS[name][self.language == "zh"]

    def value(self, field: str, value: object) -> str:
        if isinstance(value, bool):
            return {"en": ("no", "yes"), "zh": ("否", "是")}[self.language][value]
        if isinstance(value, int):
            return f"{value // 100:,}" if field == "package.price" else f"{value:,}"
        return VALUES[value][self.language == "zh"] if value in VALUES else str(value)


ENGLISH, CHINESE = Glossary("en"), Glossary("zh")


def leaf(field: str, op: str, value: object = None) -> dict[str, object]:
    data: dict[str, object] = {"field": field, "op": op}
    return data if value is None else {**data, "value": value}


DEPLOYMENT = leaf("offering.deployment", "in", ["on_premises", "edge"])
PRICE = leaf("package.price", "lte", 20_000_000)
ENGLISH_SPOKEN = leaf("offering.languages", "overlaps", ["en"])
STAFF = leaf("profile.employees", "gte", 20)
OFFLINE = leaf("offering.offline", "is_true")
REGION_STATED = leaf("profile.region", "exists")

GOLDEN = [
    (
        DEPLOYMENT,
        "the deployment is one of: on premises, edge",
        "部署方式属于：本地部署、边缘部署之一",
    ),
    (
        leaf("offering.deployment", "in", ["edge"]),
        "the deployment is edge",
        "部署方式为边缘部署",
    ),
    (
        leaf("offering.deployment", "not_in", ["public_cloud"]),
        "the deployment is not public cloud",
        "部署方式不是公有云",
    ),
    (
        leaf("offering.deployment", "not_in", ["public_cloud", "edge"]),
        "the deployment is none of: public cloud, edge",
        "部署方式不属于：公有云、边缘部署中的任何一项",
    ),
    (ENGLISH_SPOKEN, "the service language includes English", "服务语言包括英文"),
    (
        leaf("offering.languages", "overlaps", ["zh", "en"]),
        "the service language includes at least one of: Chinese, English",
        "服务语言至少包括：中文、英文中的一项",
    ),
    (
        leaf("profile.region", "prefix_in", ["65"]),
        "the firm's region falls under Xinjiang",
        "企业所在地区在新疆范围内",
    ),
    (
        leaf("profile.region", "prefix_in", ["65", "21"]),
        "the firm's region falls under one of: Xinjiang, Liaoning",
        "企业所在地区在以下任一范围内：新疆、辽宁",
    ),
    (PRICE, "the price is at most 200,000", "价格不超过200,000"),
    (STAFF, "the number of employees is at least 20", "员工人数不低于20"),
    (
        leaf("package.weeks", "between", [2, 12]),
        "the lead time in weeks is between 2 and 12",
        "交付周数在2至12之间",
    ),
    (
        leaf("offering.attested", "before", "2027-03-01"),
        "the date of attestation is before 2027-03-01",
        "声明日期早于2027-03-01",
    ),
    (
        leaf("offering.attested", "after", "2026-01-01"),
        "the date of attestation is after 2026-01-01",
        "声明日期晚于2026-01-01",
    ),
    (REGION_STATED, "the firm's region is stated", "已填写企业所在地区"),
    (OFFLINE, "offline use is answered with yes", "可离线使用一项为“是”"),
    ({"not": REGION_STATED}, "the firm's region is not stated", "未填写企业所在地区"),
    ({"not": OFFLINE}, "offline use is answered with no", "可离线使用一项为“否”"),
    (
        {"not": PRICE},
        "it is not true that the price is at most 200,000",
        "并非（价格不超过200,000）",
    ),
    (
        {"all": [DEPLOYMENT, PRICE]},
        "the deployment is one of: on premises, edge; and the price is at most 200,000",
        "部署方式属于：本地部署、边缘部署之一，并且价格不超过200,000",
    ),
    (
        {"all": [PRICE, {"any": [ENGLISH_SPOKEN, STAFF]}]},
        (
            "the price is at most 200,000; and (the service language includes English; or the"
            " number of employees is at least 20)"
        ),
        "价格不超过200,000，并且（服务语言包括英文，或者员工人数不低于20）",
    ),
    (
        {"any": [{"not": {"all": [PRICE, STAFF]}}, ENGLISH_SPOKEN]},
        (
            "(it is not true that (the price is at most 200,000; and the number of employees is at"
            " least 20)); or the service language includes English"
        ),
        "（并非（价格不超过200,000，并且员工人数不低于20）），或者服务语言包括英文",
    ),
    (
        {"not": {"all": [{"any": [PRICE, STAFF]}]}},
        (
            "it is not true that (the price is at most 200,000; or the number of employees is at"
            " least 20)"
        ),
        "并非（价格不超过200,000，或者员工人数不低于20）",
    ),
    ({"any": [{"all": [PRICE]}]}, "the price is at most 200,000", "价格不超过200,000"),
    ({"all": []}, "nothing is asked", "不设条件"),
    ({"any": []}, "nothing can meet this", "任何情况都不符合"),
]


@pytest.mark.parametrize(("data", "english", "chinese"), GOLDEN)
def test_a_rule_is_said_in_both_languages(data: object, english: str, chinese: str) -> None:
    rule = parse(data)

    assert sentence(rule, ENGLISH) == english
    assert sentence(rule, CHINESE) == chinese


PROVEN: list[tuple[object, Fact, str, str]] = [
    (
        STAFF,
        9,
        "the number of employees is at least 20 [it is 9: no]",
        "员工人数不低于20〔实际为9：不符合〕",
    ),
    (
        STAFF,
        None,
        "the number of employees is at least 20 [not stated: unknown]",
        "员工人数不低于20〔未填写：尚不确定〕",
    ),
    (
        DEPLOYMENT,
        frozenset({"public_cloud", "edge"}),
        "the deployment is one of: on premises, edge [it is edge, public cloud: yes]",
        "部署方式属于：本地部署、边缘部署之一〔实际为边缘部署、公有云：符合〕",
    ),
    (
        DEPLOYMENT,
        frozenset({"all"}),
        "the deployment is one of: on premises, edge [it is no limit: yes]",
        "部署方式属于：本地部署、边缘部署之一〔实际为不限：符合〕",
    ),
    (
        leaf("package.weeks", "between", [2, 12]),
        Span(10, 14),
        "the lead time in weeks is between 2 and 12 [it is 10 to 14: no]",
        "交付周数在2至12之间〔实际为10至14：不符合〕",
    ),
    (
        leaf("offering.attested", "after", "2026-01-01"),
        date(2026, 10, 1),
        "the date of attestation is after 2026-01-01 [it is 2026-10-01: yes]",
        "声明日期晚于2026-01-01〔实际为2026-10-01：符合〕",
    ),
    (
        REGION_STATED,
        None,
        "the firm's region is stated [not stated: no]",
        "已填写企业所在地区〔未填写：不符合〕",
    ),
    (
        {"not": OFFLINE},
        False,
        "it is not true that offline use is answered with yes [it is no: no] – overall: yes",
        "并非（可离线使用一项为“是”〔实际为否：不符合〕）——总体：符合",
    ),
    ({"all": []}, None, "nothing is asked – overall: yes", "不设条件——总体：符合"),
]


@pytest.mark.parametrize(("data", "fact", "english", "chinese"), PROVEN)
def test_a_proof_says_the_fact_seen_and_the_answer(
    data: object, fact: Fact, english: str, chinese: str
) -> None:
    proof = prove(parse(data), lambda _field: fact)

    assert proof_sentence(proof, ENGLISH) == english
    assert proof_sentence(proof, CHINESE) == chinese


def test_a_proof_of_groups_marks_each_leaf_and_ends_with_the_whole() -> None:
    rule = parse({"all": [STAFF, {"any": [PRICE, {"not": REGION_STATED}]}]})
    facts: dict[str, Fact] = {"profile.employees": 86, "profile.region": "210200"}

    proof = prove(rule, facts.get)

    assert proof_sentence(proof, ENGLISH) == (
        "the number of employees is at least 20 [it is 86: yes]; and (the price is at most 200,000"
        " [not stated: unknown]; or (it is not true that the firm's region is stated [it is Dalian:"
        " yes])) – overall: unknown"
    )
    assert proof_sentence(proof, CHINESE) == (
        "员工人数不低于20〔实际为86：符合〕，并且（价格不超过200,000〔未填写：尚不确定〕，或者"
        "（并非（已填写企业所在地区〔实际为大连：符合〕）））——总体：尚不确定"
    )


def test_braces_in_a_value_are_only_text() -> None:
    rule = parse(leaf("offering.deployment", "in", ["{field}", "{0}"]))

    assert sentence(rule, ENGLISH) == "the deployment is one of: {field}, {0}"


def test_a_third_language_is_refused() -> None:
    rule = parse({"all": []})

    with pytest.raises(KeyError, match="fr"):
        sentence(rule, Glossary("fr"))
    with pytest.raises(KeyError, match="fr"):
        proof_sentence(prove(rule, lambda _field: None), Glossary("fr"))
