"""The screen on bitsets says of every row what the scalar rules say; its books are closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pools
from tests.pools import Maker

from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.screen import Pair, Screen, Verdict, considered_offerings, screen
from matchmaker.ranking.steps import Level
from matchmaker.rules import Answer, Leaf, Not, Op, Rule, answer, conjuncts

EXAMPLES = settings(max_examples=150, deadline=None)
seeds = st.integers(0, 2**32 - 1)
Compiled = Callable[[Screen, Rule], Sequence[int]]


def offerings_of(maker: Maker, count: int) -> list[OfferingFacts]:
    return pools.in_index_order([maker.offering(f"o{number:02d}") for number in range(count)])


def rows_by_offering(index: Index) -> list[int]:
    """The rows of the first offering, then those of the second, and so on."""
    return [row for place in range(index.offerings) for row in index.rows_of(place)]


def asked(maker: Maker) -> Query:
    return maker.query(facts=pools.firm_facts(maker))


def compiled(screen_of: Screen, rule: Rule) -> Sequence[int]:
    return [int(found) for found in screen_of.by_row(screen_of.answers(rule))]


def disagreements(seed: int, compiled: Compiled) -> list[str]:
    """Rows of one random world on which the compiled rule and the scalar one differ."""
    maker = Maker(seed)
    offerings = offerings_of(maker, maker.random.randint(1, 8))
    query = asked(maker)
    index = pools.index_of(offerings)
    screen_of = Screen(query, index)
    rows = rows_by_offering(index)
    found: list[str] = []
    for _ in range(6):
        rule = maker.rule(tuple(pools.QUESTIONS), 6)
        expected = [
            int(answer(rule, pools.row_facts(offering, package, query)))
            for offering in offerings
            for package in offering.packages
        ]
        found_of = compiled(screen_of, rule)
        if [found_of[row] for row in rows] != expected:
            found.append(repr(rule))
    return found


@given(seeds)
@EXAMPLES
def test_a_compiled_rule_equals_the_scalar_rule_on_every_row(seed: int) -> None:
    assert disagreements(seed, compiled) == []


def unknown_taken_as_no(screen_of: Screen, rule: Rule) -> Sequence[int]:
    pair = screen_of.pair(rule, Level.ROW)
    rows = screen_of._columns.planes.parts
    return [int(found) for found in Pair(pair.yes, pair.yes).answers(rows)]


def absent_not_in_taken_as_yes(screen_of: Screen, rule: Rule) -> Sequence[int]:
    found = screen_of.by_row(screen_of.answers(rule))
    if isinstance(rule, Leaf) and rule.op is Op.NOT_IN:
        return [int(Answer.YES) if each == Answer.UNKNOWN else int(each) for each in found]
    return [int(each) for each in found]


def denial_taken_as_assent(screen_of: Screen, rule: Rule) -> Sequence[int]:
    return compiled(screen_of, rule.part if isinstance(rule, Not) else rule)


@pytest.mark.parametrize(
    "wrong", [unknown_taken_as_no, absent_not_in_taken_as_yes, denial_taken_as_assent]
)
def test_one_changed_meaning_is_noticed(wrong: Compiled) -> None:
    """The control: the same comparison with one deliberate mistake."""
    assert any(disagreements(seed, wrong) for seed in range(40))


def worlds(maker: Maker) -> tuple[list[OfferingFacts], Query, dict[str, list[int]]]:
    """Offerings with musts, pools, kinds and dates; a need with musts; some exclusions."""
    r = maker.random
    musts = [None, *(maker.rule((*pools.ASKED_OF_FIRM, "package.price"), 4) for _ in range(3))]
    offerings = [
        replace(
            maker.offering(f"o{number:02d}", kind=r.choice(("solution", "solution", "advisory"))),
            must=r.choice(musts),
            visibility=r.choice(("public", "public", "pool")),
            pools=r.choice((frozenset[str](), frozenset({"north"}), frozenset({"north", "craft"}))),
            valid_from=maker.maybe(lambda: maker.day(60, 5), 0.3),
            valid_to=maker.maybe(lambda: maker.day(3, 60), 0.3),
        )
        for number in range(r.randint(1, 10))
    ]
    held = maker.maybe(lambda: maker.some(("north", "craft"), 2), 0.5) or frozenset()
    query = maker.query(
        facts=pools.firm_facts(maker),
        caller_pools=held,
        pools=held if r.random() < 0.3 else frozenset(),
        need_must=maker.maybe(lambda: maker.rule(tuple(pools.QUESTIONS), 6)),
        profile_must=maker.maybe(lambda: maker.rule(tuple(pools.ASKED_OF_ROW), 3), 0.5),
    )
    exclusions = {
        name: r.sample(range(len(offerings)), min(len(offerings), r.randint(1, 2)))
        for name in ("c9", "c1")[: r.randint(0, 2)]
    }
    return pools.in_index_order(offerings), query, exclusions


def is_considered(offering: OfferingFacts, query: Query) -> bool:
    starts = offering.valid_from or dt.date.min
    ends = offering.valid_to or dt.date.max
    return (
        offering.kind == query.kind
        and starts <= pools.TODAY <= ends
        and (offering.visibility == "public" or bool(offering.pools & query.caller_pools))
        and (not query.pools or bool(offering.pools & query.pools))
    )


def named_rules(
    offering: OfferingFacts, place: int, query: Query, exclusions: dict[str, list[int]]
) -> list[tuple[str, Rule | bool]]:
    """The rules that bear on one offering, in the order in which they exclude."""
    found: list[tuple[str, Rule | bool]] = []
    for owner, must in (
        ("provider", offering.must),
        ("profile", query.profile_must),
        ("need", query.need_must),
    ):
        found += [(f"{owner}.must.{i}", rule) for i, rule in enumerate(conjuncts(must))]
    return [*found, *((f"curation.{c}", place not in exclusions[c]) for c in sorted(exclusions))]


def slow_verdict(
    offerings: list[OfferingFacts], query: Query, exclusions: dict[str, list[int]]
) -> tuple[dict[str, str | None], list[tuple[bool, bool]]]:
    """The rule that excluded each considered offering, and (alive, unconfirmed) of each row."""
    excluded: dict[str, str | None] = {}
    rows: list[tuple[bool, bool]] = []
    for place, offering in enumerate(offerings):
        facts = [pools.row_facts(offering, package, query) for package in offering.packages]
        if not is_considered(offering, query):
            rows += [(False, False)] * len(facts)
            continue
        alive, unconfirmed = [True] * len(facts), [False] * len(facts)
        excluded[offering.offering_id] = None
        for name, rule in named_rules(offering, place, query, exclusions):
            for row, fact in enumerate(facts):
                said = Answer(2 * rule) if isinstance(rule, bool) else answer(rule, fact)
                alive[row] &= said is not Answer.NO
                unconfirmed[row] |= said is Answer.UNKNOWN
            if not any(alive) and excluded[offering.offering_id] is None:
                excluded[offering.offering_id] = name
        rows += [(a, a and u) for a, u in zip(alive, unconfirmed, strict=True)]
    return excluded, rows


def verdict_of(query: Query, index: Index, exclusions: dict[str, list[int]]) -> Verdict:
    return screen(query, index, exclusions)


@given(seeds)
@EXAMPLES
def test_every_offering_is_excluded_by_the_rule_that_took_its_last_row(seed: int) -> None:
    offerings, query, exclusions = worlds(Maker(seed))
    index = pools.index_of(offerings)
    verdict = verdict_of(query, index, exclusions)
    excluded, rows = slow_verdict(offerings, query, exclusions)

    alive, unconfirmed = verdict.alive.tolist(), verdict.unconfirmed.tolist()
    assert [(alive[row], unconfirmed[row]) for row in rows_by_offering(index)] == rows
    assert {
        index.offering_ids[place]: None if rule < 0 else verdict.rules[rule]
        for place, rule in enumerate(verdict.excluded_by)
        if verdict.considered[place]
    } == excluded


@given(seeds)
@EXAMPLES
def test_the_books_are_closed(seed: int) -> None:
    offerings, query, exclusions = worlds(Maker(seed))
    index = pools.index_of(offerings)
    verdict = verdict_of(query, index, exclusions)
    scored = {index.planes.whole_of(int(row)) for row in np.flatnonzero(verdict.alive)}

    assert int(verdict.considered.sum()) == sum(verdict.excluded.values()) + len(scored)
    assert not any(verdict.excluded_by[~verdict.considered] >= 0)
    assert 0 not in verdict.excluded.values()


def test_the_random_worlds_exclude_by_every_kind_of_rule_and_leave_some_unconfirmed() -> None:
    """The control: worlds in which nothing happens would prove nothing."""
    names: set[str] = set()
    unconfirmed = 0
    for seed in range(150):
        offerings, query, exclusions = worlds(Maker(seed))
        verdict = verdict_of(query, pools.index_of(offerings), exclusions)
        names |= set(verdict.excluded)
        unconfirmed += int(verdict.unconfirmed.sum())

    assert {name.split(".")[0] for name in names} == {"provider", "profile", "need", "curation"}
    assert {"need.must.1", "provider.must.1"} <= names
    assert unconfirmed > 100


def test_an_index_without_offerings_considers_nothing() -> None:
    query = Maker(1).query(need_must=Maker(1).rule(tuple(pools.QUESTIONS)))
    verdict = verdict_of(query, pools.index_of([]), {})

    assert verdict.considered.tolist() == []
    assert verdict.excluded == {}


def test_dates_of_validity_are_inclusive() -> None:
    maker, day = Maker(3), dt.timedelta(days=1)
    ends = {
        "o0": (pools.TODAY, pools.TODAY),
        "o1": (pools.TODAY + day, None),
        "o2": (None, pools.TODAY - day),
    }
    offerings = [
        replace(maker.offering(name), valid_from=start, valid_to=end)
        for name, (start, end) in ends.items()
    ]

    index = pools.index_of(offerings)
    considered = considered_offerings(maker.query(), index)
    assert [bool(considered[index.place(name) or 0]) for name in ends] == [True, False, False]
