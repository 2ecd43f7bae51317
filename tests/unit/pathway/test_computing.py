"""Ways over a small pool: what is told of a firm, and what follows from its facts."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import msgspec
import pytest
import yaml
from tests import vectors
from tests.factories import SEEDS
from tests.profiles import checker, fields

from matchmaker.pathway import released
from matchmaker.pathway.comparing import moved
from matchmaker.pathway.computing import Asked, Cited, Way, compute, value_of
from matchmaker.pathway.position import Facts, archetype, position
from matchmaker.pathway.released import RulesBroken, Wayfinder
from matchmaker.pathway.service import need_of
from matchmaker.pathway.wording import Speaker
from matchmaker.policy.guides import released as guides
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.policy.guides.released import General
from matchmaker.ranking.card import card_from
from matchmaker.ranking.facts import OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.vocabulary import Vocabulary

DAY = dt.date(2026, 11, 30)
YEAR = 10_000_00


@cache
def general() -> General:
    return guides.load(SEEDS, checker())


@cache
def wayfinder() -> Wayfinder:
    return released.load(SEEDS, fields(), general())


@cache
def pool(
    *, without: str | None = None, cost: int = YEAR, both: tuple[str, ...] = (), price: int = YEAR
) -> Index:
    """A package for each level of each scene but ``without``, dearer from level to level.

    And one package at ``price`` that takes the scenes ``both`` from 0 to 3.
    """
    scenes = wayfinder().form.scenes
    vocabulary = Vocabulary(
        ("micro", "small", "medium", "large"), tuple(wayfinder().strategies.stages), scenes, {}
    )
    offerings = [
        OfferingFacts(
            offering_id=f"{scene}-{level}",
            provider_id="p",
            kind="solution",
            packages=(
                PackageFacts(
                    code="p",
                    levels={scene: (level, level + 1)},
                    price=PriceCard("CNY", (PricePart("yearly", cost * (level + 1)),)),
                    weeks=(2, 4 * (level + 1)),
                ),
            ),
        )
        for scene in scenes
        for level in range(4)
        if scene != without
    ]
    if both:
        whole = PackageFacts(
            code="p",
            levels=dict.fromkeys(both, (0, 3)),
            price=PriceCard("CNY", (PricePart("yearly", price),)),
        )
        offerings.append(
            OfferingFacts(offering_id="both", provider_id="p", kind="solution", packages=(whole,))
        )
    card = card_from(yaml.safe_load(vectors.CARD.read_text(encoding="utf-8")), vocabulary)
    return build(offerings, card.text, vocabulary=vocabulary)


def facts(**more: object) -> Facts:
    said: dict[str, object] = {
        "scale": "small",
        "stage": "tool_assisted",
        "goals": {"quality": 0.7, "energy": 0.3},
        "scenes": dict.fromkeys(wayfinder().form.scenes, 1),
        "level": 1,
    }
    return msgspec.convert({**said, **more}, Facts)


def way(index: Index | None = None, **more: object) -> Way:
    asked: dict[str, object] = {"facts": facts(), "as_of": DAY, **more}
    return compute(wayfinder(), Asked(**asked), index or pool())  # type: ignore[arg-type]


def steps_of(found: Way) -> list[tuple[str, int, int]]:
    return [(each.scene, each.start, each.end) for phase in found.phases for each in phase.steps]


class TestPosition:
    def test_the_next_level_is_aimed_at_and_its_rule_says_what_lacks(self) -> None:
        found = position(wayfinder(), facts(), None)
        assert (found.level, found.target, found.archetype) == (1, 2, "small")
        assert (found.gaps.scene_level, found.gaps.scenes, found.gaps.binding) == (2, 6, 3)
        assert found.gaps.points is None
        assert found.strengths == []

    def test_strengths_are_scenes_where_the_target_asks_them(self) -> None:
        scenes = {**facts().scenes, "energy": 3, "finance": 2}
        found = position(wayfinder(), facts(scenes=scenes), None)
        assert found.strengths == ["energy", "finance"]
        assert (found.gaps.scenes, found.gaps.binding) == (4, 1)

    def test_points_are_told_where_every_question_was_answered(self) -> None:
        answers = dict.fromkeys(("f5", "m1"), "none")
        assert position(wayfinder(), facts(answers=answers), None).gaps.points is None
        questions = [q for p in wayfinder().form.questionnaire.parts for q in p.questions]
        worst = {
            q.code: 0
            if q.type == "band_percent"
            else min(q.options, key=lambda option: option.points).code
            for q in questions
        }
        assert position(wayfinder(), facts(answers=worst), None).gaps.points == "40"

    @pytest.mark.parametrize(
        ("role", "scale", "code"),
        [
            ("leader", "micro", "chain_leader"),
            ("tier1", "large", "large"),
            (None, "medium", "medium"),
            (None, "small", "small"),
            (None, "micro", "micro"),
            ("tier1", None, "unknown"),
        ],
    )
    def test_the_kind_of_firm_is_its_role_and_scale(
        self, role: str | None, scale: str | None, code: str
    ) -> None:
        assert archetype(wayfinder(), facts(chain_role=role, scale=scale)).code == code

    def test_who_has_stated_nothing_stands_at_nothing_and_is_asked(self) -> None:
        found = position(wayfinder(), Facts(), None)
        assert (found.level, found.target, len(found.unknown)) == (0, 1, 16)


class TestWay:
    def test_it_reaches_the_target_at_the_least_cost(self) -> None:
        found = way()
        assert found.reaches
        assert found.stopped is None
        assert len(steps_of(found)) == 6
        assert found.cost == 6 * 2 * YEAR
        binding = [s for s, _, _ in steps_of(found) if s in wayfinder().form.binding]
        assert len(binding) >= 3
        assert found.gaps == []

    def test_budgets_put_steps_off_and_are_kept(self) -> None:
        found = way(budgets=[5 * YEAR, 5 * YEAR, 4 * YEAR])
        assert found.reaches
        assert [phase.cost for phase in found.phases] == [4 * YEAR] * 3
        assert all(
            phase.budget is not None and phase.cost <= phase.budget for phase in found.phases
        )

    def test_a_budget_that_is_too_small_is_what_stops_it(self) -> None:
        found = way(budgets=[4 * YEAR, 4 * YEAR])
        assert found.stopped is not None
        assert (found.stopped.reason, found.stopped.cost) == ("budget", 12 * YEAR)
        assert len(steps_of(found)) == 4, "it comes as close as it can"

    def test_a_pool_without_offerings_is_what_stops_it(self) -> None:
        scenes = dict.fromkeys(("energy", "finance", "quality", "safety", "equipment"), 1)
        few = facts(scenes={**dict.fromkeys(wayfinder().form.scenes, 0), **scenes})
        empty = build([], _weights(), vocabulary=_vocabulary())
        found = way(empty, facts=few, target=1)
        assert found.stopped is not None
        assert (found.stopped.reason, found.stopped.cost) == ("supply", None)
        assert found.stopped.scenes == 1
        assert {gap.scene for gap in found.gaps} == set(few.scenes) - set(scenes)
        assert {gap.offerings for gap in found.gaps} == {0}

    def test_what_must_stand_before_comes_before(self) -> None:
        found = way(target=4)
        levels = dict(facts().scenes)
        for scene, start, end in steps_of(found):
            assert levels[scene] == start
            for demand in wayfinder().demands:
                if demand.scene == scene and start < demand.level <= end:
                    assert levels[demand.needed] >= demand.least
            levels[scene] = end

    def test_entry_points_are_three_at_most_and_serve_the_goals_first(self) -> None:
        found = way()
        assert len(found.entries) == 3
        assert found.entries == sorted(found.entries, key=lambda each: -each.score)
        steps = {each.number: each for phase in found.phases for each in phase.steps}
        assert all(not steps[each.step].needs for each in found.entries)
        assert steps[found.entries[0].step].scene in {"quality", "production_control"}
        assert found.entries[0].goals == ["quality"]

    def test_a_step_names_the_typical_scenarios_of_its_scene_and_classes_of_standards(self) -> None:
        steps = {each.scene: each for phase in way().phases for each in phase.steps}
        assert steps["quality"].scenarios == ["im24", "im25", "im26"]
        assert steps["quality"].standards == ["smart_factory", "testing"]
        named = [wayfinder().scenarios(scene) for scene in wayfinder().form.scenes]
        assert sum(map(len, named)) == 40, "every scenario stands for one scene"

    def test_a_guide_orders_what_is_as_good_and_nothing_else(self) -> None:
        """Four scenes of one score: the guide says which come first, and raises none above."""
        same = facts(goals={}, scenes=dict.fromkeys(wayfinder().form.scenes, 1))
        plain = way(facts=same)
        steps = {each.number: each for phase in plain.phases for each in phase.steps}
        alike = [each.scene for each in steps.values() if not each.needs]
        assert len({each.score for each in plain.entries}) == 1, "they are all as good"
        terms = msgspec.structs.replace(general().guide, scenes=alike[::-1])
        guided = way(facts=same, guides=[_cited(terms)])
        assert [steps[each.step].scene for each in guided.entries] == alike[::-1][:3]
        assert [each.score for each in guided.entries] == [each.score for each in plain.entries]
        wanted = way(facts=facts())
        unlike = [steps_of(wanted)[each.step - 1][0] for each in wanted.entries]
        turned = way(facts=facts(), guides=[_cited(terms)])
        assert turned.entries[0].score == wanted.entries[0].score
        assert steps_of(turned)[turned.entries[0].step - 1][0] in unlike

    def test_a_scene_that_nobody_rated_is_planned_for_and_said(self) -> None:
        found = way(facts=facts(scenes={"quality": 0}, level=0))
        assumed = {s.scene for phase in found.phases for s in phase.steps if s.assumed}
        assert assumed == {scene for scene, _, _ in steps_of(found)} - {"quality"}

    def test_the_same_facts_give_the_same_way(self) -> None:
        assert way(budgets=[6 * YEAR] * 3) == way(budgets=[6 * YEAR] * 3)

    def test_what_a_firm_wants_is_worth_more(self) -> None:
        assert value_of(wayfinder(), facts(), "quality") == 790
        assert value_of(wayfinder(), facts(), "energy") == 510
        assert value_of(wayfinder(), facts(), "human_resources") == 200


class TestTogether:
    """One package for two scenes at the price of one and a half."""

    BOTH = ("quality", "energy")

    def test_it_is_paid_once_and_both_steps_say_so(self) -> None:
        found = way(pool(both=self.BOTH, price=3 * YEAR))
        assert found.proven
        assert found.cost == (4 * 2 + 3) * YEAR == sum(phase.cost for phase in found.phases)
        steps = {each.scene: each for phase in found.phases for each in phase.steps}
        first, second = sorted((steps[scene] for scene in self.BOTH), key=lambda s: s.number)
        assert first.together == second.together == [first.number, second.number]
        assert (first.cost, second.cost, second.upper) == (3 * YEAR, 0, 0)
        assert all(not step.together for scene, step in steps.items() if scene not in self.BOTH)

    def test_control_at_the_price_of_two_each_is_bought_alone(self) -> None:
        found = way(pool(both=self.BOTH, price=4 * YEAR))
        assert found.cost == way().cost
        assert all(not step.together for phase in found.phases for step in phase.steps)

    def test_its_steps_fit_a_year_that_each_alone_would_not(self) -> None:
        budgets = [11 * YEAR]
        assert way(pool(both=self.BOTH, price=3 * YEAR), budgets=budgets).reaches
        assert not way(budgets=budgets).reaches

    def test_the_need_of_one_step_is_that_of_the_package(self) -> None:
        found = way(pool(both=self.BOTH, price=3 * YEAR))
        step = next(each for phase in found.phases for each in phase.steps if each.together)
        for number in step.together:
            need = need_of(found, Asked(facts=facts(), as_of=DAY), number, checker())
            assert sorted(need.scenes or ()) == sorted(self.BOTH)
            assert need.budget is not None
            assert need.budget.amount >= 3 * YEAR

    def test_reasons_say_what_else_it_does(self) -> None:
        asked = Asked(facts=facts(goals={"energy": 0.6, "quality": 0.4}), as_of=DAY)
        found = compute(wayfinder(), asked, pool(both=self.BOTH, price=3 * YEAR))
        for language, words in (("en", "paid once"), ("zh", "只付一次费用")):
            told = Speaker(wayfinder(), language).way(found, asked)  # type: ignore[arg-type]
            said = {
                entry.scene.code: " ".join(entry.reasons)
                for entry in told.entry_points
                if entry.scene.code in self.BOTH
            }
            assert said, "one of them is where to begin"
            assert all(words in each for each in said.values())


class TestMoved:
    def test_a_step_that_is_done_is_told_as_done(self) -> None:
        before = way()
        scene, _, end = steps_of(before)[0]
        scenes = {**facts().scenes, scene: end}
        after = way(facts=facts(scenes=scenes))
        told = moved(before, after, scenes)
        assert [(shift.kind, shift.scene) for shift in told if shift.kind == "done"] == [
            ("done", scene)
        ]

    def test_budgets_that_shrink_move_phases(self) -> None:
        before = way(budgets=[12 * YEAR])
        after = way(budgets=[4 * YEAR] * 3)
        told = moved(before, after, facts().scenes)
        assert {shift.kind for shift in told} == {"phase"}
        assert len(told) == 4

    def test_a_pool_that_got_dearer_changes_costs(self) -> None:
        told = moved(way(), way(pool(cost=2 * YEAR)), facts().scenes)
        assert {shift.kind for shift in told} == {"cost"}
        assert moved(way(), way(), facts().scenes) == [], "the control: nothing has moved"


class TestReleased:
    def test_demands_go_up_only(self) -> None:
        assert all(demand.least < demand.level for demand in wayfinder().demands)

    def test_a_rule_about_a_scene_that_there_is_not_is_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "pathway"
        folder.mkdir()
        for name in ("plan.yaml", "strategies.yaml"):
            said = (SEEDS / "pathway" / name).read_text()
            (folder / name).write_text(said.replace("  energy: [energy]", "  energy: [nothing]"))
        with pytest.raises(RulesBroken, match="nothing"):
            released.load(tmp_path, fields(), general())


def _cited(terms: GuideTerms) -> Cited:
    return Cited(id=general().id, terms=terms)


def _vocabulary() -> Vocabulary:
    stages = tuple(wayfinder().strategies.stages)
    return Vocabulary(("micro", "small", "medium", "large"), stages, wayfinder().form.scenes, {})


def _weights() -> TextWeights:
    return card_from(yaml.safe_load(vectors.CARD.read_text(encoding="utf-8")), _vocabulary()).text
