"""Counts that are compared with each other, by somebody who wants to know of one firm."""

# ruff: noqa: S311
from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest

from matchmaker.enterprise.reach import counting
from matchmaker.enterprise.reach.counting import Dimension, Table, Traits

LEAST = 5
WORLDS = 200
Firms = dict[int, Traits]
Told = Mapping[str, Table]
JURISDICTIONS = {"province": "33", "city": "3302", "county": "330282", "neighbour": "32"}
"""One within the other, and one beside them."""
FUND = "fund"
"""An agency of one programme, wherever the firms in it are."""
PLACES = ("330282", "330283", "330100", "330300", "320500", "320100", "110105")
INDUSTRIES = ("C33", "C34", "C35", "C13", None)
SCALES = ("micro", "small", "medium", "large", None)
STAGES = ("not_started", "tool_assisted", "standardised", None)


def overseers(traits: Traits) -> frozenset[str]:
    place = traits.place or ""
    found = {name for name, prefix in JURISDICTIONS.items() if place.startswith(prefix)}
    return frozenset(found | ({FUND} & {*traits.programmes}))


def firm(draw: random.Random) -> Traits:
    place = draw.choice(PLACES)
    return Traits(
        place=place,
        clusters=(),
        region=place[:4] + "00",
        industry=draw.choice(INDUSTRIES),
        scale=draw.choices(SCALES, (40, 30, 10, 4, 3))[0],
        stage=draw.choice(STAGES),
        programmes=draw.choices(((), (FUND,)), (3, 1))[0],
    )


class Safe:
    """Counts as they are served, from one day to the next."""

    def __init__(self) -> None:
        self.firms: Firms = {}

    def count(self, now: Firms) -> Told:
        self.firms = counting.settled(self.firms, now, overseers, LEAST)
        return counting.tables(self.firms, overseers, LEAST)


class Naive:
    """A threshold alone: exact totals, and cells of fewer than ``LEAST`` left out."""

    def count(self, now: Firms) -> Told:
        return {
            name: self._of([t for t in now.values() if name in overseers(t)])
            for name in (*JURISDICTIONS, FUND)
        }

    def _of(self, within: list[Traits]) -> Table:
        cells = {
            dimension: {
                code: count
                for code, count in Counter(t.of(dimension) for t in within).items()
                if count >= LEAST
            }
            for dimension in Dimension
        }
        return Table(len(within), cells)


def numbers(told: Told) -> Iterator[tuple[object, int]]:
    """Everything that is told, and what is left of a total when its cells are taken away."""
    for name, table in told.items():
        yield (name, "total"), table.total
        for dimension, cells in table.cells.items():
            yield (name, dimension, "the rest"), table.total - sum(cells.values())
            for code, count in cells.items():
                yield (name, dimension, code), count


def differences(told: Told) -> Iterator[int]:
    """What two jurisdictions, one within the other, tell of the firms between them."""
    for inner, outer in (("city", "province"), ("county", "city"), ("county", "province")):
        if inner not in told or outer not in told:
            continue
        yield told[outer].total - told[inner].total
        for dimension in Dimension:
            within, around = (told[n].cells.get(dimension, {}) for n in (inner, outer))
            for code in {*within} & {*around}:
                yield around[code] - within[code]


def few(found: int) -> bool:
    """Whether a number speaks of a few firms, and so of one of them."""
    return 0 < abs(found) < LEAST


def world(draw: random.Random) -> Firms:
    """Firms of which none is still waiting to be counted with others."""
    firms = {number: firm(draw) for number in range(draw.randint(30, 150))}
    sizes = Counter(map(overseers, firms.values()))
    settled = [traits for traits in firms.values() if sizes[overseers(traits)] >= LEAST]
    return dict(enumerate(settled))


def _turned(traits: Traits) -> Traits:
    """The firm after it joined the programme, or left it."""
    return traits._replace(programmes=() if traits.programmes else (FUND,))


