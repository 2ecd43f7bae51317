"""What the benchmarks share: turns, percentiles, bounds and the last line."""

from __future__ import annotations

import json
import math

import pytest
from tests.benchmark.measuring import Bound, conclude, interleaved, medians, percentile


def test_ways_take_turns() -> None:
    asked: list[str] = []

    def way(name: str) -> int:
        asked.append(name)
        return len(asked)

    found = interleaved({"a": lambda: way("a"), "b": lambda: way("b")}, 3)
    assert asked == ["a", "b"] * 3
    assert found == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert medians(found) == {"a": 3, "b": 4}


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_of_fifty_values_the_99th_percentile_is_the_greatest() -> None:
    assert percentile(range(50), 0.99) == 49


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [
        (Bound(at_most=5), 5, True),
        (Bound(at_most=5), 5.01, False),
        (Bound(at_least=10), 10, True),
        (Bound(at_least=10), 9.99, False),
        (Bound(at_least=1, at_most=1), 1.01, False),
        (Bound(at_most=5), math.nan, False),
    ],
)
def test_a_bound_holds_up_to_its_end(bound: Bound, value: float, *, holds: bool) -> None:
    assert bound.holds(value) is holds


@pytest.mark.parametrize(("value", "missed"), [(2.0, []), (3.0, ["ratio"])])
def test_the_last_line_says_what_was_missed(
    capsys: pytest.CaptureFixture[str], value: float, missed: list[str]
) -> None:
    judged = {"ratio": (value, Bound(at_most=2)), "share": (1.0, Bound(at_least=1))}
    status = conclude("name", judged, {"offerings": 7}, load_before=0.5)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == len(missed)
    assert (last["missed"], last["reached"]) == (missed, not missed)
    assert last["judged"]["ratio"] == {"is": value, "wanted": "<= 2"}
    assert (last["benchmark"], last["offerings"], len(last["load_average"])) == ("name", 7, 2)
