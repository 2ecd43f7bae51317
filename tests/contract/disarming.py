"""A plugin of pytest: each marked test runs as it is, and once more with its guard replaced.

What came of it is written to the file that ``GUARDS_REPORT`` names.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from tests.contract.guards import GUARDS, Guard

FOUND: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: {"armed": [], "disarmed": []})


def guard_of(item: pytest.Item) -> Guard | None:
    """The guard whose test this is."""
    return next((guard for guard in GUARDS if item.nodeid.startswith(guard.test)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is no guard's test."""
    items[:] = [item for item in items if guard_of(item) is not None]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: Any, nextitem: pytest.Item | None) -> bool:  # noqa: ANN401
    """Run the test twice; what is shared between tests stays up in between."""
    guard = guard_of(item)
    assert guard is not None
    FOUND[guard.name]["armed"].append(_outcome(item, item))
    place, name = guard.place()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(place, name, guard.without)
        item._initrequest()
        FOUND[guard.name]["disarmed"].append(_outcome(item, nextitem))
    return True


def _outcome(item: pytest.Item, nextitem: pytest.Item | None) -> str:
    """``passed``, ``failed`` where the test itself did, ``broken`` where it did not come to it."""
    reports = {each.when: each for each in runtestprotocol(item, log=False, nextitem=nextitem)}
    if not reports["setup"].passed:
        return f"broken: {reports['setup'].longreprtext[-300:]}"
    return str(reports["call"].outcome)


def pytest_sessionfinish() -> None:
    """Write what was found."""
    Path(os.environ["GUARDS_REPORT"]).write_text(json.dumps(FOUND))
