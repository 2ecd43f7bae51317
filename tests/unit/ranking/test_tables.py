"""Tables of effects: rounding, bins, ends, sums (scoring.md 6, 9 and 13)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.ranking import tables
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.steps import Level, Steps
from matchmaker.ranking.tables import ScoreTables, bin_of, card_effects, round_half_even


def tables_of(*names: str, pair: bool = False) -> ScoreTables:
    pairs = {("a", "b"): np.arange(256, dtype=np.int64).reshape(16, 16) - 100} if pair else {}
    return ScoreTables(
        "t",
        {name: card_effects(1_000_000 * (place + 1)) for place, name in enumerate(names)},
        dict.fromkeys(names, 512),
        pairs,
    )


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.integers(1, 10**6))
def test_rounding_is_half_to_even(numerators: list[int], denominator: int) -> None:
    found = round_half_even(np.array(numerators, np.int64), denominator)

    assert found.tolist() == [round(Fraction(each, denominator)) for each in numerators]


@given(st.integers(0, 5_000_000))
def test_the_effects_of_a_card_rise_from_nought_to_its_weight(weight: int) -> None:
    effects = card_effects(weight)

    assert effects[0] == 0
    assert effects[1024] == weight
    assert (np.diff(effects) >= 0).all()
    assert effects[512] == round(Fraction(weight, 2))


@pytest.mark.parametrize(("step", "place"), [(0, 0), (63, 0), (64, 1), (1023, 15), (1024, 15)])
def test_bins_are_64_wide_and_1024_lies_in_the_last(step: int, place: int) -> None:
    assert bin_of(step) == place


def test_the_ends_are_sums_of_the_tables_that_count() -> None:
    found = tables_of("a", "b", "c", pair=True)

    assert found.ends(["a", "c"]) == (0, 4_000_000)
    assert found.ends(["a", "b"]) == (-100, 3_000_000 + 155)
    assert found.ends([]) == (0, 0)


def test_a_pair_counts_where_both_its_features_do() -> None:
    found = tables_of("a", "b", pair=True)

    assert found.at({"a": 512}) == {"a": 500_000}
    assert found.at({"a": 64, "b": 1024}) == {
        "a": 62_500,
        "b": 2_000_000,
        "a x b": 16 + 15 - 100,
    }
    assert found.at_references(["a", "b"])["a x b"] == 8 * 16 + 8 - 100


def test_scores_of_rows_are_the_sums_of_what_single_rows_are_told() -> None:
    found = tables_of("a", "b", pair=True)
    none = np.zeros(2, np.bool_)
    steps = {
        "a": Steps(Level.OFFERING, np.array([100, 900], np.int64), none),
        "b": Steps(Level.ROW, np.array([0, 1024], np.int64), none, np.array([1, 1, 0], np.uint16)),
    }
    expected = [
        sum(found.at({"a": a, "b": b}).values()) for a, b in ((100, 1024), (900, 1024), (100, 0))
    ]

    assert tables.score(found, steps, Planes((2, 1))).tolist() == expected
