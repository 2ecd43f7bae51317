"""What a rule may read depends on who asks: a match knows no facts of a provider's house."""

from __future__ import annotations

import pytest

from matchmaker.taxonomy.checking import MATCHED, Checker
from matchmaker.taxonomy.fields import FieldCatalogue
from matchmaker.taxonomy.registry import Taxonomy

_OF_A_POOL = ("provider", "offering", "evidence")


@pytest.fixture(scope="module")
def checker(taxonomy: Taxonomy, catalogue: FieldCatalogue) -> Checker:
    return Checker(taxonomy, catalogue)


@pytest.mark.parametrize("field", ["provider.kind", "evidence.certificates"])
def test_a_must_cannot_ask_what_no_match_knows(checker: Checker, field: str) -> None:
    code = "saas_vendor" if field == "provider.kind" else "iso_9001"
    rule = {"field": field, "op": "in", "value": [code]}
    (fault,) = checker.rule(rule, "#/need/must")
    assert (fault.pointer, fault.code) == ("#/need/must/field", "invalid_rule")
    assert not list(checker.rule(rule, "#/rule", reads=_OF_A_POOL))


def test_a_rule_of_a_pool_cannot_ask_about_the_firm(checker: Checker) -> None:
    rule = {"field": "profile.employees", "op": "gte", "value": 20}
    assert [fault.code for fault in checker.rule(rule, "#/rule", reads=_OF_A_POOL)] == [
        "invalid_rule"
    ]
    assert not list(checker.rule(rule, "#/need/must"))


def test_every_owner_is_read_by_somebody(catalogue: FieldCatalogue) -> None:
    assert {field.owner for field in catalogue} == {*MATCHED, *_OF_A_POOL}
