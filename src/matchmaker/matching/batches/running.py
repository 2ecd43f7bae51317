"""A batch as it runs: firms in chunks, by one process or by several; the same bytes from either.

A chunk is a function of what is asked, of the index and of its firms, and chunks are joined in the
order of the firms: how many processes share them changes the time alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import multiprocessing
import os
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import numpy as np

from matchmaker.core import children
from matchmaker.core.clock import utc_now
from matchmaker.fast.turning import turn_on
from matchmaker.matching import editions, phrases
from matchmaker.matching.batches import scoring
from matchmaker.matching.batches.scoring import Desk, Outcome
from matchmaker.matching.index import IndexHolder, IndexNotReady
from matchmaker.matching.learned.shelf import Shelf, parts_of
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.registry import PHRASES
from matchmaker.ranking.allocation import NOBODY, Allocation, Places, allocate
from matchmaker.ranking.certificates import fault_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from matchmaker.matching.batches.scoring import Asked, Entrant
    from matchmaker.matching.index import IndexVersions
    from matchmaker.ranking.columns import Int

    Tell = Callable[[int, int | None, str | None], Awaitable[None]]
T = TypeVar("T")

CHUNK: Final = 64
"""Firms that are told of together: a second of work at the most."""
MOST_WORTHS: Final = 1_000_000_000
"""Pairs of firm and offering that one allocation holds: 4 GB of them, and as much again."""
_LITTLE: Final = 2_000_000
"""Pairs that are allocated in a second: more are left to a process that nobody waits for."""


class TooLarge(Exception):
    """An allocation over so many pairs of firm and offering does not fit."""


class NotProven(Exception):
    """An allocation did not pass its own check; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where another process finds what matches are made with."""

    seeds: Path
    index: Path
    kernels: Path | None = None
    """Of compiled kernels; None where they are off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Places of the offerings that are named; ``capacity`` is that of all others."""

    capacity: int | None
    capacities: dict[str, int]
    floors: dict[str, int]


@dataclass(frozen=True, slots=True)
class Task:
    """A batch as it is run: where, what is asked, by whom, and the places if they are limited."""

    desk: Desk
    asked: Asked
    entrants: Sequence[Entrant]
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Allotted:
    """An allocation that was checked, over the offerings at ``columns``."""

    columns: Int
    places: Places
    found: Allocation
    wanted: Int
    """How many firms each offering is the first choice of."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a batch; ``allotted`` is None where no place was limited."""

    outcomes: list[Outcome]
    allotted: Allotted | None


class Crew:
    """Whoever does the chunks: this process in a thread, or processes of their own."""

    def __init__(self, executor: Executor, desk: Desk, where: Where | None) -> None:
        """Note who; where there is a ``where``, others find the desk there."""
        self._executor, self._desk, self._where = executor, desk, where

    async def do(
        self, work: Callable[..., T], parts: Sequence[tuple[Any, ...]], tell: Callable[[int], Any]
    ) -> list[T]:
        """What ``work`` makes of each of the parts, in their order; told after each."""
        loop = asyncio.get_running_loop()
        if self._where is None:
            calls = [functools.partial(work, self._desk, *part) for part in parts]
        else:
            seat = (self._where, self._desk.published.versions, self._desk.matcher.model.version)
            calls = [functools.partial(_elsewhere, work, seat, *part) for part in parts]
        waiting = [loop.run_in_executor(self._executor, call) for call in calls]
        done: list[T] = []
        try:
            for each in waiting:
                done.append(await each)
                await tell(len(done))
        finally:
            for each in waiting:
                each.cancel()
        return done


@contextlib.contextmanager
def crew(desk: Desk, where: Where, processes: int) -> Generator[Crew]:
    """A crew of so many processes; of one, it is this one."""
    if processes == 1:
        with ThreadPoolExecutor(1) as executor:
            yield Crew(executor, desk, None)
        return
    with _apart(processes) as executor:
        try:
            yield Crew(executor, desk, where)
        finally:
            executor.shutdown(cancel_futures=True)


def _apart(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=children.end_with_parent,
        initargs=(os.getpid(),),
    )


async def run(task: Task, crew_: Crew, tell: Tell) -> Ran:
    """What came of every firm, and the allocation where places are limited.

    Raises:
        TooLarge: the allocation would not fit.
        NotProven: it did not pass its check.
    """
    chunks = [task.entrants[start : start + CHUNK] for start in range(0, len(task.entrants), CHUNK)]
    told = _Telling(tell, len(task.entrants), 1 if task.limits is None else 2)
    given: list[Sequence[int | None] | None] = [None] * len(chunks)
    allotted = None
    if task.limits is not None:
        allotted = await _allot(task, task.limits, chunks, crew_, told=told)
        of_all = [
            None if place == NOBODY else int(allotted.columns[place])
            for place in allotted.found.offering.tolist()
        ]
        given = [of_all[place * CHUNK : (place + 1) * CHUNK] for place in range(len(chunks))]
    parts = [(task.asked, *each) for each in zip(chunks, given, strict=True)]
    found = await crew_.do(scoring.outcomes_of, parts, told.begin("matching"))
    return Ran([each for chunk in found for each in chunk], allotted)


