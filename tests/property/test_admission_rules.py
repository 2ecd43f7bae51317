"""A fact more never makes an answer less certain, whatever rule a pool asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import taxonomy

from matchmaker.catalog.pools.checks import Check, check, restored, stored, unmet
from matchmaker.catalog.pools.terms import Terms, terms_faults
from matchmaker.rules import Answer, Fact, fields, parse
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

FIELDS = FieldCatalogue(taxonomy())
CHECKER = Checker(taxonomy(), FIELDS)
Facts = Mapping[str, Fact]

KINDS = ("saas_vendor", "system_integrator", "university")
CERTIFICATES = ("iso_9001", "iso_27001", "cmmi")
WAYS = ("public_cloud", "on_premises", "edge")

LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(
        lambda op, value: {"field": "provider.kind", "op": op, "value": value},
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda op, value: {"field": "evidence.certificates", "op": op, "value": value},
        st.sampled_from(["in", "not_in", "overlaps"]),
        st.lists(st.sampled_from(CERTIFICATES), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda op, value: {"field": "evidence.cases", "op": op, "value": value},
        st.sampled_from(["gte", "lte"]),
        st.integers(0, 4),
    ),
    st.builds(
        lambda op, value: {"field": "offering.deployment", "op": op, "value": value},
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(WAYS), min_size=1, max_size=2, unique=True),
    ),
    st.just({"field": "offering.offline", "op": "is_true"}),
)


def trees(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Rules of a few levels."""
    return st.recursive(
        leaves,
        lambda below: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(below, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(below, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, below),
        ),
        max_leaves=8,
    )


RULES = trees(LEAVES)
FACTS = st.fixed_dictionaries(
    {
        "provider.kind": st.sampled_from(KINDS),
        "evidence.certificates": st.frozensets(st.sampled_from(CERTIFICATES), min_size=1),
        "evidence.cases": st.integers(0, 5),
        "offering.deployment": st.frozensets(st.sampled_from(WAYS), min_size=1),
        "offering.offline": st.booleans(),
    }
)
"""Everything that is so; what is known of it is another matter."""


def of(rule: Mapping[str, Any], tiers: list[dict[str, Any]], facts: Facts) -> Check:
    named = [
        {"code": f"t{place}", "name": {"en": "T"}, "rule": each} for place, each in enumerate(tiers)
    ]
    terms = msgspec.convert({"name": {"en": "P"}, "rule": rule, "tiers": named}, Terms)
    return check(terms, facts.get, FIELDS)


@settings(max_examples=300)
@given(rule=RULES, whole=FACTS, data=st.data())
def test_a_known_fact_more_turns_no_answer_into_unknown(
    rule: dict[str, Any], whole: dict[str, Fact], data: st.DataObject
) -> None:
    hidden = data.draw(st.sets(st.sampled_from(sorted(whole)), min_size=1))
    known = {name: fact for name, fact in whole.items() if name not in hidden}
    before = of(rule, [], known).answer
    for name in sorted(hidden):
        known[name] = whole[name]
        after = of(rule, [], known).answer
        if before is not Answer.UNKNOWN:
            assert after is before
        before = after
    assert before is not Answer.UNKNOWN


def test_control_a_rule_about_what_is_stated_can_turn_from_yes_to_unknown() -> None:
    """The property is of facts: that something is not stated is none, and changes by stating it."""
    stated = {"field": "evidence.certificates", "op": "exists"}
    cases = {"field": "evidence.cases", "op": "gte", "value": 3}
    rule = {"any": [{"not": stated}, cases]}
    assert of(rule, [], {}).answer is Answer.YES
    assert of(rule, [], {"evidence.certificates": frozenset({"cmmi"})}).answer is Answer.UNKNOWN


@settings(max_examples=200)
@given(rule=RULES, tiers=st.lists(RULES, max_size=3), whole=FACTS, data=st.data())
def test_tiers_are_cumulative_and_what_is_missing_is_what_is_not_met(
    rule: dict[str, Any], tiers: list[dict[str, Any]], whole: dict[str, Fact], data: st.DataObject
) -> None:
    shown = data.draw(st.sets(st.sampled_from(sorted(whole))))
    found = of(rule, tiers, {name: whole[name] for name in shown})
    answers = [found.answer, *(tier.proof.answer for tier in found.tiers)]
    reached = next(
        (place for place, answer in enumerate(answers) if answer is not Answer.YES), len(answers)
    )
    assert found.tier == (f"t{reached - 2}" if reached >= 2 else None)
    following = found.next_tier
    assert (following is None) == (reached == len(answers) or not tiers)
    assert bool(found.missing_for_admission()) == (found.answer is not Answer.YES)
    assert bool(found.missing_for_next()) == (following is not None)
    assert all(proof.answer is not Answer.YES for proof in found.missing_for_next())


@settings(max_examples=200)
@given(rule=RULES, whole=FACTS, data=st.data())
def test_meeting_every_missing_condition_meets_the_rule(
    rule: dict[str, Any], whole: dict[str, Fact], data: st.DataObject
) -> None:
    """Nothing that stands in the way is left out: the unmet conditions decide the rule."""
    shown = data.draw(st.sets(st.sampled_from(sorted(whole))))
    known = {name: whole[name] for name in shown}
    missing = tuple(unmet(of(rule, [], known).proof))
    least = min((proof.answer for proof in missing), default=Answer.YES)
    assert least is of(rule, [], known).answer
    assert {name for proof in missing for name in fields(proof.rule)} <= set(fields(parse(rule)))


@settings(max_examples=200)
@given(rule=RULES, tiers=st.lists(RULES, max_size=2), whole=FACTS, data=st.data())
def test_a_check_survives_being_stored(
    rule: dict[str, Any], tiers: list[dict[str, Any]], whole: dict[str, Fact], data: st.DataObject
) -> None:
    shown = data.draw(st.sets(st.sampled_from(sorted(whole))))
    found = of(rule, tiers, {name: whole[name] for name in shown})
    assert restored(msgspec.json.decode(msgspec.json.encode(stored(found)))) == found


@settings(max_examples=200)
@given(rule=RULES)
def test_only_what_can_never_hold_is_refused(rule: dict[str, Any]) -> None:
    terms = msgspec.convert({"name": {"en": "P"}, "rule": rule}, Terms)
    assert {fault.code for fault in terms_faults(CHECKER, terms, "#")} <= {"invalid_rule"}
