"""What hypothesis draws: in the suite the same every run, in a soak something new each time."""

from __future__ import annotations

from typing import Final

import hypothesis
from hypothesis import HealthCheck
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

SUITE: Final = "suite"
SOAK: Final = "soak"
_found = providers._get_local_constants


def is_soak() -> bool:
    """Whether the long forms run."""
    return hypothesis.settings.get_current_profile_name() == SOAK


def use() -> None:
    """Register both profiles and load the suite's; ``--hypothesis-profile=soak`` comes later.

    Nothing of the suite's hangs on how fast the machine is. Nor on what else was imported:
    hypothesis mixes in constants of the modules it finds, so that the same test would draw one
    thing by itself and another behind others.
    """
    hypothesis.settings.register_profile(
        SUITE, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    hypothesis.settings.register_profile(SOAK, derandomize=False, max_examples=2_000, deadline=None)
    hypothesis.settings.load_profile(SUITE)
    providers._get_local_constants = constants


def constants() -> Constants:
    """The constants of the code that is imported; none in the suite."""
    return _found() if is_soak() else Constants()
