"""Approximate prices come from near wishes where those show what is scarce, else from all."""

from __future__ import annotations

import numpy as np
import pytest

from matchmaker.ranking import wishes
from matchmaker.ranking.wishes import Floats, Worths

CAPACITY = np.full(40, 2)


def market(popularity: float) -> Worths:
    """Worths of 70 needs, more alike the greater ``popularity``."""
    random = np.random.default_rng(3)
    worths = popularity * random.normal(size=40) + random.normal(size=(70, 40))
    least, most = worths.min(), worths.max()
    found: Worths = ((worths - least) / (most - least) * 1e6).astype(np.int32)
    return found


def of_all(worths: Worths) -> Floats:
    soft = np.float32(int(worths.max()) * wishes.SOFTNESS)
    return wishes._prices(wishes._asked_by_all(worths, soft), CAPACITY, soft)


def test_near_wishes_price_an_easy_market_as_all_do() -> None:
    worths = market(0.0)
    found, softness = wishes.approximate_prices(worths, CAPACITY), 1e6 * wishes.SOFTNESS
    assert np.abs(found - of_all(worths)).max() < softness
    assert found.max() > softness


def test_a_congested_market_is_priced_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: by near wishes alone the prices are others."""
    worths = market(8.0)
    assert np.array_equal(wishes.approximate_prices(worths, CAPACITY), of_all(worths))
    monkeypatch.setattr(wishes, "DEAR", np.inf)
    assert not np.array_equal(wishes.approximate_prices(worths, CAPACITY), of_all(worths))


def test_what_has_no_place_does_not_make_a_market_congested() -> None:
    worths, capacity = market(0.0), CAPACITY.copy()
    capacity[0] = 0
    found = wishes.approximate_prices(worths, capacity)
    assert found[0] > wishes.DEAR * wishes.NEAR * 1e6 * wishes.SOFTNESS
    soft = np.float32(int(worths.max()) * wishes.SOFTNESS)
    near = wishes._prices(wishes._asked_by_near(worths, soft), capacity, soft)
    assert np.array_equal(found, near)
