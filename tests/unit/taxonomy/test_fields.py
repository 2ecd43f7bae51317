"""The field catalogue is complete, and says fields and values in both languages."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from matchmaker.rules.finding import FieldKind, FindingCode
from matchmaker.rules.lint import lint
from matchmaker.rules.sentence import sentence
from matchmaker.rules.tree import AllOf, Leaf, Op
from matchmaker.taxonomy import writing
from matchmaker.taxonomy.errors import FieldNotFound, SeedBroken
from matchmaker.taxonomy.fields import FieldCatalogue
from matchmaker.taxonomy.registry import Taxonomy, load

# What an import line, an inline profile and an inline need may hold.
OFFERING = """
external_id kind title summary industries regions deployment languages categories delivery_form
interfaces standards must visibility valid_from valid_to attested cases record record.accepted
record.projects offline person_days days_to_live data_export on_site readiness_level research_form
facility talent_form skills seats days certificate instrument amount rate_bp term_months collateral
"""
PACKAGE = "code title scales stages scenes levels weeks price"
PROFILE = """
industries region employees users machines sites revenue revenue.amount revenue.currency assets
assets.amount assets.currency scale stage scenes scenes.quality founded chain_role clusters systems
goals goals.quality yearly_budget yearly_budget.amount yearly_budget.currency must
"""
NEED = (
    "kind text scenes categories budget budget.amount budget.currency ready_by region deployment"
    " must prefer"
)
NAMED = {
    f"{owner}.{name}"
    for owner, names in (
        ("offering", OFFERING),
        ("package", PACKAGE),
        ("profile", PROFILE),
        ("need", NEED),
        ("provider", "kind region"),
        ("evidence", "certificates cases"),
    )
    for name in names.split()
}
CODED = {"set", "code"}
COUNTED = {"number", "span"}


def test_every_fact_that_the_contract_names_is_a_field(catalogue: FieldCatalogue) -> None:
    assert {name for name in NAMED if name not in catalogue} == set()
    owners = {"offering", "package", "profile", "need", "provider", "evidence"}
    assert {field.owner for field in catalogue} == owners


def test_a_field_has_what_its_type_demands(catalogue: FieldCatalogue, taxonomy: Taxonomy) -> None:
    open_sets = {"package.code", "profile.clusters"}
    for field in catalogue:
        told = field.definition
        if told.type in CODED and field.name not in open_sets:
            assert told.vocabulary in taxonomy.schemes, field.name
        if told.type in COUNTED:
            assert told.unit in taxonomy.codes("field_unit"), field.name
            assert told.minimum is not None
            assert (told.money is not None) == (told.unit == "minor_unit"), field.name
        if told.type == "money":
            assert f"{field.name}.amount" in catalogue
            assert f"{field.name}.currency" in catalogue
        if told.money is not None:
            assert catalogue.get(told.money).definition.vocabulary == "currency"
        if told.type == "map" and field.name != "offering.record":
            assert told.keys in taxonomy.schemes
        assert told.type in taxonomy.codes("field_type")
        assert told.stated_by in taxonomy.codes("field_source")
        assert told.seen_by in taxonomy.codes("field_audience")
        assert set(told.kinds or ()) <= taxonomy.codes("kind")
        assert field.owner in taxonomy.codes("field_owner")


def test_every_field_has_a_label_and_a_question_in_both_languages(
    catalogue: FieldCatalogue,
) -> None:
    for field in catalogue:
        assert re.search("[一-鿿]", field.label.zh), field.name
        assert re.fullmatch(r"[ -~“”]+", field.label.en), field.name
        assert field.phrase
        assert field.question.zh[-1] in "？。）", field.name
        assert field.question.en[-1] in "?.", field.name
        assert "{" not in field.question.zh + field.question.en + field.label.zh + field.label.en


def test_only_a_profile_or_a_need_is_asked_of_the_firm(catalogue: FieldCatalogue) -> None:
    for field in catalogue:
        firm = field.owner in {"profile", "need"}
        allowed = {"sme", "platform"} if firm else {"provider", "platform"}
        assert field.definition.stated_by in allowed, field.name


def test_every_scene_and_goal_is_a_field(catalogue: FieldCatalogue, taxonomy: Taxonomy) -> None:
    for scene in taxonomy.codes("sme_scene"):
        field = catalogue.get(f"profile.scenes.{scene}")
        assert (field.rule and field.rule.maximum) == 4
    assert all(f"profile.goals.{goal}" in catalogue for goal in taxonomy.codes("goal"))
    assert "profile.scenes.*" not in catalogue


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("offering.deployment", FieldKind.SET),
        ("offering.kind", FieldKind.CODE),
        ("offering.offline", FieldKind.FLAG),
        ("offering.attested", FieldKind.DATE),
        ("package.price", FieldKind.NUMBER),
        ("package.weeks", FieldKind.SPAN),
        ("need.text", FieldKind.TEXT),
        ("profile.scenes.quality", FieldKind.NUMBER),
    ],
)
def test_the_linter_is_told_the_kind_of_a_field(
    catalogue: FieldCatalogue, name: str, kind: FieldKind
) -> None:
    spec = catalogue.spec(name)
    assert spec is not None
    assert spec.kind is kind


def test_the_linter_knows_codes_and_limits(catalogue: FieldCatalogue, taxonomy: Taxonomy) -> None:
    def codes(rule: Leaf) -> list[FindingCode]:
        return [finding.code for finding in lint(rule, catalogue.spec)]

    assert codes(Leaf("offering.deployment", Op.IN, ("on_premises",))) == []
    assert codes(Leaf("offering.deployment", Op.IN, ("moon",))) == [FindingCode.UNKNOWN_CODE]
    assert codes(Leaf("profile.region", Op.PREFIX_IN, ("21",))) == []
    assert codes(Leaf("profile.employees", Op.GTE, 20)) == []
    assert FindingCode.VALUE_DOES_NOT_FIT in codes(Leaf("profile.employees", Op.GTE, -1))
    assert codes(Leaf("profile.colour", Op.EXISTS, None)) == [FindingCode.UNKNOWN_FIELD]
    assert codes(Leaf("profile.must", Op.EXISTS, None)) == [FindingCode.UNKNOWN_FIELD]
    spec = catalogue.spec("profile.clusters")
    assert spec is not None
    assert spec.codes is None
    assert catalogue.spec("offering.industries") is not None
    assert len(taxonomy.codes("gbt_4754_2017")) == 1971


def test_a_rule_is_a_sentence_in_both_languages(catalogue: FieldCatalogue) -> None:
    rule = AllOf(
        (
            Leaf("offering.deployment", Op.IN, ("on_premises", "edge")),
            Leaf("package.price", Op.LTE, 12_000_000),
            Leaf("need.ready_by", Op.BEFORE, "2027-03-01"),
        )
    )
    assert sentence(rule, catalogue.words("zh")) == (
        "部署方式属于：本地部署、边缘部署之一，并且首年总价不超过12万元，并且期望上线日期早于2027年3月1日"
    )
    assert sentence(rule, catalogue.words("en")) == (
        "the deployment is one of: On premises, Edge; and the price of the first year is at most "
        "CNY 120,000; and the date wanted by is before 1 March 2027"
    )


@pytest.mark.parametrize(
    ("field", "value", "zh", "en"),
    [
        ("offering.deployment", "all", "不限", "any"),
        ("offering.offline", True, "是", "yes"),
        ("offering.offline", False, "否", "no"),
        ("profile.employees", 1, "1人", "1 person"),
        ("profile.employees", 1200, "1,200人", "1,200 people"),
        ("package.weeks", 4, "4周", "4 weeks"),
        ("profile.founded", 2009, "2009年", "2009"),
        ("offering.rate_bp", 435, "4.35%", "4.35%"),
        ("profile.goals.cost", 0.25, "25%", "25%"),
        ("profile.scenes.quality", 2, "二级", "Level 2"),
        ("offering.readiness_level", 6, "6级", "level 6"),
        ("profile.revenue.amount", 3_200_000_000, "3,200万元", "CNY 32,000,000"),
        ("profile.revenue.amount", 12_345_678, "123,456.78元", "CNY 123,456.78"),
        ("profile.region", "210200", "大连市", "Dalian"),
        ("profile.region", "210211", "大连市", "Dalian"),
        ("profile.region", "65", "新疆维吾尔自治区", "Xinjiang"),
        ("profile.region", "990000", "990000", "990000"),
        (
            "profile.industries",
            "C3311",
            "金属结构制造（C3311）",
            "Structural metal products (C3311)",
        ),
        ("profile.industries", "C33", "金属制品业（C33）", "Manufacture of metal products (C33)"),
        ("need.ready_by", "2027-03-01", "2027年3月1日", "1 March 2027"),
        ("need.ready_by", dt.date(2027, 3, 1), "2027年3月1日", "1 March 2027"),
        ("need.ready_by", "soon", "soon", "soon"),
        ("profile.clusters", "gear_valley", "gear_valley", "gear_valley"),
        ("offering.kind", "gift", "gift", "gift"),
        ("no.field", 3, "3", "3"),
        ("no.field", "x", "x", "x"),
    ],
)
def test_a_value_is_said_as_a_reader_says_it(
    catalogue: FieldCatalogue, field: str, value: object, zh: str, en: str
) -> None:
    assert catalogue.words("zh").value(field, value) == zh
    assert catalogue.words("en").value(field, value) == en


def test_amounts_are_said_in_the_currency_of_the_need(catalogue: FieldCatalogue) -> None:
    assert catalogue.words("en", currency="EUR").value("package.price", 150) == "EUR 1.5"
    assert catalogue.words("zh", currency="JPY").value("package.price", 20_000) == "2万日元"


def test_an_unknown_field_stands_as_it_is_and_is_refused_when_asked_for(
    catalogue: FieldCatalogue,
) -> None:
    assert catalogue.words("zh").field("profile.colour") == "profile.colour"
    with pytest.raises(FieldNotFound):
        catalogue.question("profile.colour", "en")
    assert catalogue.question("profile.employees", "zh") == "贵企业现在有多少名员工？"


@pytest.mark.parametrize(
    ("amount", "zh"),
    [
        (10_000, "1万元"),
        (9_999, "9,999元"),
        (10_050, "10,050元"),
        (12_500, "1.25万元"),
        (10**8, "1亿元"),
    ],
)
def test_chinese_money_is_rounded_nowhere(amount: int, zh: str) -> None:
    written = writing.money(Decimal(amount), "zh", currency="CNY", unit_zh="元")
    assert written == zh


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("vocabulary: kind,", "vocabulary: kin,"),
        ("name: offering.title", "name: offering.kind"),
        (
            'keys: goal, stated_by: sme, seen_by: introduced,\n   label: {zh: "目标',
            'stated_by: sme, seen_by: introduced,\n   label: {zh: "目标',
        ),
        ("money: need.budget.currency", "money: need.budget.colour"),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(
    seeds: Path, tmp_path: Path, old: str, new: str
) -> None:
    folder = Path(shutil.copytree(seeds, tmp_path / "taxonomy"))
    text = (folder / "fields.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "fields.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SeedBroken):
        FieldCatalogue(load(folder))
