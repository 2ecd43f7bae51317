"""What follows from a firm's facts: its size by the rules, and how much of it is known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import taxonomy
from tests.profiles import FACTS, SCENES, VALUES, cny, fields, whole

from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.enterprise.derived import ELIGIBLE, asked_of_a_firm, derive, size_of

KNOWN_AT_FIRST = ProfileFacts(industries=["C3311"], employees=86, revenue=cny(32_000_000))


class TestSize:
    def test_figures_that_suffice_decide_against_the_declaration(self) -> None:
        stated = msgspec.structs.replace(KNOWN_AT_FIRST, scale="large")
        found = size_of(taxonomy(), stated)
        assert (found.scale, found.basis) == ("small", "computed")
        assert (found.scheme, found.edition) == ("cn_nbs_2017", "2017")

    def test_the_declaration_goes_before_an_estimate(self) -> None:
        stated = ProfileFacts(industries=["C3311"], employees=86, scale="medium")
        found = size_of(taxonomy(), stated)
        assert (found.scale, found.basis, found.scheme) == ("medium", "declared", None)

    def test_without_either_it_is_estimated_by_the_scheme(self) -> None:
        found = size_of(taxonomy(), ProfileFacts(industries=["C3311"], employees=86))
        assert (found.scale, found.basis, found.scheme) == ("small", "estimated", "cn_nbs_2017")

    def test_nothing_known_is_no_size_and_no_basis(self) -> None:
        found = size_of(taxonomy(), ProfileFacts())
        assert (found.scale, found.basis, found.scheme, found.edition) == (None,) * 4

    def test_the_first_industry_counts(self) -> None:
        for industries, expected in ((["F5111", "C3311"], "medium"), (["C3311", "F5111"], "small")):
            figures = ProfileFacts(industries=industries, employees=86, revenue=cny(60_000_000))
            assert size_of(taxonomy(), figures).scale == expected

    def test_every_basis_is_of_the_vocabulary(self) -> None:
        assert set(taxonomy().scheme("scale_basis").entries) >= ELIGIBLE

    @given(FACTS)
    def test_a_size_has_a_basis_and_only_a_scheme_of_the_figures(self, facts: ProfileFacts) -> None:
        found = size_of(taxonomy(), facts)
        assert (found.scale is None) == (found.basis is None)
        assert (found.scheme is None) == (found.basis in {None, "declared"})
        assert (found.scheme is None) == (found.edition is None)


class TestAsked:
    def test_every_scene_is_a_question_and_an_amount_is_one(self) -> None:
        asked = asked_of_a_firm(fields())
        assert "profile.scenes.quality" in asked
        assert "profile.revenue" in asked
        assert "profile.goals" in asked
        assert not set(asked) & {
            "profile.scenes",
            "profile.revenue.amount",
            "profile.revenue.currency",
            "profile.goals.cost",
            "profile.must",
            "profile.scale_basis",
        }

    def test_each_is_a_field_with_its_question(self) -> None:
        for name in asked_of_a_firm(fields()):
            assert fields().question(name, "zh")
            assert fields().question(name, "en")

    def test_it_covers_every_fact_but_the_standing_rule(self) -> None:
        facts = {name.split(".")[1] for name in asked_of_a_firm(fields())}
        assert facts == set(ProfileFacts.__struct_fields__) - {"must"}


class TestCompleteness:
    def test_nothing_stated_is_none_of_it(self) -> None:
        found = derive(fields(), ProfileFacts())
        assert found.completeness == 0
        assert found.missing == asked_of_a_firm(fields())

    def test_everything_stated_is_all_of_it(self) -> None:
        found = derive(fields(), whole())
        assert (found.completeness, found.missing) == (100, ())

    def test_a_computed_size_is_not_asked_for(self) -> None:
        assert "profile.scale" not in derive(fields(), KNOWN_AT_FIRST).missing

    def test_an_estimated_size_is_asked_for(self) -> None:
        estimated = ProfileFacts(industries=["C3311"], employees=86)
        assert "profile.scale" in derive(fields(), estimated).missing

    def test_one_missing_scene_is_less_than_all(self) -> None:
        scenes = dict.fromkeys(list(taxonomy().scheme("sme_scene").entries)[1:], 0)
        found = derive(fields(), whole(scenes=scenes))
        assert found.missing == ("profile.scenes.product_design",)
        assert found.completeness == 96

    @pytest.mark.parametrize("empty", [{"clusters": []}, {"goals": {}}, {"scenes": {}}])
    def test_an_empty_answer_is_unknown(self, empty: dict[str, Any]) -> None:
        name = f"profile.{next(iter(empty))}"
        missing = derive(fields(), whole(**empty)).missing
        assert any(each == name or each.startswith(f"{name}.") for each in missing)

    def test_zero_is_an_answer(self) -> None:
        assert derive(fields(), whole(users=0, scenes=whole().scenes)).missing == ()

    @given(FACTS, st.data())
    def test_stating_one_more_fact_never_lowers_it(
        self, facts: ProfileFacts, data: st.DataObject
    ) -> None:
        unknown = [name for name in VALUES if getattr(facts, name) is None]
        more = dict[str, Any]()
        if unknown:
            name = data.draw(st.sampled_from(unknown))
            more[name] = data.draw(VALUES[name])
        else:
            level = data.draw(st.integers(0, 4))
            more["scenes"] = {data.draw(st.sampled_from(SCENES)): level, **(facts.scenes or {})}
        before = derive(fields(), facts)
        after = derive(fields(), msgspec.structs.replace(facts, **more))
        assert after.completeness >= before.completeness
        assert set(after.missing) <= set(before.missing)

    @given(FACTS)
    def test_it_is_the_share_that_is_not_missing(self, facts: ProfileFacts) -> None:
        found, asked = derive(fields(), facts), len(asked_of_a_firm(fields()))
        assert found.completeness == 100 * (asked - len(found.missing)) // asked
        assert (found.completeness == 100) == (not found.missing)
