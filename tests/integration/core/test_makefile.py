"""The bootstrap of .venv, with a stand-in for Python that notes how it was called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

STAMP = ".venv/.from-lock"
PYTHON = """#!/bin/sh
echo "$0 $*" >> calls
if [ "$1 $2" = "-m venv" ]; then
    rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python
fi
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose .venv was made from its lock."""
    shutil.copy(Path(__file__).parents[3] / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    called_by_make(tmp_path)
    return tmp_path


def called_by_make(checkout: Path) -> list[str]:
    """What ``make`` asked of Python to bring .venv up to date."""
    calls = checkout / "calls"
    calls.write_text("")
    done = subprocess.run(
        ["make", STAMP, "PYTHON=./python"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Whether the interpreter runs at all is asked each time.
    return [line for line in calls.read_text().splitlines() if not line.endswith("-c ")]


@pytest.mark.parametrize("has_stamp", [True, False])
def test_a_venv_whose_interpreter_is_gone_is_made_again(checkout: Path, has_stamp: bool) -> None:  # noqa: FBT001
    pip, python = checkout / ".venv/bin/pip", checkout / ".venv/bin/python"
    shutil.copy(python, pip)
    python.unlink()
    python.symlink_to(checkout / "uninstalled")
    if not has_stamp:
        (checkout / STAMP).unlink()
    called = called_by_make(checkout)
    assert "./python -m venv --clear .venv" in called
    assert any(line.startswith(".venv/bin/python -m pip install") for line in called)


def test_a_venv_that_works_is_left_alone(checkout: Path) -> None:
    assert called_by_make(checkout) == []
