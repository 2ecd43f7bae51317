"""What is released with the code, loaded once for all tests of a process."""

from __future__ import annotations

from functools import cache

from tests.factories import SEEDS

from matchmaker.released import Released


@cache
def released() -> Released:
    """The release, which nobody changes; it takes half a second to load."""
    return Released(SEEDS)
