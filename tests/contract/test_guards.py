"""Each guard holds: with it replaced by nothing, the test that is named for it turns red."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.contract.guards import GUARDS, UNIT, Guard

ROOT = Path(__file__).parents[2]
FEWEST = 20
"""Guards that were asked for."""
Found: TypeAlias = dict[str, dict[str, list[str]]]
QUICK = [guard for guard in GUARDS if guard.test.startswith(UNIT)]


def tried(guards: list[Guard], folder: Path) -> Found:
    """By guard what became of its test as it is, and with the guard replaced."""
    report = folder / "report.json"
    files = sorted({guard.test.partition("::")[0] for guard in guards})
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.contract.disarming", "-q", *files],
        cwd=ROOT,
        env={**os.environ, "GUARDS_REPORT": str(report), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=900,
    )
    found: Found = json.loads(report.read_text())
    return found


def unproven(guards: list[Guard], found: Found) -> dict[str, dict[str, list[str]]]:
    """The guards whose test is not green with them and red without."""
    nothing: dict[str, list[str]] = {"armed": [], "disarmed": []}
    told = {guard.name: found.get(guard.name, nothing) for guard in guards}
    return {
        name: each
        for name, each in told.items()
        if set(each["armed"]) != {"passed"} or "failed" not in each["disarmed"]
    }


def test_they_are_as_many_as_was_asked_and_each_stands_somewhere() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) >= FEWEST
    assert len({guard.test for guard in GUARDS}) == len(GUARDS)
    for guard in GUARDS:
        place, name = guard.place()
        assert getattr(place, name) is not guard.without


def test_a_few_guards_hold(tmp_path: Path) -> None:
    assert len(QUICK) >= 4
    assert unproven(QUICK, tried(QUICK, tmp_path)) == {}


@pytest.mark.soak
def test_every_guard_holds(tmp_path: Path) -> None:
    assert unproven(list(GUARDS), tried(list(GUARDS), tmp_path)) == {}


def test_control_a_guard_that_nothing_rests_on_is_noticed() -> None:
    (guard,) = GUARDS[:1]
    for armed, disarmed in ((["passed"], ["passed"]), (["failed"], ["failed"]), ([], [])):
        found = {guard.name: {"armed": armed, "disarmed": disarmed}}
        assert set(unproven([guard], found)) == {guard.name}
    assert unproven([guard], {guard.name: {"armed": ["passed"], "disarmed": ["failed"]}}) == {}
