"""What is installed for production is what is tested, without what only developers need."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text()))


def test_production_installs_the_versions_that_are_tested() -> None:
    tested, installed = pins("requirements.lock"), pins("deploy/requirements.lock")
    assert len(installed) > 30
    assert installed.items() <= tested.items()


def test_production_installs_no_tool_of_developers() -> None:
    tools = {"hypothesis", "mypy", "pyright", "pytest", "ruff", "schemathesis", "uv"}
    assert tools <= pins("requirements.lock").keys()
    assert not tools & pins("deploy/requirements.lock").keys()
