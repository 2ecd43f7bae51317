"""Who adopts what: profiles of one year learned, those of another ranked for, beside peers.

``python -m tests.benchmark.adoption DIR [--train 2018] [--test 2019]`` reads profiles.jsonl.gz,
items.jsonl and labels.csv.gz (an item not listed has grade 0). A need is a profile; its candidates
are the items its year asked for. Every column is a smoothed share of earlier profiles: of the item
and of its category, everywhere and in each segment the profile belongs to; a profile's own answers
never enter its columns. Nothing of the test year is learned from. The figures: nDCG@5/10 over
profiles, and the mean over items of the AUC over profiles (an item that nobody or everybody adopts
is left out). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score
from tests.benchmark import judging
from tests.benchmark.judging import Fitted, Judged
from tests.benchmark.measuring import Bound, conclude, load

from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
from matchmaker.ranking.lists import Floats
from matchmaker.ranking.prior import PopularityPrior
from matchmaker.ranking.scorecard import ScorecardRanker

SINGLE: Final = (
    *("region", "size", "industry_norm", "machines", "containers", "k8s_clusters"),
    *("release_cycle", "release_automation"),
)
SEVERAL: Final = ("datacenter", "container_stage", "challenges")
ITEM, CATEGORY, FIRST_SEGMENT = 0, 1, 2
OVER_POPULARITY: Final = 0.005
LEAST_AUC: Final = 0.62


@dataclass(frozen=True, slots=True)
class Year:
    """Codes of shape (rows, columns): item, category, segments; grades; each row's profile."""

    codes: Floats
    grades: Floats
    qid: np.ndarray[tuple[int], np.dtype[np.int64]]


