"""Turning the kernels on and off: the one switch."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from matchmaker.ranking.compiled import SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def turn_on(folder: Path | None) -> bool:
    """Whether this process uses the kernels from now on.

    Not without a ``folder``: so they are turned off. And not where numba is not installed.

    They are compiled, or loaded from ``folder``, before this returns: before a process forks or
    answers. The folder is nobody else's, since what is loaded from it is run.
    """
    if folder is None or find_spec("numba") is None:
        return False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    from numba import config

    config.CACHE_DIR = str(folder)
    from matchmaker.fast.kernels import Compiled

    SWITCH.kernels = Compiled()
    return True


def turn_off() -> None:
    """Numpy does it all again."""
    SWITCH.kernels = None


@contextmanager
def turned_off() -> Iterator[None]:
    """Numpy does it all meanwhile."""
    kernels, SWITCH.kernels = SWITCH.kernels, None
    try:
        yield
    finally:
        SWITCH.kernels = kernels
