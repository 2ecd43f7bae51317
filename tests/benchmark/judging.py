"""Rankers on judged lists: what is fitted, how it is judged, and the peers beside ours."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from catboost import CatBoostRanker
from lightgbm import LGBMRanker
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from xgboost import XGBRanker

from matchmaker.ranking import metrics
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.lists import Floats, Lists

TREES: Final = 100
LEAVES: Final = 15
LEAST: Final = 50
RATE: Final = 0.05
"""The same for all; an additive model has as many splits in all, in more and smaller trees."""
ADDITIVE: Final = {"max_iter": TREES * (LEAVES - 1) // 4, "max_leaf_nodes": 5}
DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged rows of several needs, the rows of each side by side."""

    X: Floats
    y: Floats
    qid: NDArray[np.int64]

    def of(self, rows: NDArray[np.bool_]) -> Judged:
        """Some of the rows."""
        return Judged(self.X[rows], self.y[rows], self.qid[rows])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many rows each need has."""
        return Lists.of(self.y, self.qid).lengths


Fitted = Callable[[Floats], Floats]
Way = Callable[[Judged, int], Fitted]
"""Learns from judged rows, with a seed; gives what predicts."""


def one_thread() -> None:
    """Every library keeps to one thread; call it before they count the processors."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    warnings.filterwarnings("ignore", message="X does not have valid feature names")


def of_needs(data: Judged, scores: Floats, k: int = 10) -> Floats:
    """nDCG@k of each need that has a relevant row."""
    lists = Lists.of(data.y, data.qid)
    found: Floats = metrics.ndcg_of(lists, scores[lists.order], k=k)[lists.is_judged()]
    return found


def paired(ours: Floats, theirs: Floats) -> list[float]:
    """The middle 95 % of the mean difference over needs drawn again, 2,000 times."""
    random, apart = np.random.default_rng(0), ours - theirs
    means = [random.choice(apart, len(apart)).mean() for _ in range(DRAWS)]
    return [round(float(each), 4) for each in np.quantile(means, (0.025, 0.975))]


def timed(way: Way, data: Judged, seed: int = 0) -> tuple[Fitted, float]:
    """What ``way`` learned from ``data``, and the seconds of processor time that it took."""
    started = time.process_time()
    found = way(data, seed)
    return found, time.process_time() - started


def ours(**more: Any) -> Way:
    """Our trees."""
    given = {
        "max_iter": TREES,
        "max_leaf_nodes": LEAVES,
        "min_samples_leaf": LEAST,
        "learning_rate": RATE,
        "early_stopping": False,
        **more,
    }

    def way(data: Judged, seed: int) -> Fitted:
        ranker = ListwiseGradientBoostingRanker(random_state=seed, **given)
        return ranker.fit(data.X, data.y, qid=data.qid).predict

    return way


def lightgbm(objective: str = "lambdarank", **more: Any) -> Way:
    """LightGBM, with the same sizes."""
    given = {
        "n_estimators": TREES,
        "num_leaves": LEAVES,
        "min_child_samples": LEAST,
        "learning_rate": RATE,
        "n_jobs": 1,
        "verbose": -1,
        **more,
    }

    def way(data: Judged, seed: int) -> Fitted:
        ranker = LGBMRanker(objective=objective, random_state=seed, **given)
        ranker.fit(data.X, data.y, group=data.lengths)
        predict: Fitted = ranker.predict
        return predict

    return way


def xgboost(data: Judged, seed: int) -> Fitted:
    """XGBoost's ``rank:ndcg``, with as many leaves."""
    ranker = XGBRanker(
        objective="rank:ndcg",
        n_estimators=TREES,
        max_leaves=LEAVES,
        max_depth=0,
        grow_policy="lossguide",
        tree_method="hist",
        learning_rate=RATE,
        n_jobs=1,
        random_state=seed,
    )
    order = np.argsort(data.qid, kind="stable")
    ranker.fit(data.X[order], data.y[order], qid=data.qid[order])
    predict: Fitted = ranker.predict
    return predict


def catboost(data: Judged, seed: int) -> Fitted:
    """CatBoost's YetiRank, with as many leaves."""
    ranker = CatBoostRanker(
        loss_function="YetiRank",
        iterations=TREES,
        grow_policy="Lossguide",
        max_leaves=LEAVES,
        min_data_in_leaf=LEAST,
        learning_rate=RATE,
        thread_count=1,
        random_seed=seed,
        verbose=False,
        allow_writing_files=False,
    )
    order = np.argsort(data.qid, kind="stable")
    ranker.fit(data.X[order], data.y[order], group_id=data.qid[order])
    predict: Fitted = ranker.predict
    return predict


def pointwise(data: Judged, seed: int) -> Fitted:
    """scikit-learn's own boosting, row by row."""
    booster = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST,
        learning_rate=RATE,
        early_stopping=False,
        random_state=seed,
    )
    predict: Fitted = booster.fit(data.X, data.y).predict
    return predict


def extra_trees(data: Judged, seed: int) -> Fitted:
    """300 extremely randomised trees, row by row."""
    forest = ExtraTreesRegressor(300, min_samples_leaf=5, n_jobs=1, random_state=seed)
    predict: Fitted = forest.fit(data.X, data.y).predict
    return predict


def shuffled(data: Judged, seed: int) -> Fitted:
    """Everything tied, which is judged by the mean of all orders."""
    del data, seed
    return lambda rows: np.zeros(len(rows))


def told(of_each: Mapping[str, Floats], seconds: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """The entry of every ranker but for its other figures."""
    return {
        name: {"ndcg@10": round(float(found.mean()), 4), "train_s": round(seconds[name], 2)}
        for name, found in of_each.items()
    }
