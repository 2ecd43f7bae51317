"""Unknown never excludes: for every field that a rule can read and every question that fits it."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec
import pytest
from tests import factories, pools

from matchmaker.catalog import declaration
from matchmaker.catalog.models import Kind
from matchmaker.catalog.queries import PublishedOffering
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching.decoding import OfferingDecoder
from matchmaker.matching.query import Caller
from matchmaker.matching.registry import Words, load_reader, vocabulary
from matchmaker.matching.service import Model, match
from matchmaker.ranking.building import Builder
from matchmaker.ranking.facts import OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.query import Query
from matchmaker.rules import Fact, FieldKind, Leaf, Not, Op, Rule, Span, lint
from matchmaker.rules.fitting import _OPS
from matchmaker.taxonomy.checking import MATCHED
from matchmaker.taxonomy.fields import Field, FieldCatalogue

DAY = "2026-01-01"
NUMBER = 2
ALWAYS_KNOWN = {"package.code": "every package has a code"}
NO_ROW_FACT = {"package.title": "a title is shown, no index holds it: always unknown"}


@cache
def catalogue() -> FieldCatalogue:
    return FieldCatalogue(factories.taxonomy())


@dataclass(frozen=True)
class Case:
    """One question about one field, and a fact that answers it no."""

    field: Field
    leaf: Leaf
    refuted_by: Fact

    @property
    def id(self) -> str:
        return f"{self.leaf.field} {self.leaf.op}"


def readable() -> list[Field]:
    """The fields that a must can read; rules of pools read others, and are tested with them."""
    return [field for field in catalogue() if field.rule is not None and field.owner in MATCHED]


def cases_of(field: Field) -> Iterator[Case]:
    """One case for every op that fits the field, but exists: it alone answers no on unknown."""
    assert field.rule is not None
    kind = FieldKind(field.rule.kind)
    for op in sorted(_OPS[kind] - {Op.EXISTS}):
        value, refuted_by = question(field, kind, op)
        yield Case(field, Leaf(field.name, op, value), refuted_by)


def question(field: Field, kind: FieldKind, op: Op) -> tuple[Any, Fact]:
    """The value of a leaf, and a fact that answers it no."""
    if kind is FieldKind.FLAG:
        value = None if op is Op.IS_TRUE else (True,)
        return value, op is Op.NOT_IN
    if kind is FieldKind.DATE:
        shift = dt.timedelta(days=1 if op is Op.BEFORE else -1)
        return DAY, dt.date.fromisoformat(DAY) + shift
    if kind in {FieldKind.NUMBER, FieldKind.SPAN}:
        return number_question(field, kind, op)
    asked, other = two_codes(field)
    refuted_by = asked if op is Op.NOT_IN else other
    return (asked,), frozenset({refuted_by}) if kind is FieldKind.SET else refuted_by


def number_question(field: Field, kind: FieldKind, op: Op) -> tuple[Any, Fact]:
    assert field.rule is not None
    unit = 0.5 if field.rule.maximum == 1 else 1
    middle = (field.rule.minimum or 0) + unit
    value: Any = {
        Op.BETWEEN: (middle, middle),
        Op.GTE: middle,
        Op.LTE: middle,
    }.get(op, (middle,))
    off = middle if op is Op.NOT_IN else middle + (unit if op is Op.LTE else -unit)
    return value, Span(0, off) if kind is FieldKind.SPAN else off


def two_codes(field: Field) -> tuple[str, str]:
    """Two codes of the field, none the beginning of the other."""
    assert field.rule is not None
    codes = sorted(field.rule.codes or {"alpha", "beta"})
    first = codes[0]
    return first, next(code for code in codes if not code.startswith(first))


CASES = [case for field in readable() for case in cases_of(field)]
World = tuple[OfferingFacts, Query]
Place = Callable[[OfferingFacts, Query, Rule], World]


def in_provider_must(
    offering: OfferingFacts, query: Query, rule: Rule
) -> tuple[OfferingFacts, Query]:
    return replace(offering, must=rule), query


def in_profile_must(
    offering: OfferingFacts, query: Query, rule: Rule
) -> tuple[OfferingFacts, Query]:
    return offering, replace(query, profile_must=rule)


def in_need_must(offering: OfferingFacts, query: Query, rule: Rule) -> World:
    return offering, replace(query, need_must=rule)


MUSTS: dict[str, Place] = {
    "provider.must.0": in_provider_must,
    "profile.must.0": in_profile_must,
    "need.must.0": in_need_must,
}


@cache
def model() -> Model:
    return pools.model()


VOCABULARY = vocabulary(factories.taxonomy())
INDEXES: dict[str, Index] = {}


def index_of(offering: OfferingFacts) -> Index:
    """The index of the one offering, made once: many cases ask the same one."""
    # Not by equality, to which True is 1.
    said = repr(offering)
    if said not in INDEXES:
        INDEXES[said] = build([offering], model().card.text, vocabulary=VOCABULARY)
    return INDEXES[said]


def bare() -> tuple[OfferingFacts, Query]:
    """An offering and a need of which nothing is known."""
    offering = OfferingFacts(
        offering_id="o1", provider_id="p1", kind="solution", packages=(PackageFacts(code="only"),)
    )
    return offering, Query(kind="solution", as_of=pools.AS_OF, currency="CNY")


def stated(name: str, fact: Fact) -> tuple[OfferingFacts, Query]:
    """The same, with one fact."""
    offering, query = bare()
    owner, _, key = name.partition(".")
    if owner in {"profile", "need"}:
        return offering, replace(query, facts={name: fact})
    if owner == "offering":
        return replace(offering, declared={key: fact}), query
    return replace(offering, packages=(package(key, fact),)), query


def package(key: str, fact: Fact) -> PackageFacts:
    """A package with one fact as an index is built from it."""
    if key == "scales":
        assert isinstance(fact, frozenset)
        return PackageFacts(code="only", scales=fact)
    if key == "scenes":
        assert isinstance(fact, frozenset)
        return PackageFacts(code="only", levels=dict.fromkeys(fact))
    if key == "stages":
        assert isinstance(fact, frozenset)
        rank = vocabulary(factories.taxonomy()).stages.index(min(fact))
        return PackageFacts(code="only", stages=(rank, rank))
    if key == "weeks":
        assert isinstance(fact, Span)
        return PackageFacts(code="only", weeks=(0, fact.high))  # type: ignore[arg-type]
    if key == "price":
        assert isinstance(fact, int | float)
        return PackageFacts(code="only", price=PriceCard("CNY", (PricePart("upfront", fact),)))  # type: ignore[arg-type]
    assert key == "code"
    return PackageFacts(code=str(fact))


def test_every_field_that_a_must_can_read_has_a_case() -> None:
    covered = {case.field.name for case in CASES}

    assert covered == {field.name for field in readable()}
    assert {case.leaf.op for case in CASES} == set(Op) - {Op.EXISTS}
    assert {case.field.owner for case in CASES} == MATCHED


def test_every_case_is_a_question_that_the_linter_lets_pass() -> None:
    for case in CASES:
        findings = lint(case.leaf, catalogue().spec)
        assert [f for f in findings if f.severity == "error"] == [], case.id


def test_a_field_without_a_case_would_be_noticed() -> None:
    """The control: the catalogue minus one case is not covered."""
    left_out = CASES[0].field.name
    covered = {case.field.name for case in CASES if case.field.name != left_out}

    assert covered != {field.name for field in readable()}


@pytest.mark.parametrize("must", MUSTS)
@pytest.mark.parametrize("denied", [False, True], ids=["asked", "denied"])
def test_an_offering_stays_in_unconfirmed_where_the_fact_is_unknown(
    must: str,
    denied: bool,  # noqa: FBT001
) -> None:
    tried = 0
    for case in CASES:
        if case.field.name in ALWAYS_KNOWN:
            continue
        rule: Rule = Not(case.leaf) if denied else case.leaf
        offering, query = MUSTS[must](*bare(), rule)
        answer, _ = match(query, index_of(offering), model(), limit=1)

        assert answer.funnel.excluded == {}, case.id
        assert [item.unconfirmed for item in answer.items] == [(must,)], case.id
        asked = {question.field: question.decides for question in answer.questions}
        firm_can_answer = case.field.definition.stated_by == "sme"
        assert asked.get(case.field.name) == (1 if firm_can_answer else None), case.id
        tried += 1
    assert tried > 200


@pytest.mark.parametrize("empty", [None, frozenset[str]()], ids=["null", "empty set"])
def test_a_fact_stated_as_null_or_as_an_empty_set_is_unknown(empty: Fact) -> None:
    for case in CASES:
        if case.field.owner == "package":
            continue
        for place in MUSTS.values():
            offering, query = place(*stated(case.field.name, empty), case.leaf)
            answer, _ = match(query, index_of(offering), model(), limit=1)
            assert answer.funnel.scored == 1, case.id
            assert answer.items[0].unconfirmed, case.id


@pytest.mark.parametrize("must", MUSTS)
def test_the_same_question_excludes_once_the_fact_says_no(must: str) -> None:
    """The control: every case can exclude, so that staying in above means something."""
    for case in CASES:
        if case.field.name in NO_ROW_FACT:
            continue
        offering, query = MUSTS[must](*stated(case.field.name, case.refuted_by), case.leaf)
        answer, _ = match(query, index_of(offering), model(), limit=1)
        assert answer.funnel.excluded == {must: 1}, case.id


def test_exists_alone_excludes_where_the_fact_is_unknown() -> None:
    """The control: the one op that answers no."""
    for field in readable():
        if field.name in ALWAYS_KNOWN:
            continue
        offering, query = in_need_must(*bare(), Leaf(field.name, Op.EXISTS))
        answer, _ = match(query, index_of(offering), model(), limit=1)
        assert answer.funnel.excluded == {"need.must.0": 1}, field.name


ATTRIBUTES: dict[Kind, dict[str, Any]] = {
    Kind.SOLUTION: {
        "offline": True,
        "person_days": [5, 10],
        "days_to_live": [10, 20],
        "data_export": False,
    },
    Kind.ADVISORY: {"person_days": [1, 2], "on_site": True},
    Kind.RESEARCH: {
        "readiness_level": [3, 6],
        "research_form": "joint_laboratory",
        "facility": {"zh": "中试线", "en": "Pilot line"},
    },
    Kind.TALENT: {
        "talent_form": "training",
        "skills": ["plc_programming"],
        "seats": 30,
        "days": [2, 5],
        "certificate": True,
    },
    Kind.FINANCE: {
        "instrument": "leasing",
        "amount": {"from": 100, "to": 900, "currency": "CNY"},
        "rate_bp": [300, 500],
        "term_months": [6, 36],
        "collateral": ["equipment"],
    },
}


def published(kind: Kind) -> PublishedOffering:
    """An offering of which everything is declared, as it is stored."""
    line = msgspec.json.decode(
        json.dumps(
            factories.offering_line(
                kind=kind.value,
                valid_from="2026-01-01",
                valid_to="2027-12-31",
                packages=[
                    factories.package_line(
                        price={"currency": "CNY", "parts": [{"part": "yearly", "amount": 100}]}
                    )
                ],
            )
        ),
        type=declaration.OfferingLine,
    )
    attributes = msgspec.convert(
        {"kind": kind.value, **ATTRIBUTES[kind]}, declaration.ATTRIBUTES[kind]
    )
    document = declaration.offering_document(line, attributes)
    some_id: Any = uuid.UUID(int=1)
    return PublishedOffering(
        offering_id=some_id,
        organisation_id=some_id,
        provider_name='{"zh": "松鹭软件"}',
        version_id=some_id,
        number=1,
        kind=kind.value,
        visibility="public",
        attested=line.attested,
        valid_from=line.valid_from,
        valid_to=line.valid_to,
        document=msgspec.json.encode(document).decode(),
        must=json.dumps(line.must),
        tokens="{}",
        text_version="",
        title='{"zh": "标题"}',
        summary='{"zh": "简介"}',
        packages=msgspec.json.encode(
            [
                {
                    "code": package.code,
                    "title": {"zh": "轻量版"},
                    "document": declaration.package_document(package),
                }
                for package in line.packages
            ]
        ).decode(),
    )


def known_fields() -> set[str]:
    """Every field that is known once everything is declared, over all kinds."""
    decoder = OfferingDecoder(
        vocabulary(factories.taxonomy()).stages, Words(factories.tokenizer(), "")
    )
    known: set[str] = {"package.price"}
    for kind in Kind:
        builder = Builder(vocabulary(factories.taxonomy()))
        builder.extend([decoder.decode(published(kind)).line])
        index = builder.index(model().card.text)
        known |= {
            field.name
            for field in readable()
            if field.owner in {"offering", "package"} and index.fact(field.name, 0) is not None
        }
    money = {"amount": 1, "currency": "CNY"}
    taxonomy = factories.taxonomy()
    profile = msgspec.convert(
        {
            **dict.fromkeys(("employees", "users", "machines", "sites"), 1),
            **dict.fromkeys(("revenue", "assets", "yearly_budget"), money),
            "industries": ["C33"],
            "clusters": ["x"],
            "systems": ["qms"],
            "region": "210200",
            "scale": "small",
            "founded": 2009,
            "chain_role": "supplier",
            "goals": dict.fromkeys(taxonomy.codes("goal"), 0.5),
            "scenes": dict.fromkeys(taxonomy.codes("sme_scene"), 1),
            "stage": "integrated",
        },
        ProfileFacts,
    )
    need = msgspec.convert(
        {
            "kind": "solution",
            "text": "x",
            "scenes": ["quality"],
            "categories": ["qms"],
            "deployment": ["edge"],
            "budget": money,
            "ready_by": "2027-01-01",
            "region": "210200",
        },
        NeedFacts,
    )
    reader = load_reader(taxonomy, Words(factories.tokenizer(), ""))
    query = reader.build(profile, need, pools=None, caller=Caller(), as_of=pools.AS_OF)
    return known | {name for name, fact in query.facts.items() if fact is not None}


def never_known() -> set[str]:
    return {field.name for field in readable()} - known_fields()


def is_text(name: str) -> bool:
    found = catalogue().get(name).rule
    return found is not None and found.kind is FieldKind.TEXT


def test_every_fact_that_a_rule_can_read_is_known_once_everything_is_declared() -> None:
    """A must over a field that no index ever holds would leave everything unconfirmed for ever."""
    assert sorted(name for name in never_known() if not is_text(name)) == []


def test_every_text_that_a_rule_can_read_is_known_once_everything_is_declared() -> None:
    assert sorted(filter(is_text, never_known())) == []
