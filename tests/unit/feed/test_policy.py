"""How long a delivery waits for its next attempt."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from tests.factories import SEEDS

from matchmaker.feed.webhooks import policy

STEADY = msgspec.structs.replace(policy.load(SEEDS), jitter=0.0)


@pytest.mark.parametrize(
    ("attempt", "asked", "seconds"),
    [
        (1, None, 5),
        (1, 0.0, 5),
        (1, 3.0, 5),
        (1, 120.0, 120),
        (1, 1e9, 86_400),
        (9, 10.0, 86_400),
    ],
)
def test_what_is_asked_for_makes_it_longer_within_a_bound_and_never_shorter(
    attempt: int, asked: float | None, seconds: float
) -> None:
    assert STEADY.pause_before(attempt, asked) == dt.timedelta(seconds=seconds)


def test_nobody_asks_for_more_attempts() -> None:
    assert STEADY.pause_before(len(STEADY.pauses), 1.0) is None
