"""The scorecard is an estimator of scikit-learn, and its tables give what it predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests import pools
from tests.pools import Maker

from matchmaker.matching.service import score
from matchmaker.ranking import features, scorecard
from matchmaker.ranking.scorecard import (
    IncompatibleTables,
    ScorecardRanker,
    from_card,
)
from matchmaker.ranking.tables import MILLION, compile_card

_NO_LABELS = "labels are not read: with n = 0 judged needs the published weights are the model"
EXPECTED = {
    "check_estimators_empty_data_messages": "fit without rows is how a card is put in force",
    "check_regressors_train": _NO_LABELS,
    "check_supervised_y_2d": _NO_LABELS,
    "check_supervised_y_no_nan": _NO_LABELS,
}


def expected_failures(_estimator: object) -> dict[str, str]:
    return EXPECTED


@parametrize_with_checks([ScorecardRanker()], expected_failed_checks=expected_failures)  # type: ignore[untyped-decorator]
def test_it_keeps_the_contract_of_an_estimator(
    estimator: ScorecardRanker, check: Callable[[ScorecardRanker], None]
) -> None:
    check(estimator)


def test_a_clone_has_the_weights_and_is_not_fitted() -> None:
    ranker = ScorecardRanker((1, 2)).fit(np.zeros((0, 2)))
    copy = clone(ranker)

    assert copy.get_params() == {"weights": (1, 2)}
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
    search = GridSearchCV(ScorecardRanker(), grid, cv=3).fit(steps, labels)

    assert search.best_params_ == {"weights": right}
    assert search.best_score_ == 1.0


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
