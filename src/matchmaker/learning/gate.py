"""The gate: what a model must show on needs it has not seen before it may rank."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from matchmaker.matching import composing, service
from matchmaker.ranking import features, metrics
from matchmaker.ranking.lists import Lists
from matchmaker.ranking.steps import FULL
from matchmaker.ranking.tables import score_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.learning.dataset import Dataset, JudgedList
    from matchmaker.learning.policy import Gate
    from matchmaker.matching.service import Model
    from matchmaker.ranking.lists import Floats
    from matchmaker.ranking.tables import ScoreTables

SHOWN: Final = 10
"""Places over which exposure is counted."""
_AT_ONCE: Final = 4096


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: its figure, its bound, and whether it holds."""

    rule: str
    value: float | None
    bound: float
    holds: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate found of a model beside what ranks now."""

    needs: int
    ndcg: float | None
    ndcg_now: float | None
    findings: list[Finding]
    slices: dict[str, float]

    @property
    def is_passed(self) -> bool:
        """Whether the model may rank."""
        return all(finding.holds for finding in self.findings)


def judged(held_out: Dataset, model: Model, now: Model, gate: Gate) -> Report:
    """What ``model`` shows on ``held_out`` beside ``now``, which ranks."""
    lists = [each for each in held_out.lists if each.is_judged]
    needs = np.array([each.need for each in lists])
    before, after = (np.array([_ndcg(each, m) for each in lists]) for m in (now, model))
    of_need = _by_need(needs, after - before)
    count = len(of_need)
    slices = _slices(lists, after - before, gate)
    gain = float(of_need.mean()) if count else None
    worst = min(slices.values(), default=0.0)
    rise = _gini(lists, model) - _gini(lists, now)
    falls = violations(model.tables, gate.probes)
    text, scene = (np.ptp(model.tables.effects[name]) for name in ("text", "scene_fit"))
    findings = [
        _at_least("needs", count, gate.least_needs),
        # No better is not enough: what ranks stays.
        Finding(rule="gain", value=gain, bound=0.0, holds=gain is not None and gain > 0),
        _at_least("lower_end", _lower(of_need, gate), gate.least_lower),
        _at_least("worst_slice", worst, -gate.slice_loss),
        _at_most("gini_rise", rise, gate.gini_rise),
        _at_most("monotone_violations", falls, 0),
        _at_most("text_over_scene_fit", float(text) / max(float(scene), 1.0), 1.0),
    ]
    return Report(
        needs=count,
        ndcg=float(_by_need(needs, after).mean()) if count else None,
        ndcg_now=float(_by_need(needs, before).mean()) if count else None,
        findings=findings,
        slices=slices,
    )


def violations(tables: ScoreTables, probes: int, seed: int = 0) -> int:
    """How many of ``probes`` random improvements of one fact lower a score of ``tables``.

    And every step at which the table of a directed feature falls by itself.
    """
    names = tuple(tables.effects)
    directed = [place for place, name in enumerate(names) if features.BY_NAME[name].direction]
    random = np.random.default_rng(seed)
    found = sum(int((np.diff(tables.effects[names[place]]) < 0).sum()) for place in directed)
    for start in range(0, probes, _AT_ONCE):
        count = min(_AT_ONCE, probes - start)
        rows = random.integers(0, FULL + 1, (count, len(names)))
        better = rows.copy()
        places = random.choice(directed, count)
        each = np.arange(count)
        better[each, places] = random.integers(rows[each, places], FULL + 1)
        lower = score_rows(tables, names, better) < score_rows(tables, names, rows)
        found += int(lower.sum())
    return found


def _ndcg(of: JudgedList, model: Model) -> float:
    """nDCG@10 of the list in the order of ``model``; equal scores count as the mean."""
    names = tuple(model.card.features)
    given = ~np.isnan(of.steps[0])
    active = [name for name, is_given in zip(names, given, strict=True) if is_given]
    scores = score_rows(model.tables, active, of.steps[:, given].astype(np.int64))
    return float(metrics.ndcg_of(Lists.of(of.grades), scores.astype(np.float64))[0])


def _by_need(needs: np.ndarray[tuple[int], np.dtype[np.str_]], of_list: Floats) -> Floats:
    """The mean of each need's lists."""
    if not len(needs):
        return np.zeros(0)
    _, number = np.unique(needs, return_inverse=True)
    return np.bincount(number, weights=of_list) / np.bincount(number)


def _lower(of_need: Floats, gate: Gate) -> float | None:
    """The lower end of the paired bootstrap of the mean difference over needs."""
    if not len(of_need):
        return None
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(of_need), (gate.draws, len(of_need)))
    return float(np.quantile(of_need[drawn].mean(axis=1), (1 - gate.level) / 2))


def _slices(lists: list[JudgedList], gain: Floats, gate: Gate) -> dict[str, float]:
    """The mean gain of each slice that has enough needs."""
    of_slice: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each, gained in zip(lists, gain, strict=True):
        for name in _slices_of(each):
            of_slice[name][each.need].append(float(gained))
    return {
        name: float(np.mean([np.mean(gains) for gains in of_need.values()]))
        for name, of_need in sorted(of_slice.items())
        if len(of_need) >= gate.slice_needs
    }


def _slices_of(each: JudgedList) -> list[str]:
    query = each.query
    found: Mapping[str, object | None] = {
        "kind": query.kind,
        "scale": query.scale,
        "stage": query.stage,
        "industry": query.industries[0][:3] if query.industries else None,
    }
    return [f"{name}: {'-' if value is None else value}" for name, value in found.items()]


def _gini(lists: list[JudgedList], model: Model) -> float:
    """The Gini coefficient of what providers get of the first places, as they are served."""
    exposure: dict[str, float] = {}
    for each in lists:
        providers = each.index.provider_ids
        exposure.update({name: exposure.get(name, 0.0) for name in set(providers)})
        shown = composing.slate_of(service.score(each.query, each.index, model, ()), SHOWN)
        for place, offering in enumerate(shown.offerings[:SHOWN]):
            exposure[providers[offering]] += 1 / float(np.log2(place + 2))
    sorted_ = np.sort([*exposure.values()])
    if not sorted_.sum():
        return 0.0
    count = len(sorted_)
    ranks = np.arange(1, count + 1)
    return float((2 * ranks - count - 1) @ sorted_ / (count * sorted_.sum()))


def _at_least(rule: str, value: float | None, bound: float) -> Finding:
    return Finding(rule=rule, value=value, bound=bound, holds=value is not None and value >= bound)


def _at_most(rule: str, value: float, bound: float) -> Finding:
    return Finding(rule=rule, value=value, bound=bound, holds=value <= bound)
