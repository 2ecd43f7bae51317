"""What every benchmark does the same way: ways in turn, medians, the load, one last line."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

REPEATS: Final = 5
T = TypeVar("T")


def load() -> float:
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def interleaved(ways: Mapping[str, Callable[[], T]], repeats: int = REPEATS) -> dict[str, list[T]]:
    """What each way gave each time: all of them in turn, then all of them again."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for repeat, name in _turns(ways, repeats):
        found[name].append(ways[name]())
        _tell(repeat, name, found[name][-1])
    return found


async def interleaved_async(
    ways: Mapping[str, Callable[[], Awaitable[T]]], repeats: int = REPEATS
) -> dict[str, list[T]]:
    """The same of ways that are awaited."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for repeat, name in _turns(ways, repeats):
        found[name].append(await ways[name]())
        _tell(repeat, name, found[name][-1])
    return found


def _turns(ways: Iterable[str], repeats: int) -> Iterator[tuple[int, str]]:
    return ((repeat, name) for repeat in range(1, repeats + 1) for name in ways)


def _tell(repeat: int, name: str, what: object) -> None:
    print(f"repeat {repeat} {name:24} {what}  load {load():.2f}", flush=True)


def medians(found: Mapping[str, Sequence[float]], digits: int = 3) -> dict[str, float]:
    """The median of each way."""
    return {name: round(statistics.median(values), digits) for name, values in found.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """The least of ``values`` that ``share`` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Bound:
    """What a figure must be: at most or at least some number."""

    def __init__(self, *, at_most: float = math.inf, at_least: float = -math.inf) -> None:
        """State it."""
        self.at_most, self.at_least = at_most, at_least

    def holds(self, value: float) -> bool:
        """Whether ``value`` is so; what is not a number is not."""
        return self.at_least <= value <= self.at_most

    def __str__(self) -> str:
        ends = {">=": self.at_least, "<=": self.at_most}
        return " ".join(f"{sign} {end:g}" for sign, end in ends.items() if math.isfinite(end))


def conclude(
    name: str,
    judged: Mapping[str, tuple[float, Bound]],
    figures: Mapping[str, object],
    *,
    load_before: float,
) -> int:
    """Print the last line, one JSON object; 0 where every judged figure is as it must be."""
    missed = [each for each, (value, bound) in judged.items() if not bound.holds(value)]
    report = {
        "benchmark": name,
        **figures,
        "load_average": [load_before, load()],
        "judged": {
            each: {"is": round(value, 4), "wanted": str(bound)}
            for each, (value, bound) in judged.items()
        },
        "missed": missed,
        "reached": not missed,
    }
    print(json.dumps(report, ensure_ascii=False))
    return 1 if missed else 0
