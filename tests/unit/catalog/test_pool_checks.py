"""What the rules of a pool answer: yes, no or unknown, each with its proof, and what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.factories import taxonomy

from matchmaker.catalog.admissions.deciding import hindrances, left_behind, needs_note
from matchmaker.catalog.admissions.facts import facts_of
from matchmaker.catalog.admissions.machine import (
    ADMISSION,
    EXCEPTION,
    HAPPENED,
    HELD,
    LISTED,
    AdmissionState,
)
from matchmaker.catalog.admissions.models import Admission, new_admission_id
from matchmaker.catalog.admissions.queries import Candidate
from matchmaker.catalog.evidence.machine import EVIDENCE
from matchmaker.catalog.evidence.machine import HAPPENED as EVIDENCE_HAPPENED
from matchmaker.catalog.evidence.queries import Verified
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Kind, Visibility, new_offering_id, new_version_id
from matchmaker.catalog.pools import wording
from matchmaker.catalog.pools.checks import Check, check, restored, stored
from matchmaker.catalog.pools.machine import HAPPENED as POOL_HAPPENED
from matchmaker.catalog.pools.machine import POOL, PoolState
from matchmaker.catalog.pools.models import new_pool_id
from matchmaker.catalog.pools.terms import Terms, terms_faults
from matchmaker.core.machine import Actor, Step
from matchmaker.identity.models import new_organisation_id
from matchmaker.rules import Answer, Fact
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

FIELDS = FieldCatalogue(taxonomy())
CHECKER = Checker(taxonomy(), FIELDS)
TODAY = dt.date(2026, 11, 23)
CASES = {"field": "evidence.cases", "op": "gte", "value": 3}
CERTIFIED = {"field": "evidence.certificates", "op": "in", "value": ["iso_27001"]}
HERE = {"field": "provider.region", "op": "prefix_in", "value": ["21"]}
ON_SITE = {"field": "offering.deployment", "op": "in", "value": ["on_premises"]}
NOTHING: dict[str, Any] = {"all": []}


def terms(**changes: object) -> Terms:
    """A pool that asks for a provider of Liaoning, with three tiers."""
    tiers = [
        {"code": "nurtured", "name": {"zh": "培育", "en": "Nurtured"}, "rule": NOTHING},
        {"code": "qualified", "name": {"en": "Qualified"}, "rule": {"all": [ON_SITE, CERTIFIED]}},
        {"code": "recommended", "name": {"en": "Recommended"}, "rule": CASES},
    ]
    stated = {"name": {"zh": "名录", "en": "Pool"}, "rule": HERE, "tiers": tiers, **changes}
    return msgspec.convert(stated, Terms)


def answered(facts: Mapping[str, Fact], **changes: object) -> Check:
    return check(terms(**changes), dict(facts).get, FIELDS)


ALL_MET: dict[str, Fact] = {
    "provider.region": "210200",
    "offering.deployment": frozenset({"on_premises"}),
    "evidence.certificates": frozenset({"iso_27001"}),
    "evidence.cases": 3,
}


@pytest.mark.parametrize(
    ("region", "answer", "proof", "beweis"),
    [
        ("210200", Answer.YES, "[it is Dalian: yes]", "〔实际为大连市：符合〕"),
        ("440300", Answer.NO, "[it is Shenzhen: no]", "〔实际为深圳市：不符合〕"),
        (None, Answer.UNKNOWN, "[not stated: unknown]", "〔未填写：尚不确定〕"),
    ],
)
def test_each_answer_comes_with_its_proof_in_both_languages(
    region: str | None, answer: Answer, proof: str, beweis: str
) -> None:
    found = answered({"provider.region": region})
    english = wording.check(found, 1, FIELDS, "en")
    chinese = wording.check(found, 1, FIELDS, "zh")
    assert found.answer is answer
    assert english.answer == answer.name.lower() == chinese.answer
    assert english.proof.startswith("the provider's region falls under")
    assert english.proof.endswith(proof)
    assert chinese.proof.startswith("服务商所在地区")
    assert chinese.proof.endswith(beweis)


class TestTiers:
    def test_a_tier_is_reached_through_all_below_it(self) -> None:
        assert answered(ALL_MET).tier == "recommended"
        assert answered(ALL_MET).next_tier is None
        without = {**ALL_MET, "evidence.certificates": None}
        assert answered(without).tier == "nurtured"
        assert answered({**ALL_MET, "evidence.cases": 2}).tier == "qualified"

    @pytest.mark.parametrize("region", ["440300", None])
    def test_who_does_not_meet_the_admission_rule_has_no_tier(self, region: str | None) -> None:
        found = answered({**ALL_MET, "provider.region": region})
        assert found.tier is None
        assert found.next_tier is not None
        assert found.next_tier.code == "nurtured"
        assert [proof.rule for proof in found.missing_for_next()] == [found.proof.rule]

    def test_a_pool_without_tiers_has_none(self) -> None:
        found = answered(ALL_MET, tiers=[])
        assert found.answer is Answer.YES
        assert (found.tier, found.next_tier, found.missing_for_next()) == (None, None, ())

    def test_what_is_missing_is_told_by_condition_with_its_questions(self) -> None:
        facts = {**ALL_MET, "evidence.certificates": None}
        facts["offering.deployment"] = frozenset({"public_cloud"})
        told = wording.check(answered(facts), 4, FIELDS, "en")
        assert told.pool_version == 4
        assert told.next_tier is not None
        assert told.next_tier.code == "qualified"
        failed, unknown = told.next_tier.missing
        assert (failed.answer, unknown.answer) == ("no", "unknown")
        assert failed.questions == ()
        (question,) = unknown.questions
        assert question.field == "evidence.certificates"
        assert question.question.startswith("Which valid certificates")
        chinese = wording.check(answered(facts), 4, FIELDS, "zh").next_tier
        assert chinese is not None
        assert chinese.missing[1].questions[0].question.startswith("持有哪些")
        assert chinese.missing[0].sentence.startswith("部署方式")

    def test_alternatives_stay_one_condition(self) -> None:
        rule = {"all": [HERE, {"any": [ON_SITE, CERTIFIED]}]}
        found = answered({"provider.region": "210200"}, rule=rule)
        (only,) = found.missing_for_admission()
        told = wording.check(found, 1, FIELDS, "en").missing[0]
        assert only.answer is Answer.UNKNOWN
        assert "; or " in told.sentence
        assert {each.field for each in told.questions} == {
            "evidence.certificates",
            "offering.deployment",
        }


def test_a_stored_check_is_told_as_it_was_found() -> None:
    rule = {
        "all": [
            HERE,
            {"not": {"field": "offering.offline", "op": "is_true"}},
            {"any": [CASES, {"field": "offering.attested", "op": "after", "value": "2026-01-01"}]},
            {"field": "offering.amount", "op": "gte", "value": 500_000_00},
            {"field": "evidence.certificates", "op": "exists"},
        ]
    }
    facts = answered_facts()
    found = check(terms(rule=rule), facts.get, FIELDS)
    again = restored(msgspec.json.decode(msgspec.json.encode(stored(found))))
    assert again == found
    for language in ("zh", "en"):
        assert wording.check(again, 2, FIELDS, language) == wording.check(
            found, 2, FIELDS, language
        )
    assert "US$" in wording.check(again, 2, FIELDS, "en").proof or "USD" in (
        wording.check(again, 2, FIELDS, "en").proof
    )


def answered_facts() -> dict[str, Fact]:
    document = {
        "kind": "finance",
        "visibility": "public",
        "attested": "2026-10-01",
        "attributes": {
            "kind": "finance",
            "amount": {"from": 100_000_00, "to": 900_000_00, "currency": "USD"},
        },
    }
    return facts_of(candidate(document), Verified(frozenset({"iso_9001"}), 2, 2))


def candidate(document: dict[str, Any]) -> Candidate:
    return Candidate(
        new_offering_id(),
        new_organisation_id(),
        OfferingState.PUBLISHED,
        new_version_id(),
        Kind(document["kind"]),
        Visibility.PUBLIC,
        document,
        "saas_vendor",
        "210200",
    )


class TestFacts:
    DOCUMENT: dict[str, Any] = {"kind": "solution", "visibility": "public"}  # noqa: RUF012

    def test_nobody_having_said_anything_is_not_none(self) -> None:
        found = facts_of(candidate(self.DOCUMENT), Verified(frozenset(), 0, 0))
        assert "evidence.cases" not in found
        assert "evidence.certificates" not in found
        assert found["provider.kind"] == "saas_vendor"

    def test_claimed_cases_are_known_not_to_be_verified(self) -> None:
        assert (
            facts_of(candidate(self.DOCUMENT), Verified(frozenset(), 0, 2))["evidence.cases"] == 0
        )

    def test_the_register_counts_beside_the_evidence(self) -> None:
        cases = [
            {"industry": "C33", "scenes": ["quality"], "state": state}
            for state in ("verified", "claimed", "verified")
        ]
        document = {**self.DOCUMENT, "cases": cases}
        assert facts_of(candidate(document), Verified(frozenset(), 1, 1))["evidence.cases"] == 3

    def test_every_field_that_only_pools_read_can_be_known(self) -> None:
        known = facts_of(candidate(self.DOCUMENT), Verified(frozenset({"cmmi"}), 1, 1))
        own = {field.name for field in FIELDS if field.owner in {"provider", "evidence"}}
        assert own <= known.keys()


class TestTerms:
    def test_sound_terms_have_no_faults(self) -> None:
        assert not list(terms_faults(CHECKER, terms(), "#"))

    def test_a_rule_about_the_firm_is_refused(self) -> None:
        rule = {"field": "profile.employees", "op": "gte", "value": 20}
        (fault,) = terms_faults(CHECKER, terms(rule=rule), "#")
        assert fault.pointer == "#/rule/field"

    def test_a_rule_that_nothing_can_meet_is_refused_in_a_tier_too(self) -> None:
        rule = {"all": [CASES, {"field": "evidence.cases", "op": "lte", "value": 2}]}
        tier = {"code": "x", "name": {"en": "X"}, "rule": rule}
        (fault,) = terms_faults(CHECKER, terms(tiers=[tier]), "#")
        assert (fault.pointer, fault.code) == ("#/tiers/0/rule", "invalid_rule")

    def test_a_tier_stands_once(self) -> None:
        tier = {"code": "x", "name": {"en": "X"}, "rule": NOTHING}
        (fault,) = terms_faults(CHECKER, terms(tiers=[tier, tier]), "#")
        assert (fault.pointer, fault.code) == ("#/tiers/1/code", "repeated_tier")


class TestDeciding:
    YES = answered(ALL_MET)
    NO = answered({"provider.region": "440300"})
    UNKNOWN = answered({})

    def lacking(self, found: Check, pool: PoolState = PoolState.OPEN) -> dict[str, list[str]]:
        missing = hindrances(found, pool, OfferingState.PUBLISHED)
        return {name: [one.code for one in faults] for name, faults in missing.items() if faults}

    def test_only_yes_is_admitted_and_only_the_others_by_exception(self) -> None:
        assert self.lacking(self.YES) == {EXCEPTION: ["no_exception_needed"]}
        assert self.lacking(self.NO) == {"admit": ["rule_not_met"]}
        assert self.lacking(self.UNKNOWN) == {"admit": ["rule_unanswered"]}

    def test_a_closed_pool_takes_nobody_back(self) -> None:
        assert self.lacking(self.YES, PoolState.CLOSED)["reapply"] == ["pool_closed"]
        paused = hindrances(self.YES, PoolState.OPEN, OfferingState.PAUSED)
        assert [one.code for one in paused["reapply"]] == ["offering_not_published"]

    def test_unknown_is_never_refused_in_silence(self) -> None:
        assert needs_note("refuse", self.UNKNOWN)
        assert needs_note("refuse", self.YES)
        assert not needs_note("refuse", self.NO)

    def test_an_exception_is_always_reasoned(self) -> None:
        assert all(needs_note(EXCEPTION, found) for found in (self.YES, self.NO, self.UNKNOWN))
        assert not needs_note("admit", self.YES)

    def test_being_admitted_sets_tier_and_end_and_leaving_clears_them(self) -> None:
        applied = admission(AdmissionState.APPLIED)
        after = left_behind(applied, taking("admit"), self.YES, days=30, today=TODAY)
        assert after == {"tier": "recommended", "valid_until": dt.date(2026, 12, 23)}
        endless = left_behind(applied, taking("admit"), self.YES, days=None, today=TODAY)
        assert endless["valid_until"] is None
        held = admission(AdmissionState.ADMITTED, tier="qualified", valid_until=TODAY)
        kept = left_behind(held, taking("warn"), self.NO, days=30, today=TODAY)
        assert kept == {"tier": "qualified", "valid_until": TODAY}
        gone = left_behind(held, taking("remove"), self.YES, days=30, today=TODAY)
        assert gone == {"tier": None, "valid_until": None}


def admission(
    state: AdmissionState, tier: str | None = None, valid_until: dt.date | None = None
) -> Admission:
    return Admission(
        id=new_admission_id(),
        organisation_id=new_organisation_id(),
        pool_id=new_pool_id(),
        offering_id=new_offering_id(),
        state=state,
        tier=tier,
        valid_until=valid_until,
    )


def taking(name: str) -> Step[AdmissionState]:
    step = ADMISSION.step(name)
    assert step is not None
    return step


def test_every_step_has_the_verb_of_its_event() -> None:
    for machine, verbs in (
        (POOL, POOL_HAPPENED),
        (ADMISSION, HAPPENED),
        (EVIDENCE, EVIDENCE_HAPPENED),
    ):
        assert [step.name for step in machine.steps] == list(verbs)


def test_nobody_decides_on_what_is_their_own() -> None:
    for machine in (ADMISSION, EVIDENCE):
        for step in machine.steps:
            assert step.actors in ({Actor.OWNER}, {Actor.CLOCK}) or Actor.OWNER not in step.actors


def test_what_is_in_the_pool_is_held_and_what_has_ended_is_not() -> None:
    assert set(LISTED) < set(HELD)
    assert not {AdmissionState.REFUSED, AdmissionState.REMOVED, AdmissionState.EXPIRED} & set(HELD)
