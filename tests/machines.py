"""Every state machine of the product, found by walking its rooms."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Final

import matchmaker
from matchmaker.core.machine import Machine


def _found() -> tuple[Machine[Any], ...]:
    found: dict[str, Machine[Any]] = {}
    for module in pkgutil.walk_packages(matchmaker.__path__, "matchmaker."):
        if module.name.rpartition(".")[2] == "machine":
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Machine):
                    found[value.noun] = value
    return tuple(found.values())


MACHINES: Final = _found()
