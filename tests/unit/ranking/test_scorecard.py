"""The scorecard: published weights, moved by judged needs, and tables that say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests import pools
from tests.pools import Maker

from matchmaker.matching.service import score
from matchmaker.ranking import features, scorecard
from matchmaker.ranking.lists import Floats
from matchmaker.ranking.scorecard import ScorecardRanker, from_card
from matchmaker.ranking.tables import MILLION, IncompatibleTables, compile_card, compile_model


def test_a_clone_has_the_weights_and_is_not_fitted() -> None:
    ranker = ScorecardRanker((1, 2)).fit(np.zeros((0, 2)))
    copy = clone(ranker)

    assert copy.get_params() == {"weights": (1, 2), "spread": 0.5}
    with pytest.raises(NotFittedError):
        copy.predict([[0, 0]])


def test_it_stands_in_a_pipeline() -> None:
    steps = np.array([[0, 1024], [1024, 0], [512, 512]])
    ranker = make_pipeline(
        FunctionTransformer(np.asarray), ScorecardRanker((MILLION, 2 * MILLION))
    ).fit(steps)

    assert ranker.predict(steps).tolist() == [2.0, 1.0, 1.5]


def test_a_search_finds_the_weights_that_the_labels_were_made_with() -> None:
    steps = np.random.default_rng(1).integers(0, 1025, (60, 2)).astype(float)
    right = (MILLION, 3 * MILLION)
    labels = ScorecardRanker(right).fit(steps).predict(steps)
    grid = {"weights": [(MILLION, MILLION), right, (3 * MILLION, MILLION)]}
    search = GridSearchCV(ScorecardRanker(spread=0), grid, cv=3).fit(steps, labels)

    assert search.best_params_ == {"weights": right}
    assert search.best_score_ == 1.0
    assert sorted(search.cv_results_["mean_test_score"])[1] < 1.0


def judged(needs: int, truth: list[float]) -> tuple[Floats, Floats, Floats]:
    """Lists of ten whose best three rows by ``truth`` are graded 3, 2 and 1."""
    random = np.random.default_rng(needs)
    steps = random.integers(0, 1025, (needs * 10, len(truth))).astype(float)
    rank = np.argsort(np.argsort(-(steps @ truth).reshape(needs, 10), axis=1), axis=1).ravel()
    return steps, np.maximum(3 - rank, 0).astype(float), np.repeat(np.arange(needs), 10)


def test_without_judged_needs_the_published_weights_are_the_model_exactly() -> None:
    card = pools.card()
    published = from_card(card)
    width = len(card.features)
    unjudged = ScorecardRanker(published.weights).fit(
        np.full((5, width), 512.0), np.zeros(5), qid=[0, 0, 1, 1, 1]
    )

    assert (unjudged.weights_ == published.weights_).all()
    assert unjudged.n_judged_ == 0
    compiled = compile_model(
        unjudged, card.name, tuple(card.features), compile_card(card).references
    )
    for name, effects in compile_card(card).effects.items():
        assert (compiled.effects[name] == effects).all()


def test_judged_needs_move_the_weights_towards_the_truth_and_more_needs_further() -> None:
    held = judged(300, [3.0, 1.0, 0.5])
    found = [ScorecardRanker().fit(held[0])]
    for needs in (5, 200):
        steps, grades, qid = judged(needs, [3.0, 1.0, 0.5])
        found.append(ScorecardRanker().fit(steps, grades, qid=qid))
    published, few, many = (each.score(held[0], held[1], qid=held[2]) for each in found)

    assert published < few < many
    assert many > 0.97
    assert found[2].weights_[0] / found[2].weights_[1] == pytest.approx(3, rel=0.15)


def test_no_weight_falls_below_nought_and_what_is_published_as_nought_stays() -> None:
    steps, grades, qid = judged(100, [2.0, -3.0, 4.0])
    ranker = ScorecardRanker((MILLION, MILLION, 0)).fit(steps, grades, qid=qid)

    assert ranker.weights_[1] == 0
    assert ranker.weights_[2] == 0
    assert ranker.weights_[0] > 0


def test_a_published_scale_does_not_hold_the_weights_nor_is_it_lost() -> None:
    steps, grades, qid = judged(50, [3.0, 1.0])
    small = ScorecardRanker((MILLION // 10, MILLION // 10)).fit(steps, grades, qid=qid)
    great = ScorecardRanker((MILLION, MILLION)).fit(steps, grades, qid=qid)

    assert small.weights_ * 10 == pytest.approx(great.weights_, rel=0.02)
    assert small.sharpness_ == pytest.approx(10 * great.sharpness_, rel=0.1)


def test_the_fit_is_the_mode_of_the_posterior() -> None:
    steps, grades, qid = judged(20, [3.0, 1.0])
    ranker = ScorecardRanker().fit(steps, grades, qid=qid)

    def minus_log(ratios: Floats) -> float:
        scores = ranker.sharpness_ * steps @ ratios / 1024
        found = ((ratios - 1) ** 2).sum() / 2 / ranker.spread**2
        for need in np.unique(qid):
            rows, gains = scores[qid == need], 2.0 ** grades[qid == need] - 1
            found -= (gains / gains.sum()) @ (rows - np.log(np.exp(rows).sum()))
        return float(found)

    best = ranker.weights_ / MILLION
    for move in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert minus_log(best + np.array(move)) > minus_log(best)


@pytest.mark.parametrize("weights", [(1,), (1, 2, 3), (1, -1)])
def test_one_weight_that_is_not_negative_for_each_feature(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one weight >= 0 for each feature"):
        ScorecardRanker(weights).fit(np.zeros((3, 2)))


def test_without_weights_all_features_weigh_one() -> None:
    assert ScorecardRanker().fit(np.zeros((2, 3))).weights_.tolist() == [MILLION] * 3


def test_the_tables_give_what_the_ranker_predicts_on_real_rows() -> None:
    maker = Maker(9)
    index = pools.index_of([maker.offering(f"o{number:02d}") for number in range(40)])
    query = maker.query(
        plain=("quality",),
        scenes=pools.SCENES[:2],
        categories=("qms",),
        budget=1_000_000,
        industries=("C3311",),
        region="210200",
        scale=1,
        stage=2,
        ready_by=maker.day(-30, 90),
        prefer=(maker.leaf("offering.seats"),),
    )
    model = pools.model()
    found = score(query, index, model, ())
    assert tuple(found.steps) == tuple(model.card.features)
    matrix = features.matrix(found.steps, index.planes)
    predicted = from_card(model.card).predict(matrix)

    assert np.abs(found.row_scores / MILLION - predicted).max() <= 1e-6 * matrix.shape[1]


def test_tables_that_differ_from_the_ranker_are_refused() -> None:
    card = pools.card()
    tables = compile_card(card)
    scorecard.check(card, tables)
    for name, effects in tables.effects.items():
        bent = effects.copy()
        bent[600:] += 1000
        other = replace(tables, effects={**tables.effects, name: bent})
        with pytest.raises(IncompatibleTables, match=r"card-2026\.11"):
            scorecard.check(card, other)


def test_a_card_of_another_weight_compiles_to_other_tables() -> None:
    card = pools.card()
    heavier = replace(card.features["price"], weight=1_500_001)
    compiled = compile_card(replace(card, features={**card.features, "price": heavier}))

    assert compiled.effects["price"][1024] == 1_500_001
    assert compiled.effects["price"][512] == 750_000
    assert compiled.references == {name: f.reference for name, f in card.features.items()}
