"""Needs that are scored together have the integers that each has alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import pools
from tests.pools import Maker
from tests.property.test_score import model_of, worlds

from matchmaker.matching.ordering import Order
from matchmaker.matching.scorer import Recent, Scorer
from matchmaker.matching.service import Model, Scoring, score
from matchmaker.ranking import alike, features, matrices, together
from matchmaker.ranking.query import Query

EXAMPLES = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)
NEEDS = 12
UNASKED = {"acceptance", "freshness"}
"""Features that read nothing of a query, or the day alone, which is the screen's too."""


def mixtures(seed: int, first: Query) -> list[Query]:
    """Needs that ask much alike: each field is that of one of three."""
    random = Random(seed)  # noqa: S311 - no secret
    maker = Maker(random)
    rules = [maker.rule(tuple(pools.QUESTIONS), 3) for _ in range(2)]
    whole = [first]
    for rule in rules:
        prefer = tuple(maker.leaf(random.choice(pools.ASKED_OF_ROW)) for _ in range(2))
        facts = pools.firm_facts(maker)
        later = pools.AS_OF + dt.timedelta(days=random.randint(0, 200))
        whole.append(
            maker.query(kind=first.kind, as_of=later, facts=facts, need_must=rule, prefer=prefer)
        )
    # What is the same for all of them leaves something that only one field tells apart.
    settled = [each.name for each in fields(Query) if random.random() < 0.4]
    return [
        replace(
            first,
            **{
                each.name: getattr(random.choice(whole), each.name)
                for each in fields(Query)
                if each.name not in settled
            },
        )
        for _ in range(NEEDS)
    ]


def is_same(one: Scoring, other: Scoring) -> bool:
    """Whether two scorings are the same in every integer and every mark."""
    arrays = [
        (getattr(each.verdict, name) for each in (one, other))
        for name in ("considered", "scored", "excluded_by", "alive", "unconfirmed")
    ]
    arrays += [(each.row_scores for each in (one, other)), (each.keys for each in (one, other))]
    arrays += [(each.text.sums for each in (one, other))]
    if one.steps.keys() != other.steps.keys():
        return False
    for name in one.steps:
        steps = one.steps[name], other.steps[name]
        arrays += [(each.table for each in steps), (each.unstated for each in steps)]
    told = [
        (each.ends, each.active, each.text.known, each.verdict.rules, dict(each.verdict.excluded))
        for each in (one, other)
    ]
    return told[0] == told[1] and all(np.array_equal(*pair) for pair in arrays)


def compared(seed: int) -> list[bool]:
    """Of needs in three batches of one scorer, whether each is as it is alone."""
    offerings, first, curations = worlds(seed)
    queries = mixtures(seed, first)
    index, model = pools.index_of(offerings), model_of(seed)
    scorer = Scorer(index, model, curations)
    batches: Sequence[Sequence[Query]] = (queries[:7], queries)
    return [
        is_same(found, score(found.query, index, model, curations))
        for batch in batches
        for found in scorer.scores(batch)
    ]


def is_same_order(one: Order, other: Order) -> bool:
    """Whether two orders are the same in every integer, and so in what follows from them."""
    arrays = [(getattr(each, name) for each in (one, other)) for name in ("keys", "scored", "best")]
    arrays += [(each.verdict.alive for each in (one, other))]
    told = [
        (each.query, each.active, each.ends, [each.order(count) for count in (1, 3, 20)])
        for each in (one, other)
    ]
    ranks = [[each.rank(int(offering)) for offering in each.scored] for each in (one, other)]
    same = told[0] == told[1] and ranks[0] == ranks[1]
    return same and all(np.array_equal(*pair) for pair in arrays)


def models(seed: int) -> Model:
    """The card, with pairs, with scores beyond 32 bits, or one that prefers a family to itself."""
    usual = pools.model(pairs=seed % 4 == 1)
    if seed % 4 == 2:
        dear = {name: 100 * each for name, each in usual.tables.effects.items()}
        return replace(usual, tables=replace(usual.tables, effects=dear))
    if seed % 4 == 3:
        category = usual.card.features["category"]
        odd = replace(category, grid={"same": 500, "family": 1000})
        return replace(
            usual, card=replace(usual.card, features={**usual.card.features, "category": odd})
        )
    return usual


def great(queries: Sequence[Query], seed: int) -> list[Query]:
    """Some with a budget of which no product is exact in floating point, or with hardly any."""
    random = Random(seed)  # noqa: S311 - no secret
    budgets = (1, 10**9, 4 * 10**12)
    return [
        replace(each, budget=random.choice(budgets)) if random.random() < 0.2 else each
        for each in queries
    ]


def ordered(seed: int, alone: Callable[..., Order] = score) -> list[bool]:
    """Of needs in batches of one scorer, whether each has the order that it has ``alone``."""
    offerings, first, curations = worlds(seed)
    index, model = pools.index_of(offerings), models(seed)
    queries = great(mixtures(seed, first), seed)
    scorer = Scorer(index, model, curations)
    batches: Sequence[Sequence[Query]] = (queries[:7], queries)
    return [
        is_same_order(found, alone(query, index, model, curations))
        for batch in batches
        for query, found in zip(batch, scorer.orders(batch), strict=True)
    ]


@pytest.fixture
def in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few needs side by side, and little that is kept of them."""
    monkeypatch.setattr(together, "NEEDS", 5)
    monkeypatch.setattr(together, "KEPT", 200)


@given(seeds)
@settings(EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("in_short")
def test_orders_together_are_those_alone(seed: int) -> None:
    assert all(ordered(seed))


@pytest.mark.parametrize("name", ["scale", "stage", "region", "prefer", "weeks", "price"])
def test_an_order_depends_on_all_that_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where needs pass for alike that are not, orders are wrong."""
    if name == "price":
        monkeypatch.setattr(matrices.Prices, "alike", lambda *_: ())
    else:
        monkeypatch.setattr(alike, "ASKS", {**alike.ASKS, name: lambda _: None})
    assert any(not all(ordered(seed)) for seed in range(60))


@given(seeds)
@EXAMPLES
def test_scores_together_are_those_alone(seed: int) -> None:
    assert all(compared(seed))


@pytest.mark.parametrize("name", [*sorted(set(features.BY_NAME) - UNASKED), "screen"])
def test_what_is_alike_names_all_that_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where the key forgets what a feature reads, scores are wrong."""
    if name == "screen":
        monkeypatch.setattr(alike, "of_screen", lambda *_: None)
    else:
        monkeypatch.setattr(alike, "ASKS", {**alike.ASKS, name: lambda _: None})
    assert any(not all(compared(seed)) for seed in range(60))


def test_what_is_asked_twice_is_kept_and_no_more_than_so_much() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    recent: Recent[str] = Recent(2)
    for key in ("a", "a", "a", "b", "b", "c", "a"):
        assert recent.get(key, lambda key=key: make(key)) == key  # type: ignore[misc]
    assert made == ["a", "a", "b", "b", "c", "a"]
