"""Turning the kernels on and off: the one switch."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from matchmaker.ranking.compiled import SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def turn_on(folder: Path | None) -> bool:
    """Whether this process uses the kernels from now on.

    Not without a ``folder``: so they are turned off. Not where numba is not installed, and not
    where there can be no folder, which is logged.

    They are compiled, or loaded from ``folder``, before this returns: before a process forks or
    answers. The folder is nobody else's, since what is loaded from it is run.
    """
    if folder is None or find_spec("numba") is None:
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failure:
        _log.warning("kernels.not_kept", failure=str(failure))
        return False
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
