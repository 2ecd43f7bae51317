"""The rival's model: LightGBM, trained by lambdarank on lists of its own candidates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
from tests.benchmark import synthetic
from tests.benchmark.rival import facts, features

TREES: Final = 100
LEAVES: Final = 15
_NEEDS: Final = 100
_CANDIDATES: Final = 100
_WEIGHTS: Final = np.array([1.0, 1.0, 1.0, 0.5, 0.6, 0.4, 0.2, 2.0, 1.0, 0.8, 0.6, 0.4])
"""Of the features, for the grades to learn from: the card's."""
_CUTS: Final = (0.80, 0.90, 0.96, 0.99)


def train(path: Path, offerings: int) -> None:
    """Write a model of the usual size, trained on graded lists of the pool."""
    rng = np.random.default_rng(synthetic.SEED)
    today = synthetic.AS_OF.date()
    sample = [_offering(row) for row in range(min(offerings, 2000))]
    lists, grades = [], []
    for row in range(_NEEDS):
        told = synthetic.generator().need(synthetic.SEED, row, selective=False)
        asked = features.asked(told["profile"], told["need"], today)
        chosen = [sample[each] for each in rng.integers(0, len(sample), _CANDIDATES)]
        x = features.matrix(asked, [(float(rng.random()) * 0.1, each) for each in chosen])
        wanted = x @ _WEIGHTS + 0.2 * rng.standard_normal(len(x))
        lists.append(x)
        grades.append(np.searchsorted(np.quantile(wanted, _CUTS), wanted))
    parameters = {
        "objective": "lambdarank",
        "num_leaves": LEAVES,
        "num_threads": 1,
        "seed": synthetic.SEED,
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        np.concatenate(lists),
        np.concatenate(grades),
        group=[len(each) for each in lists],
        feature_name=list(features.NAMES),
    )
    lightgbm.train(parameters, data, TREES).save_model(str(path))


class Ranker:
    """The model as it is served."""

    def __init__(self, path: Path) -> None:
        """Load it."""
        self._booster = lightgbm.Booster(model_file=str(path))

    def scores(self, x: features.Matrix) -> Sequence[float]:
        """The score of each row."""
        found: list[float] = self._booster.predict(x, num_threads=1).tolist()
        return found


def _offering(row: int) -> facts.Offering:
    line: dict[str, Any] = synthetic.offering_line(row)
    told = line.get("attested")
    return facts.offering(line, None if told is None else dt.date.fromisoformat(told).toordinal())
