"""The best allocation, held to scipy's dense method, to brute force, and to its own proof."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from matchmaker.ranking import allocation
from matchmaker.ranking.allocation import NOBODY, NOT_ELIGIBLE, Places, allocate
from matchmaker.ranking.certificates import fault_of
from matchmaker.ranking.wishes import Worths


def places(capacity: list[int], floor: list[int] | None = None) -> Places:
    none = [0] * len(capacity)
    return Places(np.array(capacity, np.int64), np.array(floor or none, np.int64))


def worths(*rows: list[int]) -> Worths:
    return np.array(rows, np.int32)


@st.composite
def small(draw: st.DrawFn) -> tuple[Worths, Places]:
    needs, offerings = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    row = st.lists(st.integers(-1, 6), min_size=offerings, max_size=offerings)
    capacity = draw(st.lists(st.integers(0, 3), min_size=offerings, max_size=offerings))
    floor = [draw(st.integers(0, most)) for most in capacity]
    return worths(*draw(st.lists(row, min_size=needs, max_size=needs))), places(capacity, floor)


def tried(matrix: Worths, allowed: Places) -> tuple[int, int]:
    """Places of floors filled and the sum (a worth from 1), the greatest over all allocations."""
    choices = [
        [NOBODY, *(o for o, worth in enumerate(row) if worth >= 0)] for row in matrix.tolist()
    ]
    found: list[tuple[int, int]] = []
    for chosen in itertools.product(*choices):
        taken = [chosen.count(o) for o in range(matrix.shape[1])]
        if all(t <= c for t, c in zip(taken, allowed.capacity, strict=True)):
            filled = sum(min(t, f) for t, f in zip(taken, allowed.floor.tolist(), strict=True))
            worth = sum(int(matrix[n, o]) + 1 for n, o in enumerate(chosen) if o != NOBODY)
            found.append((filled, worth))
    return max(found)


class TestAllocate:
    @settings(max_examples=400, deadline=None)
    @given(small())
    def test_nothing_that_can_be_tried_is_better(self, case: tuple[Worths, Places]) -> None:
        matrix, allowed = case
        found = allocate(matrix, allowed, candidates=1)
        assert fault_of(matrix, allowed, found) is None
        given_to = int((found.offering != NOBODY).sum())
        assert (found.filled, found.total + given_to) == tried(matrix, allowed)

    @pytest.mark.parametrize("candidates", [1, 5, 20])
    def test_the_dense_method_finds_the_same_sum(self, candidates: int) -> None:
        draw = np.random.default_rng(7)
        matrix = (draw.gumbel(size=(1, 60)) * 200 + draw.normal(size=(150, 60)) * 100).astype(int)
        matrix = np.clip(matrix + 500, 0, 1000).astype(np.int32)
        allowed = places(draw.integers(1, 4, size=60).tolist())
        found = allocate(matrix, allowed, candidates)
        repeated = np.repeat(matrix + 1, allowed.capacity, axis=1)
        rows, columns = linear_sum_assignment(repeated, maximize=True)
        best = int(repeated[rows, columns].sum())
        assert found.total + int((found.offering != NOBODY).sum()) == best
        assert fault_of(matrix, allowed, found) is None

    def test_with_room_for_all_everybody_has_its_first_choice(self) -> None:
        draw = np.random.default_rng(3)
        matrix = draw.integers(-1, 100, size=(40, 10), dtype=np.int32)
        found = allocate(matrix, places([40] * 10))
        assert found.offering.tolist() == matrix.argmax(axis=1).tolist()
        assert not found.price.any()

    def test_a_scarce_offering_has_a_price(self) -> None:
        found = allocate(worths([9, 2], [8, 7]), places([1, 5]))
        assert found.offering.tolist() == [0, 1]
        assert found.price.tolist() == [1, 0]

    def test_nobody_is_moved_to_worse_so_that_everybody_is_given_something(self) -> None:
        matrix, allowed = worths([100, 0], [50, NOT_ELIGIBLE]), places([1, 1])
        found = allocate(matrix, allowed)
        assert (found.offering.tolist(), found.total) == ([0, NOBODY], 100)
        assert fault_of(matrix, allowed, found) is None

    def test_a_floor_takes_who_gives_up_least(self) -> None:
        found = allocate(worths([9, 2], [8, 7], [9, 6]), places([9, 9], [0, 2]))
        assert found.offering.tolist() == [0, 1, 1]
        assert (found.filled, found.shortfall, found.price.tolist()) == (2, None, [0, -7])

    def test_a_floor_that_cannot_be_met_says_why(self) -> None:
        no = NOT_ELIGIBLE
        matrix = worths([9, 2, no], [8, 7, 3], [5, no, no])
        found = allocate(matrix, places([9, 9, 9], [0, 2, 1]))
        assert found.shortfall is not None
        assert (found.shortfall.offerings, found.filled) == ((1, 2), 2)
        assert (found.shortfall.eligible, found.shortfall.asked) == (2, 3)
        assert fault_of(matrix, places([9, 9, 9], [0, 2, 1]), found) is None

    @pytest.mark.parametrize(("needs", "offerings"), [(0, 3), (3, 0), (0, 0)])
    def test_where_there_is_nothing_nobody_has_anything(self, needs: int, offerings: int) -> None:
        found = allocate(np.zeros((needs, offerings), np.int32), places([1] * offerings))
        assert found.offering.tolist() == [NOBODY] * needs

    def test_impossible_places_are_refused(self) -> None:
        with pytest.raises(ValueError, match="floor"):
            places([1], [2])


class TestFaultOf:
    """The proof is one only if it can fail."""

    matrix = worths([9, 2, 4], [8, 7, 1], [9, 6, -1])
    allowed = places([1, 2, 1], [0, 0, 1])

    def wrong(self, **change: object) -> str | None:
        found = allocate(self.matrix, self.allowed)
        assert fault_of(self.matrix, self.allowed, found) is None
        return fault_of(self.matrix, self.allowed, replace(found, **change))  # type: ignore[arg-type]

    def test_each_thing_is_looked_at(self) -> None:
        assert "may not" in str(self.wrong(offering=np.array([0, 1, 2])))
        assert "more needs" in str(self.wrong(offering=np.array([0, 0, 1])))
        assert "miscounted" in str(self.wrong(filled=0))
        assert "bound" in str(self.wrong(total=99))
        assert "another offering" in str(self.wrong(gain=np.zeros(3, np.int64)))
        assert "nothing" in str(self.wrong(gain=np.full(3, -1)))

    def test_a_worse_allocation_has_no_proof(self) -> None:
        found = allocate(self.matrix, self.allowed)
        worse = np.array([2, 1, 1])
        assert worse.tolist() != found.offering.tolist()
        total = int(self.matrix[np.arange(3), worse].sum())
        assert fault_of(self.matrix, self.allowed, replace(found, offering=worse, total=total))

    def test_a_claimed_shortfall_has_to_be_one(self) -> None:
        claimed = allocation.Shortfall(offerings=(2,), eligible=2, asked=1)
        assert "more places" in str(self.wrong(shortfall=claimed))


def test_the_naive_way_goes_over_capacity() -> None:
    """The control: everybody's first choice, whatever there is room for."""
    matrix = worths([9, 2], [8, 7])
    allowed = places([1, 5])
    found = allocate(matrix, allowed)
    naive = replace(found, offering=matrix.argmax(axis=1))
    assert "more needs" in str(fault_of(matrix, allowed, naive))
