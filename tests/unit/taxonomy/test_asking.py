"""The adaptive questionnaire: fewer questions, the same level, whatever the others would say."""

from __future__ import annotations

import itertools
import json
import random
import statistics
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import SEEDS, taxonomy

from matchmaker.enterprise.assessments.policy import load
from matchmaker.taxonomy import asking, maturity
from matchmaker.taxonomy.asking import Asked, Form, Hint, Topic
from matchmaker.taxonomy.documents import Question
from matchmaker.taxonomy.errors import AnswerOutOfRange

FORM = asking.form_of(taxonomy(), taxonomy().questionnaire("cn_miit_sme_2024"))
QUESTIONS = {
    question.code: question for part in FORM.questionnaire.parts for question in part.questions
}
FIRMS = [json.loads(line) for line in (SEEDS / "demo/assessments.jsonl").read_text().splitlines()]
STATED = {
    firm["external_id"]: firm["profile"]
    for firm in map(json.loads, (SEEDS / "demo/smes.jsonl").read_text().splitlines())
}
SHARES = load(SEEDS).expected_shares
MOST_ASKED = 0.6


def worst_and_best(question: Question) -> tuple[Any, Any]:
    """The answers with the fewest and the most points."""
    if question.type == "band_percent":
        return 0, 100
    options = sorted(question.options, key=lambda option: option.points)
    if question.type == "single":
        return options[0].code, options[-1].code
    return ["none"], [option.code for option in options if option.code != "none"]


def hint_of(firm: Mapping[str, Any]) -> Hint:
    profile = STATED[firm["firm"]]
    rank = taxonomy().entry("stage", profile["stage"] or "tool_assisted").rank
    return Hint(level=min(rank or 0, 4), shares=SHARES, scenes=profile["scenes"] or {})


def interviewed(
    answers: Mapping[str, Any], scenes: Mapping[str, int], hint: Hint, read: frozenset[str]
) -> tuple[dict[str, Any], dict[str, int]]:
    """What a firm has said when nothing is left that is worth asking."""
    said: dict[str, Any] = {}
    levels: dict[str, int] = {}
    while asked := asking.worth_asking(FORM, said, levels, read=read, hint=hint):
        first = asked[0]
        if first.topic is Topic.SCENE:
            levels[first.code] = scenes[first.code]
        else:
            said[first.code] = answers[first.code]
    return said, levels


def whole_level(answers: Mapping[str, Any], scenes: Mapping[str, int]) -> int:
    total = maturity.score(FORM.questionnaire, answers).total
    return maturity.level(FORM.questionnaire, total, scenes, FORM.binding)


class TestDemoFirms:
    def test_every_firm_has_the_level_of_all_its_answers(self) -> None:
        assert len(FIRMS) == len(STATED)
        for firm in FIRMS:
            said, levels = interviewed(
                firm["answers"], firm["scenes"], hint_of(firm), frozenset[str]()
            )
            found = asking.standing(FORM, said, levels)
            assert found.level == whole_level(firm["answers"], firm["scenes"])

    def test_the_median_firm_is_asked_at_most_three_fifths(self) -> None:
        shares = []
        for firm in FIRMS:
            said, levels = interviewed(
                firm["answers"], firm["scenes"], hint_of(firm), frozenset[str]()
            )
            shares.append((len(said) + len(levels)) / FORM.size)
        assert FORM.size == len(QUESTIONS) + 16 == 31
        assert statistics.median(shares) <= MOST_ASKED

    def test_control_asking_in_the_order_of_the_paper_takes_more(self) -> None:
        shares = []
        for firm in FIRMS:
            said: dict[str, Any] = {}
            levels: dict[str, int] = {}
            for code in QUESTIONS:
                if asking.standing(FORM, said, levels).level is None:
                    said[code] = firm["answers"][code]
            for code in FORM.scenes:
                if asking.standing(FORM, said, levels).level is None:
                    levels[code] = firm["scenes"][code]
            shares.append((len(said) + len(levels)) / FORM.size)
        assert statistics.median(shares) > MOST_ASKED

    def test_what_was_skipped_changes_nothing_whatever_it_would_be(self) -> None:
        """By bounds for all at once, and by every answer of every skipped question alone."""
        for firm in FIRMS:
            said, levels = interviewed(
                firm["answers"], firm["scenes"], hint_of(firm), frozenset[str]()
            )
            level = asking.standing(FORM, said, levels).level
            ends = []
            for end in (0, 1):
                answers = {code: worst_and_best(QUESTIONS[code])[end] for code in QUESTIONS}
                scenes = dict.fromkeys(FORM.scenes, (0, asking.HIGHEST)[end])
                ends.append(whole_level({**answers, **said}, {**scenes, **levels}))
            assert ends == [level, level]
            for code in FORM.scenes:
                for at in range(asking.HIGHEST + 1):
                    tried = {**firm["scenes"], code: at, **levels}
                    assert whole_level({**firm["answers"], **said}, tried) == level

    def test_control_who_stops_a_question_early_does_not_know_the_level(self) -> None:
        for firm in FIRMS:
            said, levels = interviewed(
                firm["answers"], firm["scenes"], hint_of(firm), frozenset[str]()
            )
            last = [*said, *levels][-1]
            early = {code: answer for code, answer in said.items() if code != last}
            fewer = {code: level for code, level in levels.items() if code != last}
            assert asking.worth_asking(FORM, said, levels) == []
            if asking.standing(FORM, early, fewer).level is None:
                return
        pytest.fail("no firm's last question was needed")


