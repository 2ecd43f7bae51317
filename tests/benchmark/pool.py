"""A synthetic pool as a worker holds it (an index, mapped from a folder) and needs asked of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from tests.benchmark import synthetic, world
from tests.benchmark.measuring import interleaved, medians

from matchmaker.core.language import Language
from matchmaker.core.settings import INDEX
from matchmaker.matching.index import IndexHolder
from matchmaker.matching.phrases import Speaker
from matchmaker.matching.service import match
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query

LIMIT = 10
LANGUAGE: Language = "zh"
Ways = Mapping[str, Sequence[Callable[[], object]]]
"""By name what is done for each need."""


@dataclass(frozen=True)
class Pool:
    """An index of so many offerings, and needs that all of it survives, or about 3 %."""

    index: Index
    all_survive: Sequence[Query]
    few_survive: Sequence[Query]


class Took(NamedTuple):
    """Milliseconds by the thread's own clock of processor time, and by the clock on the wall."""

    cpu: float
    wall: float


def pool(offerings: int, needs: int) -> Pool:
    """The published pool of so many ``offerings``."""
    asked = [
        [synthetic.query(each) for each in synthetic.requests(needs, is_selective=is_selective)]
        for is_selective in (False, True)
    ]
    return Pool(IndexHolder(world.data(offerings) / INDEX).current().index, *asked)


def answer(query: Query, index: Index) -> int:
    """How many reasons a match gives: contributions and reasons of its first items are made."""
    released = synthetic.released()
    answered, found = match(query, index, released.model, limit=LIMIT)
    speaker = Speaker(found, released.book, released.reader.fields, LANGUAGE)
    return sum(len(speaker.reasons(item)) for item in answered.items)


def took(work: Callable[[], object]) -> Took:
    """How long ``work`` takes."""
    cpu, wall = time.thread_time(), time.perf_counter()
    work()
    return Took((time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000)


def p50(ways: Ways) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds of each way: by processor time, and by the clock on the wall."""
    for works in ways.values():
        _median_of(works)
    found = interleaved({name: partial(_median_of, works) for name, works in ways.items()})
    cpu, wall = (
        medians({name: [took[clock] for took in each] for name, each in found.items()})
        for clock in (0, 1)
    )
    return cpu, wall


def _median_of(works: Sequence[Callable[[], object]]) -> Took:
    """The median time of ``works``, each done once."""
    found = [took(work) for work in works]
    return Took(*(round(statistics.median(column), 3) for column in zip(*found, strict=True)))