class _Telling:
    """Tells how many firms are done, in so many rounds over all of them."""

    def __init__(self, tell: Tell, firms: int, rounds: int) -> None:
        self._tell, self._firms, self._total = tell, firms, firms * rounds
        self._before = -firms

    def begin(self, note: str) -> Callable[[int], Awaitable[None]]:
        """Tells of the next round, by the chunks that are done."""
        self._before += self._firms

        async def told(chunks: int) -> None:
            done = self._before + min(chunks * CHUNK, self._firms)
            await self._tell(done, self._total, note)

        return told


async def _allot(
    task: Task,
    limits: Limits,
    chunks: Sequence[Sequence[Entrant]],
    crew_: Crew,
    *,
    told: _Telling,
) -> Allotted:
    columns = _columns(task.desk, task.asked)
    shape = (len(task.entrants), len(columns))
    if shape[0] * shape[1] > MOST_WORTHS:
        raise TooLarge
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        path = Path(folder) / "worths.npy"
        parts = [(task.asked, chunk, columns) for chunk in chunks]
        rows = await crew_.do(scoring.worths_of, parts, told.begin("scoring"))
        np.save(path, np.concatenate([np.zeros((0, shape[1]), np.int32), *rows]))
        del rows
        return await _allotted(
            path, columns, _places(task.desk, columns, limits, shape[0]), shape[0] * shape[1]
        )


async def _allotted(path: Path, columns: Int, places: Places, size: int) -> Allotted:
    """The allocation, made where its long steps keep nothing waiting."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) if size <= _LITTLE else _apart(1) as executor:
        found, wanted = await loop.run_in_executor(executor, _allocate, path, places)
    return Allotted(columns, places, found, wanted)


def _allocate(path: Path, places: Places) -> tuple[Allocation, Int]:
    worths = np.load(path)
    found = allocate(worths, places)
    fault = fault_of(worths, places, found)
    if fault is not None:
        raise NotProven(fault)
    if not worths.size:
        return found, np.zeros(len(places.capacity), np.int64)
    first = worths.argmax(axis=1)[worths.max(axis=1) >= 0]
    return found, np.bincount(first, minlength=len(places.capacity))


def offerings_of(desk: Desk, asked: Asked) -> int:
    """How many offerings there are of the kind."""
    return len(_columns(desk, asked))


def _columns(desk: Desk, asked: Asked) -> Int:
    """The places of the offerings of the need's kind: no other is considered."""
    kind = desk.published.index.kind
    code = kind.values.index(asked.need.kind) if asked.need.kind in kind.values else -1
    return np.flatnonzero(kind.codes == code)


def _places(desk: Desk, columns: Int, limits: Limits, firms: int) -> Places:
    """The places of the offerings at ``columns``; without a limit there is one for every firm."""
    default = firms if limits.capacity is None else min(limits.capacity, firms)
    capacity = np.full(len(columns), default, np.int64)
    floor = np.zeros(len(columns), np.int64)
    for into, counts in ((capacity, limits.capacities), (floor, limits.floors)):
        for offering_id, count in counts.items():
            place = desk.published.index.place(offering_id)
            at = np.flatnonzero(columns == (-1 if place is None else place))
            into[at] = count if into is floor else min(count, firms)
    return Places(np.maximum(capacity, floor), floor)


def _elsewhere(
    work: Callable[..., T], seat: tuple[Where, IndexVersions, str], *arguments: object
) -> T:
    return work(_desk(*seat), *arguments)


@functools.lru_cache(maxsize=1)
def _desk(where: Where, versions: IndexVersions, ranking: str) -> Desk:
    """The desk of a process of its own, on the index and with the model of these versions.

    Raises:
        IndexNotReady: one of them is not there any more.
    """
    turn_on(where.kernels)
    edition = editions.load(where.seeds)
    learned, model = parts_of(ranking).learned, edition.model
    if learned is not None:
        found = Shelf(where.index).find(learned, edition.model)
        if found is None:
            raise IndexNotReady
        model = found
    holder = IndexHolder(where.index, lambda found: found.edition == edition.names)
    published = holder.find(lambda found: found == versions)
    if published is None:
        raise IndexNotReady
    book = phrases.load(where.seeds / PHRASES)
    return Desk(Matcher(holder, model, edition.reader, book, utc_now), published)


def encoded(outcomes: Sequence[Outcome]) -> bytes:
    """The outcomes as JSON Lines."""
    encoder = msgspec.json.Encoder(order="deterministic")
    return encoder.encode_lines(outcomes)
