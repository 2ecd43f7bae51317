"""Score and level of the 2024 questionnaire, and the stage behind every maturity scheme's value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.taxonomy import maturity
from matchmaker.taxonomy.documents import Questionnaire
from matchmaker.taxonomy.errors import AnswerOutOfRange, CodeNotFound
from matchmaker.taxonomy.registry import Taxonomy


@pytest.fixture(scope="session")
def questionnaire(taxonomy: Taxonomy) -> Questionnaire:
    return taxonomy.questionnaire("cn_miit_sme_2024")


@pytest.fixture(scope="session")
def binding(taxonomy: Taxonomy, questionnaire: Questionnaire) -> frozenset[str]:
    return maturity.binding_scenes(taxonomy, questionnaire)


def test_the_score_vectors_hold(vectors: dict[str, Any], questionnaire: Questionnaire) -> None:
    assert len(vectors["sme2024_score"]) == 3
    for case in vectors["sme2024_score"]:
        found = maturity.score(questionnaire, case["answers"])
        assert found.total == case["out"]
        assert found.unanswered == ()


def test_the_level_vectors_hold(
    vectors: dict[str, Any], questionnaire: Questionnaire, binding: frozenset[str]
) -> None:
    assert len(vectors["sme2024_level"]) == 14
    for case in vectors["sme2024_level"]:
        total = Decimal(case["score"])
        assert maturity.level(questionnaire, total, case["scenes"], binding) == case["out"], case


def test_ten_scenes_are_binding(binding: frozenset[str]) -> None:
    assert len(binding) == 10


def test_the_points_add_up(questionnaire: Questionnaire) -> None:
    assert sum(part.points for part in questionnaire.parts) == 100
    for part in questionnaire.parts:
        assert sum(question.points for question in part.questions) == part.points
        for question in part.questions:
            options = [option.points for option in question.options]
            best = sum(options) if question.type == "multi" else max(options, default=Decimal(0))
            bands = [points for _, points in question.bands]
            assert question.points == (max(bands) if bands else best), question.code


@pytest.mark.parametrize(
    ("percent", "points"),
    [
        ("0", "0"),
        ("10", "0"),
        ("10.01", "1.5"),
        ("20", "1.5"),
        ("40", "3"),
        ("60", "4.5"),
        ("61", "6"),
    ],
)
def test_a_band_holds_its_upper_end(
    questionnaire: Questionnaire, percent: str, points: str
) -> None:
    found = maturity.score(questionnaire, {"f2": Decimal(percent)})
    assert found.total == Decimal(points)
    assert len(found.unanswered) == 14


@pytest.mark.parametrize(
    "answers",
    [
        {"f1": ["none", "industrial_5g"]},
        {"f1": ["industrial_5g", "industrial_5g"]},
        {"f1": ["telepathy"]},
        {"f1": []},
        {"f1": 3},
        {"f5": ["one_link", "all"]},
        {"f2": 101},
        {"f2": -1},
        {"f2": "half"},
        {"f2": True},
        {"f9": "none"},
    ],
)
def test_an_answer_that_a_question_does_not_have_is_refused(
    questionnaire: Questionnaire, answers: dict[str, Any]
) -> None:
    with pytest.raises(AnswerOutOfRange):
        maturity.score(questionnaire, answers)


@given(data=st.data())
def test_more_points_or_higher_scenes_never_lower_the_level(
    data: st.DataObject, taxonomy: Taxonomy
) -> None:
    questionnaire = taxonomy.questionnaire("cn_miit_sme_2024")
    binding = maturity.binding_scenes(taxonomy, questionnaire)
    scenes = {code: data.draw(st.integers(0, 4)) for code in taxonomy.scheme("sme_scene").entries}
    points = data.draw(st.decimals(0, 100, places=2))
    more = data.draw(st.decimals(0, 100, places=2).map(lambda extra: points + extra))
    higher = {code: data.draw(st.integers(at, 4)) for code, at in scenes.items()}
    before = maturity.level(questionnaire, points, scenes, binding)
    assert maturity.level(questionnaire, more, higher, binding) >= before


@pytest.mark.parametrize(
    ("scheme", "value", "stage"),
    [
        ("cn_miit_sme_2024", "3", "integrated"),
        ("cn_miit_sme_2024", "5", None),
        ("cn_miit_sme_2022", "19.9", "not_started"),
        ("cn_miit_sme_2022", "20", "tool_assisted"),
        ("cn_miit_sme_2022", "100", "data_driven"),
        ("cn_miit_sme_2022", "101", None),
        ("gbt_39116_2020", "3", "integrated"),
        ("gbt_39116_2020", "3.55", "integrated"),
        ("gbt_39116_2020", "0.79", "not_started"),
        ("gbt_39116_2020", "0.8", "tool_assisted"),
        ("gbt_39116_2020", "4.8", "leading"),
        ("gbt_39116_2020", "6", None),
        ("cn_smart_factory", "excellent", "data_driven"),
        ("cn_smart_factory", "2", None),
        ("jx_four_level_ten_grade", "7", "integrated"),
        ("zj_digital_1_4", "2.0", "standardised"),
        ("siri", "3.99", "integrated"),
        ("siri", "-0.5", None),
        ("siri", "NaN", None),
        ("eu_dma", "26", "standardised"),
        ("eu_dma", "high", None),
    ],
)
def test_a_raw_value_leads_to_a_stage(
    taxonomy: Taxonomy, scheme: str, value: str, stage: str | None
) -> None:
    assert maturity.stage(taxonomy, scheme, value) == stage


def test_an_unknown_maturity_scheme_is_named(taxonomy: Taxonomy) -> None:
    with pytest.raises(CodeNotFound):
        maturity.stage(taxonomy, "horoscope", "1")
