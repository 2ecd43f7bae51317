"""The rules of the house hold in every module, and each rule catches its own control."""

from __future__ import annotations

import functools
import re
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


PLANTED = [
    ("core/upward.py", "matchmaker.catalog", "rooms: arrows only down"),
    ("rules/heavy.py", "numpy", "rules: the standard library alone"),
    ("ranking/looped.py", "numba", "numba: the kernels alone"),
    ("ranking/stored.py", "sqlalchemy", "ranking: no database, no HTTP"),
    ("catalog/queries.py", "matchmaker.catalog.service", "inside a slice"),
    ("catalog/service.py", "litestar", "no HTTP below the controllers"),
    ("catalog/controllers.py", "sqlalchemy", "no SQL in the controllers"),
]
"""A module, what it must not import, and the contract that forbids it."""


@pytest.fixture(scope="module")
def found_broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By contract what is said of a copy with all the wrong imports: the graph is built once."""
    place = tmp_path_factory.mktemp("broken")
    copy = place / "src" / "matchmaker"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for module, wrong, _ in PLANTED:
        target = copy / module
        before = target.read_text() if target.exists() else ""
        target.write_text(f"{before}\nimport {wrong}\n")
    shutil.copy(ROOT / "pyproject.toml", place)
    done = lint_imports(place / "pyproject.toml", place)
    assert done.returncode == 1, done.stdout
    _, _, said = done.stdout.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-+\n", said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("module", "wrong", "contract"), PLANTED)
def test_a_broken_layer_is_caught(
    found_broken: dict[str, str], module: str, wrong: str, contract: str
) -> None:
    """The control: the contract itself names the one wrong import, by module and line."""
    (said,) = [text for name, text in found_broken.items() if name.startswith(contract)]
    dotted = "matchmaker." + module.removesuffix(".py").replace("/", ".")
    assert re.search(rf"{re.escape(dotted)} -> {re.escape(wrong)}\b", said), said


def test_every_room_with_models_is_under_the_slice_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    listed = {name for c in contracts for name in c.get("containers", ())}
    rooms = {f"matchmaker.{path.parent.name}" for path in SOURCE.glob("*/controllers.py")}
    assert rooms <= listed