def told_of_few(made: Safe | Naive, draw: random.Random) -> list[str]:
    """Which attacks find a number that speaks of fewer than ``LEAST`` firms."""
    firms = world(draw)
    before = made.count(firms)
    found = []
    if any(few(number) for _, number in numbers(before)):
        found.append("totals")
    if any(few(number) for number in differences(before)):
        found.append("nested")
    was = dict(numbers(before))
    for name, later in {
        "joined": {**firms, 1000: firm(draw)},
        "left": {number: t for number, t in firms.items() if number},
        "changed": {**firms, 0: firm(draw)},
        "took part": {**firms, 0: _turned(firms[0])},
    }.items():
        is_ = dict(numbers(made.count(later)))
        if any(is_.get(key, 0) != was.get(key, 0) for key in is_.keys() | was.keys()):
            found.append(name)
    return found


def attacked(make: Callable[[], Safe | Naive]) -> Counter[str]:
    return Counter(
        name for seed in range(WORLDS) for name in told_of_few(make(), random.Random(seed))
    )


def test_no_comparison_tells_of_fewer_firms_than_it_may() -> None:
    assert attacked(Safe) == {}


def test_control_a_threshold_alone_gives_firms_away() -> None:
    """The same attacks: most worlds tell of somebody, by every one of them."""
    found = attacked(Naive)
    assert set(found) == {"totals", "nested", "joined", "left", "changed", "took part"}
    assert min(found.values()) > WORLDS / 4, found


def test_control_something_is_told() -> None:
    told = [number for seed in range(20) for number in _safe_numbers(seed)]
    assert sum(told) > 1000


def _safe_numbers(seed: int) -> list[int]:
    draw = random.Random(seed)
    firms = {number: firm(draw) for number in range(100)}
    return [number for _, number in numbers(Safe().count(firms))]


def test_over_many_days_every_change_is_of_several_firms() -> None:
    """Firms come, go and change one by one; each parcel moves by five of them or not at all."""
    draw, safe = random.Random(7), Safe()
    firms: Firms = {number: firm(draw) for number in range(60)}
    safe.count(firms)
    moves = 0
    for day in range(400):
        before = dict(safe.firms)
        firms = {**firms, draw.choice([*firms, 1000 + day]): firm(draw)}
        safe.count(firms)
        changed: Counter[frozenset[str]] = Counter()
        for number in before.keys() | safe.firms.keys():
            old, new = before.get(number), safe.firms.get(number)
            if old != new:
                changed.update({overseers(t) for t in (old, new) if t is not None})
        changed.pop(frozenset(), None)
        assert all(count >= LEAST for count in changed.values()), changed
        moves += bool(changed)
    assert moves > 10, "the control: they do move"


@pytest.mark.parametrize("step", range(1, 6))
def test_who_are_all_alike_are_not_told_to_be(step: int) -> None:
    """Nine of ten firms, and ten of ten: whoever knows that a firm is there would know the rest."""
    micro = Traits("330100", (), "330100", "C33", "micro", None)
    firms = {n: micro._replace(scale="small" if n < step % 5 else "micro") for n in range(10)}
    told = Safe().count(firms)["province"]
    assert told.total == 10
    assert told.cells[Dimension.REGION] == {"330100": 10}
    assert told.cells[Dimension.SCALE] == told.cells[Dimension.STAGE] == {}


@pytest.mark.parametrize("step", range(1, 6))
def test_another_jurisdiction_starts_from_what_was_counted(step: int) -> None:
    """A new agency with fewer newcomers than may be told of is told nothing of them."""
    draw = random.Random(step)
    # Nobody waits: else those who do and the newcomers are told of together, and are enough.
    firms = world(draw)
    before = counting.settled({}, firms, overseers, LEAST)
    joined = firms | {1000 + number: firm(draw) for number in range(step)}

    def more(traits: Traits) -> frozenset[str]:
        return overseers(traits) | ({"new"} if (traits.place or "").startswith("3301") else set())

    after = counting.settled(before, joined, more, LEAST)
    new = [n for n in after if n >= 1000 and more(after[n])]
    sizes = Counter(more(after[n]) for n in new)
    assert all(count >= LEAST for count in sizes.values())
