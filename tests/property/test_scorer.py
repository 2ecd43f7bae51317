"""Needs that are scored together have the integers that each has alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pools
from tests.pools import Maker
from tests.property.test_score import model_of, worlds

from matchmaker.matching.scorer import Recent, Scorer
from matchmaker.matching.service import Scoring, score
from matchmaker.ranking import alike, features
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
