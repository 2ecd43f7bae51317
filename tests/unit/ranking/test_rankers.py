"""Every ranker is an estimator of scikit-learn: checks, clones, pipelines, searches, routing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests import judged

from matchmaker.ranking.baselines import Bm25Ranker, PopularityRanker, ShuffleRanker
from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.prior import PopularityPrior
from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.scorecard import ScorecardRanker

_CANDIDATES = (
    "a row of weight 0 is a judgement that does not count, of a row that stays a candidate: to "
    "remove it, or to repeat another, changes the list"
)
_CROSS_FITTED = "fit_transform leaves a need's own judgements out, as TargetEncoder does"
EXPECTED: dict[type[Ranker], dict[str, str]] = {
    ScorecardRanker: {
        "check_sample_weight_equivalence_on_dense_data": _CANDIDATES,
    },
    ListwiseGradientBoostingRanker: {"check_sample_weight_equivalence_on_dense_data": _CANDIDATES},
    MatchRanker: {"check_sample_weight_equivalence_on_dense_data": _CANDIDATES},
    PopularityPrior: {
        "check_transformer_general": _CROSS_FITTED,
        "check_transformer_data_not_an_array": _CROSS_FITTED,
    },
}


def small() -> ListwiseGradientBoostingRanker:
    """Trees that a few rows can grow."""
    return ListwiseGradientBoostingRanker(max_iter=5, min_samples_leaf=2, random_state=0)


RANKERS = (
    ScorecardRanker(),
    small(),
    MatchRanker(trees=small(), random_state=0),
    PopularityPrior(random_state=0),
    ShuffleRanker(),
    PopularityRanker(),
    Bm25Ranker(),
)
LEARNING = RANKERS[:3]


def expected_failures(estimator: Ranker) -> dict[str, str]:
    return EXPECTED.get(type(estimator), {})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(RANKERS, expected_failed_checks=expected_failures)  # type: ignore[untyped-decorator]
def test_it_keeps_the_contract_of_an_estimator(
    estimator: Ranker, check: Callable[[Ranker], None]
) -> None:
    check(estimator)


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda each: type(each).__name__)
def test_a_clone_has_the_same_parameters_and_learns_the_same(ranker: Ranker) -> None:
    steps, grades, qid = judged.additive(12)
    first, second = (clone(ranker).fit(steps, grades, qid=qid).predict(steps) for _ in range(2))

    assert np.array_equal(first, second)


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda each: type(each).__name__)
def test_the_order_of_the_rows_does_not_matter(ranker: Ranker) -> None:
    steps, grades, qid = judged.additive(12)
    mixed = np.random.default_rng(3).permutation(len(steps))
    mixed = mixed[np.argsort(qid[mixed] * 0 + mixed % 2, kind="stable")]
    straight = clone(ranker).fit(steps, grades, qid=qid)
    # Within a need rows keep their order: what is drawn for a row is drawn by its place.
    stable = np.lexsort((np.arange(len(steps)), np.arange(len(steps)) % 30))
    other = clone(ranker).fit(steps[stable], grades[stable], qid=qid[stable])

    assert straight.predict(steps) == pytest.approx(other.predict(steps), abs=1e-9)
    assert straight.score(steps[mixed], grades[mixed], qid=qid[mixed]) == pytest.approx(
        straight.score(steps, grades, qid=qid)
    )


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("ranker", LEARNING, ids=lambda each: type(each).__name__)
def test_qid_and_weights_are_routed_through_a_pipeline_and_a_search(ranker: Ranker) -> None:
    steps, grades, qid = judged.additive(15)
    weights = np.where(qid < 5, 0.5, 1.0)
    routed = (
        clone(ranker)
        .set_fit_request(qid=True, sample_weight=True)
        .set_score_request(qid=True, sample_weight=True)
    )
    pipeline = make_pipeline(FunctionTransformer(), routed)
    given = {"qid": qid, "sample_weight": weights}
    direct = clone(ranker).fit(steps, grades, **given).predict(steps)
    assert np.array_equal(pipeline.fit(steps, grades, **given).predict(steps), direct)

    search = GridSearchCV(
        pipeline, {"functiontransformer__validate": [False, True]}, cv=GroupKFold(3)
    ).fit(steps, grades, groups=qid, **given)
    assert search.best_score_ == pytest.approx(
        np.mean(
            cross_val_score(
                pipeline, steps, grades, cv=GroupKFold(3), params={"groups": qid, **given}
            )
        )
    )
    assert search.best_score_ > 0.6


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("grades", "more"),
    [
        ([-1, 0], {}),
        ([1, 0], {"qid": [1]}),
        ([1, 0], {"sample_weight": [1]}),
        ([1, 0], {"sample_weight": [-1, 1]}),
        ([1, 0], {"sample_weight": [0, 0]}),
        ([1, 0], {"sample_weight": [np.nan, 1]}),
    ],
)
def test_what_cannot_be_judged_is_refused(
    ranker: Ranker, grades: list[float], more: dict[str, list[float]]
) -> None:
    with pytest.raises(ValueError, match=r"y|qid|sample_weight"):
        clone(ranker).fit([[0, 1], [1, 0]], grades, **more)


def test_a_shuffle_scores_the_mean_of_all_orders() -> None:
    steps, grades, qid = judged.additive(4)
    ranker = ShuffleRanker().fit(steps, grades, qid=qid)
    random = np.random.default_rng(0)
    drawn = [
        ScorecardRanker().fit(steps).score(random.permuted(steps, axis=0), grades, qid=qid)
        for _ in range(400)
    ]

    assert ranker.score(steps, grades, qid=qid) == pytest.approx(np.mean(drawn), abs=0.02)


def test_a_column_orders_alone() -> None:
    steps, grades, _ = judged.additive(2)
    for ranker in (PopularityRanker(1), Bm25Ranker(1)):
        found = ranker.fit(steps, grades).predict(steps)
        assert np.array_equal(np.argsort(found), np.argsort(steps[:, 1] / 1024))
    with pytest.raises(ValueError, match="column"):
        PopularityRanker(9).fit(steps, grades).predict(steps)
