"""What few judged needs are worth: nDCG@10 against their number.

``python -m tests.benchmark.learning DIR [--adoption DIR] [--draws 10]``: the matcher
of the synthetic folder (its truth is what it puts in: no quality is claimed with it) and, where a
folder is given, the adoption data, each at n = 0, 5, 10, 20, 50, 100, 300 judged needs, the mean of
the draws. `card` is the published card, `map` the card that judged needs moved, `trees` the
monotone additive trees, `matchmaker` the blend, `lightgbm_monotone` the peer with the same signs.
The columns of adoption are made of the drawn profiles alone. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.benchmark import adoption, judging
from tests.benchmark.judging import Judged
from tests.benchmark.measuring import Bound, conclude, load

from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.scorecard import ScorecardRanker

SIZES: Final = (0, 5, 10, 20, 50, 100, 300)
FIRST_OVER: Final = 1.2
WITHIN: Final = 0.01


@dataclass(frozen=True, slots=True)
class World:
    """Draws of so many judged needs with the rows to judge, and what is known beforehand."""

    draw: Callable[[int, int], tuple[Judged, Judged]]
    weights: tuple[int, ...]
    signs: tuple[int, ...]


def synthetic(folder: Path) -> World:
    """The matcher: trained on one seed each, judged on 300 needs of seed 99."""
    spec = importlib.util.spec_from_file_location("generate", folder / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def of(needs: int, seed: int) -> tuple[Judged, dict[str, Any]]:
        made = module.matcher(needs, 100, 20, seed)
        steps = np.floor(1024 * made["X"].astype(np.float64))
        return Judged(steps, made["grade"].astype(float), made["qid"].astype(np.int64)), made

    test, made = of(300, 99)
    weights = tuple(int(weight * 1_000_000) for weight in made["card"])
    return World(
        lambda needs, draw: (of(max(needs, 1), draw + 1)[0], test),
        weights,
        tuple(int(sign) for sign in made["sign"]),
    )


def adopted(folder: Path) -> World:
    """Profiles of 2018 drawn, those of 2019 judged."""
    data = adoption.Folder(folder)
    words = data.words(2018)
    train, test = data.year(2018, words), data.year(2019, words)
    half = train.codes.shape[1] - adoption.FIRST_SEGMENT + 1

    def draw(needs: int, seed: int) -> tuple[Judged, Judged]:
        of_all: NDArray[np.int64] = np.unique(train.qid)
        chosen = np.random.default_rng(seed).choice(of_all, max(needs, 1), replace=False)
        rows = np.isin(train.qid, chosen)
        few = adoption.Year(train.codes[rows], train.grades[rows], train.qid[rows])
        return adoption.columns(few, test)

    return World(draw, (1_000_000,) * half + (250_000,) * half, (1,) * (2 * half))


def judged(world: World, needs: int, seed: int) -> dict[str, float]:
    """The mean nDCG@10 of each ranker that learned from ``needs`` drawn needs."""
    train, test = world.draw(needs, seed)
    published = ScorecardRanker(world.weights).fit(train.X)
    found = {"card": published.predict(test.X)}
    trees = ListwiseGradientBoostingRanker(
        monotonic=world.signs, max_leaf_nodes=5, max_iter=200, learning_rate=0.05
    )
    trees.set_params(random_state=seed)
    ranker = MatchRanker(ScorecardRanker(world.weights), trees, random_state=seed)
    grades = train.y if needs else np.zeros(len(train.y))
    ranker.fit(train.X, grades, qid=train.qid)
    found["matchmaker"] = ranker.predict(test.X)
    if needs:
        found["map"] = ranker.card_.predict(test.X)
        assert ranker.trees_ is not None
        found["trees"] = ranker.trees_.predict(test.X)
        rival = judging.lightgbm(monotone_constraints=[*world.signs], min_child_samples=20)
        found["lightgbm_monotone"] = rival(train, seed)(test.X)
    means = {name: float(judging.of_needs(test, each).mean()) for name, each in found.items()}
    if not needs:
        means["apart"] = float(np.abs(found["card"] - found["matchmaker"]).max())
    return means


def curve(name: str, world: World, draws: int) -> dict[int, dict[str, float]]:
    """The means over the draws at each size."""
    found = {}
    for needs in SIZES:
        each = [judged(world, needs, draw) for draw in range(draws if needs else 1)]
        found[needs] = {ranker: float(np.mean([e[ranker] for e in each])) for ranker in each[0]}
        said = {ranker: round(value, 4) for ranker, value in found[needs].items()}
        print(f"{name} n = {needs:3} {said}", flush=True)
    return found


def bounds(name: str, found: Mapping[int, Mapping[str, float]]) -> dict[str, tuple[float, Bound]]:
    """What the figures of one world must be."""
    below = [
        at["matchmaker"] - max(at["card"], at["map"], at["trees"])
        for needs, at in found.items()
        if needs
    ]
    return {
        f"{name}: apart from the card at n = 0": (found[0]["apart"], Bound(at_most=0.0)),
        f"{name}: over the better of card and trees, least": (min(below), Bound(at_least=-WITHIN)),
    }


def main() -> int:
    """0 when every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adoption", type=Path)
    parser.add_argument("synthetic", type=Path, metavar="DIR")
    parser.add_argument("--draws", type=int, default=10)
    asked, before = parser.parse_args(), load()
    worlds = {"matcher": synthetic(asked.synthetic)}
    if asked.adoption is not None:
        worlds["adoption"] = adopted(asked.adoption)
    found = {name: curve(name, world, asked.draws) for name, world in worlds.items()}
    wanted = {key: each for name in found for key, each in bounds(name, found[name]).items()}
    at_five: Mapping[str, float] = found["matcher"][5]
    wanted["matcher: times LightGBM monotone at n = 5"] = (
        at_five["matchmaker"] / at_five["lightgbm_monotone"],
        Bound(at_least=FIRST_OVER),
    )
    rounded = {
        name: {str(n): {r: round(v, 4) for r, v in at.items()} for n, at in curve_.items()}
        for name, curve_ in found.items()
    }
    return conclude("learning", wanted, {**rounded, "draws": asked.draws}, load_before=before)


if __name__ == "__main__":
    judging.one_thread()
    sys.exit(main())