def test_scenes_that_a_match_reads_are_asked_whatever_the_level_is() -> None:
    read = frozenset({"human_resources", "collaborative_office"})
    firm = FIRMS[0]
    _, without = interviewed(firm["answers"], firm["scenes"], hint_of(firm), frozenset[str]())
    _, levels = interviewed(firm["answers"], firm["scenes"], hint_of(firm), read)
    assert read <= levels.keys()
    assert not read <= without.keys(), "the control: the level alone does not need them"


def test_nothing_is_asked_twice_and_the_first_is_among_the_useful() -> None:
    rng = random.Random(8)  # noqa: S311  (the same every time)
    for _ in range(50):
        levels = {code: rng.randint(0, 4) for code in rng.sample(FORM.scenes, rng.randint(0, 16))}
        asked = asking.worth_asking(FORM, {}, levels)
        assert len(set(asked)) == len(asked)
        assert not {each.code for each in asked} & levels.keys()


def test_a_settled_level_ends_the_questions() -> None:
    scenes = dict.fromkeys(FORM.scenes, 0)
    assert asking.standing(FORM, {}, scenes).level == 0
    assert asking.worth_asking(FORM, {}, scenes) == []


answers_drawn = st.fixed_dictionaries(
    {
        code: st.integers(0, 100)
        if question.type == "band_percent"
        else st.sampled_from([option.code for option in question.options])
        if question.type == "single"
        else st.sampled_from(
            [["none"], *[[o.code] for o in question.options[1:]], worst_and_best(question)[1]]
        )
        for code, question in QUESTIONS.items()
    }
)
scenes_drawn = st.fixed_dictionaries({code: st.integers(0, 4) for code in FORM.scenes})


@settings(max_examples=60, deadline=None)
@given(answers=answers_drawn, scenes=scenes_drawn, level=st.integers(0, 4))
def test_any_firm_has_the_level_of_all_its_answers(
    answers: dict[str, Any], scenes: dict[str, int], level: int
) -> None:
    said, levels = interviewed(answers, scenes, Hint(level=level, shares=SHARES), frozenset[str]())
    assert asking.standing(FORM, said, levels).level == whole_level(answers, scenes)


def test_bounds_are_those_of_every_completion() -> None:
    """On a form of three scenes and two questions every completion is tried."""
    small = _small()
    known: dict[str, int] = {"quality": 2}
    found = asking.standing(small, {"m1": "plan_in_place"}, known)
    levels = set()
    for energy, safety in itertools.product(range(5), repeat=2):
        for option in QUESTIONS["f5"].options:
            answers: dict[str, Any] = {"m1": "plan_in_place", "f5": option.code}
            total = maturity.score(small.questionnaire, answers).total
            scenes = {**known, "energy": energy, "safety": safety}
            levels.add(maturity.level(small.questionnaire, total, scenes, small.binding))
    assert (min(levels), max(levels)) == (found.low, found.high)
    assert found.most - found.least == Decimal(10)
    assert Asked(Topic.SCENE, "energy") in asking.worth_asking(small, {}, known)


def _small() -> Form:
    """A form of two questions and three scenes, where two scenes and 12 points are level 1."""
    parts = [
        type(part)(
            code=part.code,
            labels=part.labels,
            points=part.points,
            questions=tuple(q for q in part.questions if q.code in {"m1", "f5"}),
        )
        for part in FORM.questionnaire.parts
    ]
    rule = FORM.questionnaire.levels[-1]
    levels = tuple(
        type(rule)(
            level=level,
            min_score=Decimal(6 * level),
            scene_level=level,
            min_scenes=2,
            min_binding=1,
        )
        for level in (1, 2)
    )
    whole = FORM.questionnaire
    made = type(whole)(
        header=whole.header,
        code=whole.code,
        labels=whole.labels,
        scheme=whole.scheme,
        table=whole.table,
        parts=tuple(parts),
        scenes=whole.scenes,
        levels=levels,
    )
    return Form(made, ("quality", "energy", "safety"), frozenset({"quality", "energy"}))


def test_a_question_that_the_form_does_not_have_is_refused() -> None:
    with pytest.raises(AnswerOutOfRange):
        asking.standing(FORM, {"x9": "none"}, {})
