"""The blend of card and trees: exactly the card at first, the better of the two in the end."""

from __future__ import annotations

import numpy as np
import pytest
from tests import judged

from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker, NotAdditive
from matchmaker.ranking.scorecard import ScorecardRanker


def trees(**more: object) -> ListwiseGradientBoostingRanker:
    given: dict[str, object] = {"max_leaf_nodes": 6, "random_state": 0, **more}
    return ListwiseGradientBoostingRanker(**given)  # type: ignore[arg-type]


def blend(**more: object) -> MatchRanker:
    card = ScorecardRanker((1_000_000, 1_000_000, 0, 0))
    return MatchRanker(card, trees(monotonic=(1, 1, 0, 0)), random_state=0, **more)  # type: ignore[arg-type]


def fitted(data: judged.Judged) -> MatchRanker:
    steps, grades, qid = data
    return blend().fit(steps, grades, qid=qid)


def test_without_judged_needs_it_is_the_card_exactly() -> None:
    weights = (2_000_000, 1_000_000, 500_000, 0)
    steps = judged.additive(3)[0]
    ranker = MatchRanker(ScorecardRanker(weights)).fit(steps, np.zeros(len(steps)))
    card = ScorecardRanker(weights).fit(steps)

    assert ranker.share_ == 0
    assert np.array_equal(ranker.predict(steps), card.predict(steps))
    assert np.array_equal(ranker.effects()[0], card.effects()[0])


def test_one_judged_need_moves_the_card_alone() -> None:
    steps, grades, qid = judged.additive(1)
    ranker = blend().fit(steps, grades, qid=qid)

    assert ranker.trees_ is None
    assert not np.array_equal(ranker.card_.weights_, np.array([1e6, 1e6, 0, 0]))


@pytest.mark.parametrize("needs", [2, 5, 20, 100])
def test_it_is_never_much_worse_than_the_better_of_the_two(needs: int) -> None:
    steps, grades, qid = judged.additive(needs)
    unseen, wanted, of_need = judged.additive(200, 99)
    ranker = blend().fit(steps, grades, qid=qid)
    assert ranker.trees_ is not None
    alone = [each.score(unseen, wanted, qid=of_need) for each in (ranker.card_, ranker.trees_)]

    assert ranker.score(unseen, wanted, qid=of_need) >= max(alone) - 0.01


def test_the_trees_earn_their_share_and_the_prior_holds_it_back_at_first() -> None:
    bent, line = [], []
    for needs in (5, 100):
        bent.append(fitted(judged.additive(needs)).share_)
        steps, _, qid = judged.additive(needs)
        lined = judged.graded(
            steps, steps[:, :2].sum(axis=1) / 100, needs, np.random.default_rng(1)
        )
        line.append(blend().fit(steps, lined[1], qid=qid).share_)

    assert bent[0] <= 5 / 25 * 1.0 + 20 / 25 * 5 / 25
    assert bent[1] > 0.5 > line[1], "a truth that is a sum of lines needs no trees"


def test_blended_tables_and_predictions_are_of_one_scale() -> None:
    steps, grades, qid = judged.additive(30)
    ranker = blend().fit(steps, grades, qid=qid)
    assert ranker.trees_ is not None

    def within(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(np.std(scores.reshape(30, -1) - scores.reshape(30, -1).mean(1)[:, None]))

    assert within(ranker.scale_ * ranker.trees_.predict(steps)) == pytest.approx(
        within(ranker.card_.predict(steps))
    )


def test_trees_that_mix_features_are_refused() -> None:
    steps, grades, qid = judged.additive(3)
    with pytest.raises(NotAdditive):
        MatchRanker(trees=trees(additive=False)).fit(steps, grades, qid=qid)
