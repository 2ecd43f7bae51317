"""Judged lists with a truth that is known: for tests of what learns from them."""

from __future__ import annotations

import numpy as np

from matchmaker.ranking.lists import Floats

Judged = tuple[Floats, Floats, Floats]
"""Steps of shape (rows, features), grades, and the need of each row."""


def additive(needs: int, seed: int = 0, *, rows: int = 30, features: int = 4) -> Judged:
    """What is wanted bends in the first feature, rises in the second; the others are noise."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 1025, (needs * rows, features)).astype(np.float64)
    utility = 2 * np.minimum(steps[:, 0], 300) / 300 + steps[:, 1] / 1024
    return graded(steps, utility, needs, random)


def paired(needs: int, seed: int = 0, *, rows: int = 30) -> Judged:
    """The first two features are wanted together alone; the third is noise."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 1025, (needs * rows, 3)).astype(np.float64)
    utility = 2.0 * ((steps[:, 0] > 512) == (steps[:, 1] > 512))
    return graded(steps, utility, needs, random)


def graded(steps: Floats, utility: Floats, needs: int, random: np.random.Generator) -> Judged:
    """The best tenth of each list graded 2, the next fifth 1, by the utility and some noise."""
    noisy = (utility + 0.2 * random.standard_normal(len(utility))).reshape(needs, -1)
    rank = np.argsort(np.argsort(-noisy, axis=1), axis=1).ravel() / noisy.shape[1]
    grades = (rank < 0.1).astype(np.float64) + (rank < 0.3)
    return steps, grades, np.repeat(np.arange(needs), noisy.shape[1]).astype(np.float64)
