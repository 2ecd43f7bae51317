"""What judgements of a real catalogue teach: ``--train DIR2`` of `tests.benchmark.psg`.

Rows are the offerings of a catalogue as the serving path encodes them for a need, one row each (on
this data packages differ in nothing that a need opens). Learned from the judged needs of DIR2 and
judged on those of DIR; of one and the same folder five parts of the needs are left out in turn.
Orders are those of scores, without the cap of the slate; equal scores count as the mean of their
orders. `card` is the published card, `lightgbm` and `lightgbm_monotone` learn from the same rows,
`bm25` is the text sub-score alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.benchmark import judging
from tests.benchmark.judging import Fitted, Judged, Way
from tests.benchmark.psg.catalogue import Catalogue, import_lines, read
from tests.benchmark.psg.rankers import request_of
from tests.benchmark.psg.serving import Serving, serving

from matchmaker.core import shipped
from matchmaker.matching.query import Caller
from matchmaker.ranking import features
from matchmaker.ranking.baselines import Bm25Ranker
from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.card import Card
from matchmaker.ranking.lists import Floats
from matchmaker.ranking.scorecard import ScorecardRanker, from_card
from matchmaker.released import Released

FOLDS: Final = 5
OVER_CARD: Final = 0.03


def rows(catalogue: Catalogue, path: Serving, card: Card) -> Judged:
    """Every offering for every judged need."""
    parts, grades, qid = [], [], []
    names = tuple(card.features)
    for number, need in enumerate(catalogue.needs):
        of_need = catalogue.grades.get(need.id, {})
        if not any(grade > 0 for grade in of_need.values()):
            continue
        _, found = path.matcher.run(request_of(need, categories={}), Caller())
        index = found.index
        assert found.part.places is None, "no need of this data excludes anything"
        steps = np.full((index.offerings, len(names)), np.nan)
        given = [names.index(name) for name in found.steps]
        steps[:, given] = features.matrix(found.steps, index.planes)[: index.offerings]
        places = [path.external_ids[each].removeprefix("o") for each in index.offering_ids]
        parts.append(steps)
        grades += [of_need.get(catalogue.solutions[int(place)].id, 0) for place in places]
        qid += [number] * index.offerings
    return Judged(np.vstack(parts), np.array(grades, float), np.array(qid, np.int64))


def ways(card: Card) -> dict[str, Way]:
    """What is compared."""
    names = tuple(card.features)
    signs = [int(features.BY_NAME[name].direction != 0) for name in names]
    weights = from_card(card).weights

    def published(data: Judged, seed: int) -> Fitted:
        del seed
        return ScorecardRanker(weights, spread=0).fit(data.X).predict

    def blend(data: Judged, seed: int) -> Fitted:
        trees = ListwiseGradientBoostingRanker(
            monotonic=signs, max_leaf_nodes=5, max_iter=200, learning_rate=0.05
        ).set_params(random_state=seed)
        ranker = MatchRanker(ScorecardRanker(weights), trees, random_state=seed)
        return ranker.fit(data.X, data.y, qid=data.qid).predict

    def moved(data: Judged, seed: int) -> Fitted:
        del seed
        return ScorecardRanker(weights).fit(data.X, data.y, qid=data.qid).predict

    def bm25(data: Judged, seed: int) -> Fitted:
        del seed
        return Bm25Ranker(names.index("text")).fit(data.X, data.y).predict

    return {
        "matchmaker": blend,
        "map": moved,
        "card": published,
        "lightgbm": judging.lightgbm(),
        "lightgbm_monotone": judging.lightgbm(monotone_constraints=signs),
        "bm25": bm25,
        "random": judging.shuffled,
    }


def splits(test: Judged, train: Judged | None) -> Iterator[tuple[Judged, Judged]]:
    """What is learned from, and what is judged; without ``train`` needs are left out in turn."""
    if train is not None:
        yield train, test
        return
    needs, number = np.unique(test.qid, return_inverse=True)
    fold = np.random.default_rng(0).permutation(np.arange(len(needs)) % FOLDS)[number]
    for each in range(FOLDS):
        yield test.of(fold != each), test.of(fold == each)


def report(folder: Path, learned_from: Path) -> dict[str, Any]:
    """The whole JSON object."""
    released, found = Released(shipped.folder("seeds")), []
    is_same = folder.resolve() == learned_from.resolve()
    card = released.model.card
    for each in (folder,) if is_same else (folder, learned_from):
        catalogue = read(each)
        with serving(import_lines(catalogue.solutions), released) as path:
            found.append(rows(catalogue, path, card))
    compared, of_each = ways(card), dict[str, list[Floats]]()
    seconds = dict.fromkeys(compared, 0.0)
    for train, judged in splits(found[0], None if is_same else found[1]):
        for name, way in compared.items():
            fitted, took = judging.timed(way, train)
            seconds[name] += took
            of_each.setdefault(name, []).append(judging.of_needs(judged, fitted(judged.X)))
    whole = {name: np.concatenate(parts) for name, parts in of_each.items()}
    entries = judging.told(whole, seconds)
    reached = {name: float(each.mean()) for name, each in whole.items()}
    return {
        **entries,
        "over_card_95%": judging.paired(whole["matchmaker"], whole["card"]),
        "over_lightgbm_95%": judging.paired(whole["matchmaker"], whole["lightgbm"]),
        "needs": len(whole["card"]),
        "reached": {
            "matchmaker>=card+.03": reached["matchmaker"] >= reached["card"] + OVER_CARD,
            "matchmaker>=lightgbm": reached["matchmaker"]
            >= max(reached["lightgbm"], reached["lightgbm_monotone"]),
        },
    }
