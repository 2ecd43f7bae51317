"""Processor time of learning, of tables and of contributions, beside LightGBM and scikit-learn.

``python -m tests.benchmark.compiled [--needs 2000] [--candidates 100] [--features 40]``: steps with
an additive truth, one thread. Learning: ours (xendcg, unrestricted, as LightGBM grows) and additive
against LightGBM's xendcg with the same trees. Then 200 rows of as many features as a match has:
tables against the trees of scikit-learn and of LightGBM; contributions of every feature of every
row against LightGBM's ``pred_contrib``. In turn, medians. The last line is one JSON object.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from tests.benchmark import judging
from tests.benchmark.judging import Judged
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes

from matchmaker.ranking import features, tables
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.columns import Int
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.steps import FULL, Level, Steps
from matchmaker.ranking.tables import ScoreTables

ROWS: Final = 200
CALLS: Final = 200
SERVED_NEEDS: Final = 200
TREES, LEAVES = 100, 31
SLOWER: Final = Bound(at_most=1.3)
OVER_SKLEARN, OVER_LIGHTGBM, OVER_CONTRIB = (Bound(at_least=each) for each in (50, 5, 50))


def lists(needs: int, candidates: int, features: int) -> Judged:
    """Graded lists of steps."""
    random = np.random.default_rng(0)
    steps = random.integers(0, FULL + 1, (needs * candidates, features)).astype(np.float64)
    utility = np.sqrt(steps[:, :10]).sum(axis=1) + 20 * random.standard_normal(len(steps))
    rank = np.argsort(np.argsort(-utility.reshape(needs, -1), axis=1), axis=1).ravel()
    grades = np.searchsorted([-20, -10, -4, -1], -rank, side="right").astype(np.float64)
    return Judged(steps, grades, np.repeat(np.arange(needs), candidates))


def seconds(call: Callable[[], Any], calls: int) -> float:
    """Processor time of one call."""
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls


def learning(data: Judged) -> tuple[dict[str, float], dict[str, Any]]:
    """Seconds to learn once, and what was learned last."""
    given = {"max_leaf_nodes": LEAVES, "max_iter": TREES, "min_samples_leaf": 20}
    ways = {
        "ours": judging.ours(**given, additive=False, learning_rate=0.1),
        "ours_additive": judging.ours(**given, learning_rate=0.1),
        "lightgbm_xendcg": judging.lightgbm(
            "rank_xendcg", num_leaves=LEAVES, min_child_samples=20, learning_rate=0.1
        ),
    }
    learned: dict[str, Any] = {}

    def learn(name: str) -> float:
        learned[name], took = judging.timed(ways[name], data)
        return round(took, 3)

    found = interleaved({name: partial(learn, name) for name in ways}, 3)
    return medians(found), learned


def served(compiled: ScoreTables, rows: Int) -> Callable[[], Int]:
    """Scores of encoded rows, as a match adds them up."""
    none = np.zeros(len(rows), np.bool_)
    steps = {
        name: Steps(Level.ROW, np.ascontiguousarray(column), none)
        for name, column in zip(compiled.effects, rows.T, strict=True)
    }
    planes = Planes((len(rows),))
    return lambda: tables.score(compiled, steps, planes)


def contributions(compiled: ScoreTables, rows: Int) -> Callable[[], Int]:
    """What each feature of each row adds over its reference, of shape (rows, features)."""
    effects = np.array([*compiled.effects.values()])
    references = [compiled.references[name] for name in compiled.effects]
    place = np.arange(len(effects))
    base = effects[place, references]
    return lambda: effects[place, rows] - base


def main() -> int:
    """0 when every figure was reached."""
    asked, before = sizes(__doc__, needs=2000, candidates=100, features=40), load()
    data = lists(asked.needs, asked.candidates, asked.features)
    took, _ = learning(data)
    data = lists(SERVED_NEEDS, asked.candidates, len(features.FEATURES))
    _, learned = learning(data)
    ranker: ListwiseGradientBoostingRanker = learned["ours_additive"].__self__
    names = [each.name for each in features.FEATURES]
    compiled = tables.compile_model(ranker, "compiled", names, dict.fromkeys(names, 512))
    rows = data.X[:ROWS]
    steps, rival = rows.astype(np.int64), learned["lightgbm_xendcg"].__self__
    trees: HistGradientBoostingRegressor = ranker.booster_
    ways: dict[str, Callable[[], float]] = {
        "tables": lambda: seconds(served(compiled, steps), CALLS),
        "sklearn": lambda: seconds(lambda: trees.predict(rows), 20),
        "lightgbm": lambda: seconds(lambda: rival.booster_.predict(rows, num_threads=1), 20),
        "contributions": lambda: seconds(contributions(compiled, steps), CALLS),
        "lightgbm_contrib": lambda: seconds(
            lambda: rival.booster_.predict(rows, pred_contrib=True, num_threads=1), 3
        ),
    }
    found = {name: statistics.median(each) for name, each in interleaved(ways).items()}
    summed = contributions(compiled, steps)().sum(axis=1)
    base = sum(compiled.at_references(names).values())
    assert np.array_equal(summed + base, served(compiled, steps)()), "contributions are the score"
    return conclude(
        "compiled",
        {
            "learning: ours / lightgbm": (took["ours"] / took["lightgbm_xendcg"], SLOWER),
            "tables: sklearn / ours": (found["sklearn"] / found["tables"], OVER_SKLEARN),
            "tables: lightgbm / ours": (found["lightgbm"] / found["tables"], OVER_LIGHTGBM),
            "contributions: lightgbm / ours": (
                found["lightgbm_contrib"] / found["contributions"],
                OVER_CONTRIB,
            ),
        },
        {"learning_s": took, "ms": {k: round(v * 1000, 4) for k, v in found.items()}},
        load_before=before,
    )


if __name__ == "__main__":
    judging.one_thread()
    sys.exit(main())
