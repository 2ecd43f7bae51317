"""Trees for whole lists: their loss, their promises, and the private names they rest on."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from sklearn._loss.link import IdentityLink
from sklearn._loss.loss import BaseLoss
from sklearn.ensemble import HistGradientBoostingRegressor
from tests import judged

from matchmaker.ranking import metrics
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker, NotAdditive, _Growing
from matchmaker.ranking.lists import Floats, Lists
from matchmaker.ranking.losses import LOSSES, LambdaRank, ListwiseLoss, XeNdcg

OBJECTIVES = pytest.mark.parametrize("objective", sorted(LOSSES))


def ranker(objective: str = "xendcg", **more: Any) -> ListwiseGradientBoostingRanker:  # noqa: ANN401
    given = {"max_leaf_nodes": 8, "random_state": 0, "max_iter": 60, **more}
    return ListwiseGradientBoostingRanker(objective=objective, **given)


class Half:
    """Draws of one half: the loss without chance."""

    def random(self, size: int) -> Floats:
        return np.full(size, 0.5)


def test_xendcg_begins_with_the_gradient_of_its_cross_entropy() -> None:
    lists = Lists.of([2, 0, 1, 0, 3], [0, 0, 0, 1, 1], [1, 1, 1, 2, 2])
    loss = XeNdcg(lists)
    loss.random = Half()  # type: ignore[assignment]
    scores = np.array([0.3, -0.2, 0.1, 0.4, 0.0])

    def entropy(at: Floats) -> float:
        wanted = lists.weights * (2**lists.grades - 0.5)
        wanted /= lists.spread(lists.sums(wanted))
        return float(-(lists.spread(np.array([1, 2])) * wanted) @ np.log(lists.softmax(at)))

    share = lists.softmax(scores)
    wanted = lists.weights * (2**lists.grades - 0.5)
    first = loss.counts * (share - wanted / lists.spread(lists.sums(wanted)))
    slopes = [
        (entropy(scores + 1e-6 * unit) - entropy(scores - 1e-6 * unit)) / 2e-6
        for unit in np.eye(len(scores))
    ]
    gradient, hessian = loss.derivatives(scores)

    assert first == pytest.approx(slopes, abs=1e-6)
    assert np.sign(gradient).tolist() == np.sign(first).tolist()
    assert (hessian > 0).all()


def test_lambdarank_pulls_each_pair_by_the_ndcg_that_its_swap_moves() -> None:
    grades, scores = np.array([0.0, 2.0, 1.0]), np.array([0.5, 0.1, -0.4])
    gradient, _ = LambdaRank(Lists.of(grades)).derivatives(scores)
    expected = np.zeros(3)
    for better, worse in ((1, 0), (1, 2), (2, 0)):
        swapped = scores.copy()
        swapped[[better, worse]] = scores[[worse, better]]
        move = abs(metrics.ndcg(grades, scores) - metrics.ndcg(grades, swapped))
        apart = scores[better] - scores[worse]
        pull = move / (0.01 + abs(apart)) / (1 + math.exp(apart))
        expected[better] -= pull
        expected[worse] += pull

    total = np.abs(expected).sum()
    assert gradient / np.abs(gradient).sum() == pytest.approx(expected / total)


@OBJECTIVES
def test_a_list_without_a_relevant_row_teaches_nothing(objective: str) -> None:
    loss = LOSSES[objective](Lists.of([0, 0, 0, 1], [0, 0, 1, 1]))
    gradient, _ = loss.derivatives(np.array([1.0, -1.0, 1.0, -1.0]))

    assert gradient[:2].tolist() == [0, 0]
    assert gradient[2] > 0 > gradient[3]


@OBJECTIVES
def test_it_ranks_unseen_needs_better_than_any_line_could(objective: str) -> None:
    steps, grades, qid = judged.additive(150)
    unseen, wanted, of_need = judged.additive(100, 1)
    found = ranker(objective).fit(steps, grades, qid=qid).score(unseen, wanted, qid=of_need)
    lines = [
        metrics.ndcg(wanted, unseen[:, 0] * share + unseen[:, 1] * (1 - share), of_need)
        for share in np.linspace(0, 1, 11)
    ]

    assert found > max(lines) + 0.01


@OBJECTIVES
def test_weights_say_which_judgements_count(objective: str) -> None:
    steps, grades, qid = judged.additive(60)
    is_wrong = qid % 2 == 1
    grades = np.where(is_wrong, 2 - grades, grades)
    unseen, wanted, of_need = judged.additive(60, 1)

    def reached(weight: float) -> float:
        weights = np.where(is_wrong, weight, 1.0)
        found = ranker(objective).fit(steps, grades, qid=qid, sample_weight=weights)
        return found.score(unseen, wanted, qid=of_need)

    assert reached(0) > reached(1) + 0.05


def test_a_declared_sign_is_kept_and_without_it_broken() -> None:
    steps, grades, qid = judged.additive(20)
    random = np.random.default_rng(5)
    rows = random.integers(0, 1025, (100_000, 4)).astype(float)
    better = rows.copy()
    better[:, 1] = np.minimum(1024, rows[:, 1] + random.integers(0, 200, len(rows)))

    def violations(signs: tuple[int, ...] | None) -> int:
        found = ranker(monotonic=signs).fit(steps, grades, qid=qid)
        return int((found.predict(better) < found.predict(rows)).sum())

    assert violations((1, 1, 0, 0)) == 0
    assert violations(None) > 1000, "the control: noise bends the curve"


def test_additive_curves_are_what_the_trees_say() -> None:
    steps, grades, qid = judged.additive(40)
    found = ranker(pairs=((0, 1), (2, 1))).fit(steps, grades, qid=qid)
    assert found.pair_booster_ is not None

    def measured(booster: HistGradientBoostingRegressor, columns: Floats) -> Floats:
        base = booster.predict(np.full((1, columns.shape[1]), np.nan))
        return np.asarray(booster.predict(columns) - base, np.float64)

    pairs = measured(found.pair_booster_, found._bins(steps))
    assert found.predict(steps) == pytest.approx(measured(found.booster_, steps) + pairs, abs=1e-9)
    steps[::7, 2] = np.nan
    single = ranker().fit(steps, grades, qid=qid)
    assert single.predict(steps) == pytest.approx(measured(single.booster_, steps), abs=1e-9)


def test_what_is_missing_adds_nothing() -> None:
    steps, grades, qid = judged.additive(40)
    steps[qid < 20, 3] = np.nan
    found = ranker(pairs=((0, 1),), early_stopping=False).fit(steps, grades, qid=qid)
    nothing = np.full((1, 4), np.nan)
    alone = [np.where(np.arange(4) == each, steps, np.nan) for each in range(4)]
    both = np.where(np.arange(4) < 2, steps, np.nan)

    assert found.predict(nothing).tolist() == [0.0]
    assert found.predict(steps) == pytest.approx(
        found.predict(both) + found.predict(alone[2]) + found.predict(alone[3])
    )
    assert np.abs(found.predict(both) - sum(map(found.predict, alone[:2]))).max() > 0.01


def test_a_feature_that_no_need_opens_says_nothing() -> None:
    steps, grades, qid = judged.additive(40)
    steps[:, 2] = np.nan
    found = ranker(pairs=((1, 2),)).fit(steps, grades, qid=qid)
    opened = steps.copy()
    opened[:, 2] = 700

    assert np.array_equal(found.predict(opened), found.predict(steps))
    assert found.score(steps, grades, qid=qid) > 0.7


def test_only_a_listed_pair_is_learned_together() -> None:
    steps, grades, qid = judged.paired(80)
    unseen, wanted, of_need = judged.paired(80, 1)

    def reached(**more: Any) -> float:  # noqa: ANN401
        return (
            ranker(**{"max_iter": 150, **more})
            .fit(steps, grades, qid=qid)
            .score(unseen, wanted, qid=of_need)
        )

    alone, other = reached(), reached(pairs=((1, 2),))
    assert reached(pairs=((0, 1),)) > max(alone, other) + 0.2


def test_a_monotone_pair_never_falls() -> None:
    steps, grades, qid = judged.paired(40)
    found = ranker(pairs=((0, 1),), monotonic=(1, 0, 0)).fit(steps, grades, qid=qid)
    _, pairs = found.effects()

    assert (np.diff(pairs[0, 1], axis=0) >= -1e-6).all()
    assert (np.diff(pairs[0, 1], axis=1) < 0).any()


def test_growing_ends_where_held_out_needs_are_ranked_best() -> None:
    steps, grades, qid = judged.additive(40)
    early = ranker(max_iter=300, n_iter_no_change=10).fit(steps, grades, qid=qid)
    whole = ranker(max_iter=300, early_stopping=False).fit(steps, grades, qid=qid)

    assert 1 <= early.n_iter_ < whole.n_iter_ == 300
    few = qid < 10
    assert ranker(max_iter=7).fit(steps[few], grades[few], qid=qid[few]).n_iter_ == 7


def test_beside_an_offset_that_is_too_sharp_leaves_stay_small() -> None:
    steps, grades, qid = judged.additive(20)
    loss = LOSSES["xendcg"]
    sharp = 60 * steps[:, 1] / 1024

    def longest_step(*, capped: bool) -> float:
        gradient, hessian = np.zeros((2, len(steps)))
        loss(Lists.of(grades, qid), offset=sharp, capped=capped).gradient_hessian(
            np.arange(len(steps), dtype=np.float64), np.zeros(len(steps)), None, gradient, hessian
        )
        return float(np.abs(gradient / hessian).max())

    assert longest_step(capped=True) <= 1 + 1e-9
    assert longest_step(capped=False) > 100, "the control: the plain Newton step"

    def farthest(*, capped: bool) -> float:
        found = ranker(early_stopping=False, max_iter=5)
        grow = _Growing(found.fit(steps, grades, qid=qid), Lists.of(grades, qid), 0)
        return float(np.ptp(grow.trees(steps, None, None, sharp, capped=capped).predict(steps)))

    assert farthest(capped=True) <= 2 * 5 * 0.1 + 1e-9
    assert farthest(capped=False) > 5


def test_an_offset_counts_where_needs_are_held_out() -> None:
    steps, grades, qid = judged.additive(40)
    perfect = 100 * grades
    found = ranker(max_iter=100, n_iter_no_change=5).fit(steps, grades, qid=qid, offset=perfect)

    assert found.n_iter_ < 10


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ({"objective": "pairs"}, {}),
        ({"monotonic": (1,)}, {}),
        ({"monotonic": (2, 0)}, {}),
        ({}, {"offset": [np.nan, 0.0]}),
    ],
)
def test_parameters_out_of_range_are_refused(
    parameters: dict[str, object], given: dict[str, list[float]]
) -> None:
    asked = ListwiseGradientBoostingRanker(**parameters)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"objective|monotonic|offset"):
        asked.fit([[0, 1], [1, 0]], [1, 0], **given)


def test_trees_that_mix_features_have_no_effects() -> None:
    steps, grades, qid = judged.additive(10)
    with pytest.raises(NotAdditive):
        ranker(additive=False).fit(steps, grades, qid=qid).effects()


class TestPrivateNamesOfScikitLearn:
    """One for each private name that is used; where one fails, docs/adr/0043 says what to do."""

    def test_base_loss_is_asked_for_what_ours_overrides(self) -> None:
        asked = {"closs", "link", "n_classes", "xp", "device"}
        assert set(inspect.signature(BaseLoss.__init__).parameters) == {"self", *asked}
        for name in ("fit_intercept_only", "gradient_hessian", "__call__"):
            theirs = list(inspect.signature(getattr(BaseLoss, name)).parameters)
            assert list(inspect.signature(getattr(ListwiseLoss, name)).parameters) == theirs

    def test_identity_link_leaves_scores_as_they_are(self) -> None:
        assert IdentityLink().inverse(np.array([-2.0, 3.0])).tolist() == [-2.0, 3.0]

    def test_boosting_takes_a_loss_that_sees_the_numbers_of_the_rows(self) -> None:
        seen: list[Floats] = []

        class Watching(XeNdcg):
            def gradient_hessian(self, *given: object, **named: Floats) -> object:  # type: ignore[override]
                seen.append(named["y_true"].copy())
                return super().gradient_hessian(*given, **named)  # type: ignore[arg-type]

        size = 20
        loss = Watching(Lists.of(np.arange(size) % 3))
        boosting = HistGradientBoostingRegressor(loss=loss, max_iter=2, min_samples_leaf=2)
        boosting.fit(np.arange(size)[:, None], np.arange(size))

        assert [each.tolist() for each in seen] == [list(range(size))] * 2

    def test_predictors_are_one_tree_per_round_with_thresholds_in_their_nodes(self) -> None:
        steps, grades, qid = judged.additive(10)
        found = ranker(max_iter=3).fit(steps, grades, qid=qid)

        assert [len(trees) for trees in found.booster_._predictors] == [1, 1, 1]
        nodes = found.booster_._predictors[0][0].nodes
        assert {"is_leaf", "feature_idx", "num_threshold"} <= set(nodes.dtype.names)
        cut = nodes[0]["num_threshold"]
        feature = nodes[0]["feature_idx"]
        at, above = np.full((2, 4), np.nan)
        at[feature], above[feature] = cut, np.nextafter(cut, np.inf)
        assert found.booster_.predict([at]) != found.booster_.predict([above])
