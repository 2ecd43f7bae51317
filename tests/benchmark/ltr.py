"""Ours on judged lists of others, beside other boosters with the same number and size of trees.

``python -m tests.benchmark.ltr FILE... [--test FILE] [--seeds 3]``: files in svmlight form, plain
or .gz, with ``qid:`` or with LightGBM's file of list lengths beside (``x.query`` of ``x`` or
``x.gz``). Without ``--test`` one file is cross-validated in five parts by need, several file by
file. `ours` is ``xendcg`` unrestricted; additive models have as many splits in all. What draws is
learned ``--seeds`` times; the figure is the mean. nDCG@1, 5 and 10 over needs with a relevant row,
and the middle 95 % of the paired difference to LightGBM's lambdarank at 10. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.datasets import load_svmlight_file
from tests.benchmark import judging
from tests.benchmark.judging import ADDITIVE, Judged, Way
from tests.benchmark.measuring import Bound, conclude, load

from matchmaker.ranking.lists import Floats

WAYS: Final[dict[str, Way]] = {
    "ours": judging.ours(additive=False),
    "ours_additive": judging.ours(**ADDITIVE),
    "ours_lambdarank": judging.ours(objective="lambdarank", additive=False),
    "ours_lambdarank_additive": judging.ours(objective="lambdarank", **ADDITIVE),
    "lightgbm_lambdarank": judging.lightgbm(),
    "lightgbm_xendcg": judging.lightgbm("rank_xendcg"),
    "xgboost": judging.xgboost,
    "catboost": judging.catboost,
    "pointwise": judging.pointwise,
    "extra_trees": judging.extra_trees,
    "random": judging.shuffled,
}
DRAWN: Final = frozenset({"ours", "ours_additive", "lightgbm_xendcg", "catboost", "extra_trees"})
CUTS: Final = (1, 5)
"""Beside 10."""
FOLDS: Final = 5
LEAST_OF_LIGHTGBM: Final = 0.995
ADDITIVE_WITHIN: Final = 0.010


def read(paths: Sequence[Path]) -> list[Judged]:
    """The judged rows of each file, all of one width."""
    parts = []
    for path in paths:
        packed = path.read_bytes()
        content = gzip.decompress(packed) if path.suffix == ".gz" else packed
        rows, grades, qid = load_svmlight_file(io.BytesIO(content), query_id=True)
        beside = path.with_suffix("") if path.suffix == ".gz" else path
        lengths = beside.with_name(f"{beside.name}.query")
        if lengths.is_file():
            counts = np.loadtxt(lengths, dtype=np.int64, ndmin=1)
            qid = np.repeat(np.arange(len(counts)), counts)
        parts.append((rows, grades, qid))
    width = max(rows.shape[1] for rows, _, _ in parts)
    found = []
    for rows, grades, qid in parts:
        rows.resize(rows.shape[0], width)
        found.append(Judged(rows.toarray(), grades, qid.astype(np.int64)))
    return found


def joined(parts: Sequence[Judged]) -> Judged:
    """All rows, the needs of different parts apart."""
    qid = [n * 10_000_000 + np.unique(p.qid, return_inverse=True)[1] for n, p in enumerate(parts)]
    return Judged(
        np.vstack([each.X for each in parts]),
        np.concatenate([each.y for each in parts]),
        np.concatenate(qid),
    )


def splits(parts: Sequence[Judged], test: Judged | None) -> Iterator[tuple[Judged, Judged]]:
    """What is learned from, and what is judged."""
    if test is not None:
        yield joined(parts), test
    elif len(parts) > 1:
        for place, part in enumerate(parts):
            yield joined([*parts[:place], *parts[place + 1 :]]), part
    else:
        needs, number = np.unique(parts[0].qid, return_inverse=True)
        fold = np.random.default_rng(0).permutation(np.arange(len(needs)) % FOLDS)[number]
        for each in range(FOLDS):
            yield parts[0].of(fold != each), parts[0].of(fold == each)


def main() -> int:
    """0 when every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--test", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    asked, before = parser.parse_args(), load()
    tests = [] if asked.test is None else [asked.test]
    parts = read([*asked.files, *tests])
    test = parts.pop() if tests else None
    of_each: dict[str, list[Floats]] = {name: [] for name in WAYS}
    above: dict[int, dict[str, list[Floats]]] = {k: {name: [] for name in WAYS} for k in CUTS}
    seconds = dict.fromkeys(WAYS, 0.0)
    for train, judged in splits(parts, test):
        for name, way in WAYS.items():
            seeds = range(asked.seeds if name in DRAWN else 1)
            scores = []
            for seed in seeds:
                fitted, took = judging.timed(way, train, seed)
                seconds[name] += took / len(seeds)
                scores.append(fitted(judged.X))
            of_each[name].append(np.mean([judging.of_needs(judged, s) for s in scores], axis=0))
            for k, found in above.items():
                of_cut = [judging.of_needs(judged, s, k) for s in scores]
                found[name].append(np.mean(of_cut, axis=0))
    whole = {name: np.concatenate(found) for name, found in of_each.items()}
    entries = judging.told(whole, seconds)
    rival = whole["lightgbm_lambdarank"]
    for name, entry in entries.items():
        for k, found in above.items():
            entry[f"ndcg@{k}"] = round(float(np.concatenate(found[name]).mean()), 4)
        entry["over_lightgbm_lambdarank_95%"] = judging.paired(whole[name], rival)
        print(f"{name:26} {entry}", flush=True)
    mean = {name: float(found.mean()) for name, found in whole.items()}
    return conclude(
        "ltr",
        {
            "ours / lightgbm_lambdarank": (
                mean["ours"] / mean["lightgbm_lambdarank"],
                Bound(at_least=LEAST_OF_LIGHTGBM),
            ),
            "unrestricted - additive": (
                mean["ours"] - mean["ours_additive"],
                Bound(at_most=ADDITIVE_WITHIN),
            ),
        },
        {**entries, "needs": len(rival)},
        load_before=before,
    )


if __name__ == "__main__":
    judging.one_thread()
    sys.exit(main())