class Folder:
    """The data, with one code for each word of a field over all years."""

    def __init__(self, folder: Path) -> None:
        """Read it."""
        with gzip.open(folder / "profiles.jsonl.gz", "rt", encoding="utf-8") as lines:
            self.profiles: list[dict[str, Any]] = [json.loads(line) for line in lines]
        with (folder / "items.jsonl").open(encoding="utf-8") as lines:
            self.items: list[dict[str, Any]] = [json.loads(line) for line in lines]
        with gzip.open(folder / "labels.csv.gz", "rt", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            self.grades = {(r["profile_id"], r["item_id"]): int(r["grade"]) for r in rows}

    def year(self, year: int, words: Mapping[str, Sequence[str]]) -> Year:
        """The profiles of ``year`` and the items that it asked for."""
        profiles = [each for each in self.profiles if each["year"] == year]
        items = [(n, each) for n, each in enumerate(self.items) if str(year) in each["years"]]
        categories = sorted({str(each.get("category")) for each in self.items})
        of_item = np.array([[n, categories.index(str(each.get("category")))] for n, each in items])
        segments = np.array([_segments(each, words) for each in profiles])
        codes = np.hstack(
            [np.tile(of_item, (len(profiles), 1)), np.repeat(segments, len(items), axis=0)]
        )
        grades = [
            self.grades.get((profile["profile_id"], item["item_id"]), 0)
            for profile in profiles
            for _, item in items
        ]
        return Year(codes, np.array(grades, float), np.repeat(np.arange(len(profiles)), len(items)))

    def words(self, year: int) -> dict[str, list[str]]:
        """The words of each field that profiles of ``year`` use; of another year none is known."""
        found: dict[str, set[str]] = {name: set() for name in (*SINGLE, *SEVERAL)}
        for profile in self.profiles:
            if profile["year"] == year:
                for name, said in found.items():
                    value = profile.get(name) or []
                    said.update([value] if isinstance(value, str) else value)
        return {name: sorted(said) for name, said in found.items()}


def _segments(profile: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> list[float]:
    """A code for each single field, yes or no for each word of the others; NaN = not said."""
    single = [
        words[name].index(profile[name]) if profile.get(name) in words[name] else np.nan
        for name in SINGLE
    ]
    several = [
        float(word in profile[name]) if profile.get(name) else np.nan
        for name in SEVERAL
        for word in words[name]
    ]
    return [*single, *several]


def columns(train: Year, test: Year) -> tuple[Judged, Judged]:
    """Both years as steps of shares, all learned from ``train``."""
    segments = range(FIRST_SEGMENT, train.codes.shape[1])
    priors = [PopularityPrior(item, segments, random_state=0) for item in (ITEM, CATEGORY)]
    inside = [each.fit_transform(train.codes, train.grades, qid=train.qid) for each in priors]
    outside = [each.transform(test.codes) for each in priors]
    return tuple(  # type: ignore[return-value]
        Judged(np.floor(1024 * np.hstack(found)), year.grades, year.qid)
        for found, year in ((inside, train), (outside, test))
    )


def blend(data: Judged, seed: int) -> Fitted:
    """Ours: a card that weighs an item's shares alike, and monotone trees."""
    half = data.X.shape[1] // 2
    card = ScorecardRanker((1_000_000,) * half + (250_000,) * half)
    trees = ListwiseGradientBoostingRanker(
        monotonic=(1,) * data.X.shape[1], learning_rate=0.05, max_iter=200, max_leaf_nodes=5
    )
    trees.set_params(random_state=seed)
    ranker = MatchRanker(card, trees, random_state=seed)
    return ranker.fit(data.X, data.y, qid=data.qid).predict


def macro_auc(test: Year, scores: Floats) -> float:
    """The mean over items of the AUC over profiles."""
    found = []
    for item in np.unique(test.codes[:, ITEM]):
        rows = test.codes[:, ITEM] == item
        adopted = test.grades[rows] > 0
        if 0 < adopted.sum() < len(adopted):
            found.append(roc_auc_score(adopted, scores[rows]))
    return float(np.mean(found))


def popularity(train: Year, test: Year, segments: Sequence[int] = ()) -> Floats:
    """What is adopted most, also in the ``segments``."""
    prior = PopularityPrior(ITEM, segments).fit(train.codes, train.grades, qid=train.qid)
    return prior.predict(test.codes)


def main() -> int:
    """0 when every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--train", type=int, default=2018)
    parser.add_argument("--test", type=int, default=2019)
    asked, before = parser.parse_args(), load()
    folder = Folder(asked.folder)
    words = folder.words(asked.train)
    train, test = folder.year(asked.train, words), folder.year(asked.test, words)
    learned, wanted = columns(train, test)
    scores = {
        "random": np.zeros(len(test.grades)),
        "popularity": popularity(train, test),
        "segment_popularity": popularity(train, test, (FIRST_SEGMENT + 1, FIRST_SEGMENT + 2)),
    }
    seconds = dict.fromkeys(scores, 0.0)
    signs = [1] * learned.X.shape[1]
    ways = {
        "lightgbm": judging.lightgbm(),
        "lightgbm_monotone": judging.lightgbm(monotone_constraints=signs),
        "matchmaker": blend,
    }
    for name, way in ways.items():
        fitted, seconds[name] = judging.timed(way, learned)
        scores[name] = fitted(wanted.X)
    of_each = {name: judging.of_needs(wanted, each) for name, each in scores.items()}
    entries = judging.told(of_each, seconds)
    for name, each in scores.items():
        entries[name]["ndcg@5"] = round(float(judging.of_needs(wanted, each, 5).mean()), 4)
        entries[name]["auc"] = round(macro_auc(test, each), 4)
        print(f"{name:20} {entries[name]}", flush=True)
    over = float(of_each["matchmaker"].mean() - of_each["popularity"].mean())
    return conclude(
        "adoption",
        {
            "ndcg@10 over popularity": (over, Bound(at_least=OVER_POPULARITY)),
            "auc": (entries["matchmaker"]["auc"], Bound(at_least=LEAST_AUC)),
        },
        {
            **entries,
            "over_popularity_95%": judging.paired(of_each["matchmaker"], of_each["popularity"]),
            "profiles": [len(np.unique(train.qid)), len(np.unique(test.qid))],
        },
        load_before=before,
    )


if __name__ == "__main__":
    judging.one_thread()
    sys.exit(main())
