"""Popularity: smoothed, by segment, and never from a need's own judgements."""

from __future__ import annotations

import numpy as np
import pytest

from matchmaker.ranking import metrics
from matchmaker.ranking.prior import PopularityPrior


def test_shares_are_drawn_towards_what_is_known_more_widely() -> None:
    # Item 0: three of four; in segment 1 one of one. Item 1: nought of one.
    rows = np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 0]], float)
    prior = PopularityPrior(segments=(1,), strength=2).fit(rows, [1, 1, 0, 1, 0])
    everywhere = 3 / 5
    first = (3 + 2 * everywhere) / (4 + 2)
    second = (0 + 2 * everywhere) / (1 + 2)

    assert prior.transform(
        np.array([[0, 1], [1, 0], [0, 9], [5, 0], [0, np.nan]])
    ) == pytest.approx(
        np.array(
            [
                [first, (1 + 2 * first) / (1 + 2)],
                [second, (0 + 2 * second) / (1 + 2)],
                [first, first],
                [everywhere, everywhere],
                [first, first],
            ]
        )
    )
    assert prior.predict([[0, 1]]) == pytest.approx((1 + 2 * first) / 3)


def test_a_share_is_a_share_of_the_greatest_gain() -> None:
    prior = PopularityPrior(strength=0).fit([[0], [0], [1]], [2, 1, 0])

    assert prior.predict([[0], [1]]) == pytest.approx([(3 + 1) / 3 / 2, 0])


def test_weights_count_judgements() -> None:
    twice = PopularityPrior().fit([[0], [0], [1]], [1, 0, 1], sample_weight=[2, 1, 0])
    written = PopularityPrior().fit([[0], [0], [0]], [1, 1, 0])

    assert twice.predict([[0]]) == pytest.approx(written.predict([[0]]))


def test_items_that_nobody_prefers_are_not_told_by_a_needs_own_judgements() -> None:
    """With noise alone, honest columns rank at random; the naive ones rank their own labels."""
    random = np.random.default_rng(0)
    items = np.tile(np.arange(40.0), 60)[:, None]
    qid = np.repeat(np.arange(60), 40)
    grades = (random.random(len(qid)) < 0.1).astype(float)
    chance = metrics.ndcg(grades, np.zeros(len(qid)), qid)

    prior = PopularityPrior(strength=1, random_state=0)
    honest = metrics.ndcg(grades, prior.fit_transform(items, grades, qid=qid)[:, 0], qid)
    naive = metrics.ndcg(grades, prior.fit(items, grades).predict(items), qid)
    assert honest < chance + 0.03
    assert naive > chance + 0.05, "the control: its own judgements leak"
