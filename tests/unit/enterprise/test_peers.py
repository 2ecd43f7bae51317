"""Peers: no figure, and no difference of figures, is of fewer than six firms."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import SEEDS

from matchmaker.enterprise.assessments import peers
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.enterprise.assessments.peers import FIRMS, Cell, Waiting
from matchmaker.enterprise.assessments.policy import load

POLICY = load(SEEDS)
LEAST = POLICY.batch
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
STAGES = ("not_started", "tool_assisted", "standardised", "integrated")


def firm(cell: Cell, day: int = 0, stage: str = "standardised", **scenes: int) -> Waiting:
    since = START + dt.timedelta(days=day)
    id_ = AssessmentId(uuid4())
    return Waiting(id=id_, cell=cell, since=since, stage=stage, scenes=scenes)


def every_cell(firms: Iterable[Waiting]) -> set[Cell]:
    return {cell for each in firms for cell in peers.cells_of(each.cell) if cell is not None}


def holds(wide: Cell, narrow: Cell) -> bool:
    return all(w is None or w == n for w, n in zip(wide, narrow, strict=True))


class Market:
    """Firms that come day after day, and what is told of them each day."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.batches: list[peers.Batch] = []

    def night(self, day: int) -> None:
        formed = list(peers.batches(self.waiting, POLICY, START + dt.timedelta(days=day)))
        counted = {member.id for batch in formed for member in batch.members}
        self.waiting = [each for each in self.waiting if each.id not in counted]
        self.batches += formed

    def told(self, cells: Iterable[Cell]) -> dict[Cell, frozenset[object]]:
        """By cell who is in its figures; the attacker sees sums over them."""
        return {
            cell: frozenset(
                member.id
                for batch in self.batches
                if holds(cell, batch.cell)
                for member in batch.members
            )
            for cell in cells
        }


def parts(told: Iterable[frozenset[object]]) -> list[int]:
    """The sizes of the smallest groups that adding and subtracting figures can tell apart."""
    pattern: dict[object, list[int]] = defaultdict(list)
    for place, members in enumerate(told):
        for member in members:
            pattern[member].append(place)
    return list(Counter(map(tuple, pattern.values())).values())


def history(seed: int) -> tuple[list[Waiting], list[dict[Cell, frozenset[object]]]]:
    """All firms of three months, and what was told after each night."""
    rng = random.Random(seed)  # noqa: S311  (the same every time)
    market, firms, told = Market(), list[Waiting](), list[dict[Cell, frozenset[object]]]()
    for day in range(0, 90, 3):
        for _ in range(rng.randint(0, 12)):
            cell = Cell(
                rng.choice(["C33", "C34", "C13", None]),
                rng.choice(["small", "small", "micro", None]),
                rng.choice(["33", "44", None]),
            )
            firms.append(firm(cell, day, rng.choice(STAGES)))
            market.waiting.append(firms[-1])
        market.night(day + 1)
        told.append(market.told(every_cell(firms)))
    return firms, told


class TestDifferencing:
    @pytest.mark.parametrize("seed", range(5))
    def test_cells_and_nights_subtracted_from_each_other_leave_six_firms(self, seed: int) -> None:
        _, told = history(seed)
        seen = [members for night in told for members in night.values() if members]
        assert len(seen) > 100
        assert min(parts(seen)) >= LEAST

    def test_control_cells_hidden_when_small_give_single_firms_away(self) -> None:
        """The naive form tells every cell of six firms as it stands each night."""
        firms, _ = history(0)
        seen = []
        for day in range(0, 90, 3):
            for cell in every_cell(firms):
                members = frozenset(
                    each.id
                    for each in firms
                    if each.since <= START + dt.timedelta(days=day) and holds(cell, each.cell)
                )
                if len(members) >= LEAST:
                    seen.append(members)
        assert min(parts(seen)) == 1

    def test_control_a_cell_less_its_neighbour_gives_a_single_firm_away(self) -> None:
        """Seven firms in a division, six of them small: the figures of the seventh are left."""
        firms = [firm(Cell("C33", "small", "33")) for _ in range(6)]
        firms.append(firm(Cell("C33", "micro", "33")))
        naive = {
            cell: frozenset(each.id for each in firms if holds(cell, each.cell))
            for cell in (Cell("C33"), Cell("C33", "small"))
        }
        assert min(parts(naive.values())) == 1
        market = Market()
        market.waiting = list(firms)
        market.night(60)
        told = market.told([Cell("C33"), Cell("C33", "small"), Cell()])
        assert parts(told.values()) == [6]

    def test_who_knows_itself_knows_five_others_at_once(self) -> None:
        _, told = history(3)
        for members in itertools.chain.from_iterable(night.values() for night in told):
            assert not members or len(members) - 1 >= 5


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["C33", "C34", None]),
            st.sampled_from(["small", "micro", None]),
            st.sampled_from(["33", "44", None]),
            st.integers(0, 40),
        ),
        max_size=60,
    )
)
def test_a_batch_is_of_firms_of_its_cell_each_once(drawn: list[tuple[object, ...]]) -> None:
    firms = [firm(Cell(*each[:3]), each[3]) for each in drawn]  # type: ignore[arg-type]
    formed = list(peers.batches(firms, POLICY, START + dt.timedelta(days=41)))
    members = [member.id for batch in formed for member in batch.members]
    assert len(set(members)) == len(members)
    for batch in formed:
        assert len(batch.members) >= LEAST
        assert all(batch.cell in peers.cells_of(member.cell) for member in batch.members)


def test_the_longer_a_firm_waits_the_wider_it_is_counted() -> None:
    firms = [firm(Cell("C33", scale, "33")) for scale in ("small", "micro") * 3]
    assert list(peers.batches(firms, POLICY, START + dt.timedelta(days=13))) == []
    (batch,) = peers.batches(firms, POLICY, START + dt.timedelta(days=14))
    assert batch.cell == Cell("C33")


def test_a_scene_that_few_know_is_not_told() -> None:
    members = [firm(Cell(), stage=STAGES[n % 2], quality=2) for n in range(LEAST)]
    members.append(firm(Cell(), quality=3, energy=4))
    sums = peers.sums_of(members, LEAST)
    found = peers.figures(sums)
    assert found is not None
    assert sums[FIRMS] == found.firms == LEAST + 1
    assert found.stages == {"not_started": 3, "tool_assisted": 3, "standardised": 1}
    assert found.scenes == {"quality": round(15 / 7, 2)}


def test_no_batch_tells_nothing() -> None:
    assert peers.figures({}) is None
