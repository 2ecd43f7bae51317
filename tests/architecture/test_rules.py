"""The rules of the house hold in every module, and each rule catches its own control."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.architecture.rules import RULES, Module, Rule

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "matchmaker"
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@functools.cache
def modules() -> list[Module]:
    return [
        Module(path.relative_to(SOURCE).as_posix(), path.read_text())
        for path in sorted(SOURCE.rglob("*.py"))
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_holds(rule: Rule) -> None:
    broken = [f"{m.path}:{line}" for m in modules() for line in rule.check(m)]
    assert not broken, f"{rule.name}: {rule.reason}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_catches_its_control(rule: Rule) -> None:
    assert list(rule.check(Module(rule.control_path, rule.control)))


def lint_imports(config: Path, working_directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--config", config],
        cwd=working_directory,
        env={"PYTHONPATH": str(working_directory / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_rooms_keep_their_layers() -> None:
    done = lint_imports(ROOT / "pyproject.toml", ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "content", "contract"),
    [
        ("core/upward.py", "import matchmaker.catalog", "rooms: arrows only down"),
        ("rules/heavy.py", "import numpy", "rules: the standard library alone"),
        ("ranking/stored.py", "import sqlalchemy", "ranking: no database, no HTTP"),
        ("catalog/queries.py", "import matchmaker.catalog.service", "inside a slice"),
        ("catalog/service.py", "import litestar", "no HTTP below the controllers"),
        ("catalog/controllers.py", "import sqlalchemy", "no SQL in the controllers"),
    ],
)
def test_a_broken_layer_is_caught(tmp_path: Path, module: str, content: str, contract: str) -> None:
    """The control: the same contracts over a copy with one wrong import."""
    copy = tmp_path / "src" / "matchmaker"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / module
    before = target.read_text() if target.exists() else ""
    target.write_text(f"{before}\n{content}\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = lint_imports(tmp_path / "pyproject.toml", tmp_path)
    assert done.returncode == 1, done.stdout
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), done.stdout


def test_every_room_with_models_is_under_the_slice_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    listed = {name for c in contracts for name in c.get("containers", ())}
    rooms = {f"matchmaker.{path.parent.name}" for path in SOURCE.glob("*/controllers.py")}
    assert rooms <= listed
