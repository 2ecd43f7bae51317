"""Curations, pins, caps, diversity and floors together, against a composition that is slow.

The slow one knows no step of ours: it moves one offering at a time, and looks at all of the list
after each move.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests import pools
from tests.pools import Maker

from matchmaker.matching.composing import slate_of
from matchmaker.matching.service import match, standing_of
from matchmaker.ranking.moves import Moves, compose
from matchmaker.ranking.slate import (
    Boost,
    Curation,
    Diversity,
    Floor,
    MissedFloor,
    Pin,
    SlateRules,
    adds_for,
    placed,
    sums_of,
)

Limit = tuple[Callable[[int], object], int, int]
SHORT, LONG = 400, 10_000


def limits_hold(
    front: Sequence[int], place: int, limits: Sequence[Limit], pinned: set[int]
) -> bool:
    """Whether the offering that was put last breaks no limit of its place.

    Offerings that are pinned within a limit count from the beginning.
    """
    for value_of, most, first in limits:
        if place < first:
            mine = value_of(front[-1])
            before = [each for each in front[:-1] if each not in pinned]
            alike = sum(value_of(each) == mine for each in [*before, *pinned_within(pinned, first)])
            if mine is not None and alike >= most:
                return False
    return True


PLACES: dict[int, int] = {}
"""Where pinned offerings stand, in the case at hand."""


def pinned_within(pinned: set[int], first: int) -> list[int]:
    return [each for each in pinned if PLACES[each] < first]


def slow_pins(order: list[int], pins: dict[int, int]) -> list[int]:
    there = {each: place for each, place in pins.items() if each in order}
    found = [each for each in order if each not in there]
    for place in sorted(set(there.values())):
        for each in [each for each in there if there[each] == place]:
            found = [*found[: place - 1], each, *found[place - 1 :]]
    return found


def slow_limits(order: list[int], pinned: set[int], limits: Sequence[Limit]) -> list[int]:
    found: list[int] = []
    left = [each for each in order if each not in pinned]
    at = {PLACES[each]: each for each in pinned}
    deepest = max(first for _, _, first in limits)
    stuck = False
    for place in range(len(order)):
        if place in at:
            found.append(at[place])
            continue
        fitting = [
            each
            for each in left
            if place >= deepest or limits_hold([*found, each], place, limits, pinned)
        ]
        stuck = stuck or not fitting
        chosen = left[0] if stuck else fitting[0]
        left.remove(chosen)
        found.append(chosen)
    return found


def slow_floor(
    order: list[int], pinned: set[int], kept: set[int], floor: Floor[int]
) -> tuple[list[int], int]:
    """One offering at a time, as long as the floor is not met and something can be done."""
    found = list(order)
    first = min(floor.first, len(found))
    raised: list[int] = []
    lowered: list[int] = []
    while sum(each in floor.offerings for each in found[:first]) < floor.least:
        comes = [e for e in found[first:] if e in floor.offerings and e not in pinned]
        goes = [
            e
            for e in found[:first]
            if e not in floor.offerings and e not in pinned and e not in kept
        ]
        if not comes or not goes:
            break
        raised.append(comes[0])
        lowered.insert(0, goes[-1])
        free = [e for e in found if e not in pinned and e not in raised and e not in lowered]
        size = sum(e not in pinned for e in order[:first])
        front = [e for e in free if e in order[:first]]
        assert len(front) + len(raised) == size
        loose = [*front, *raised, *lowered, *(e for e in free if e not in front)]
        for each in sorted(pinned, key=PLACES.__getitem__):
            loose.insert(PLACES[each], each)
        found = loose
    return found, sum(each in floor.offerings for each in found[:first])


def slowly(
    order: list[int], moves: Moves, given: int | None
) -> tuple[list[int], list[tuple[str, int, int]]]:
    found = [given, *(e for e in order if e != given)] if given is not None else list(order)
    found = slow_pins(found, dict(moves.pins))
    pinned = {each for each in moves.pins if each in found}
    PLACES.clear()
    PLACES.update({each: found.index(each) for each in pinned})
    found = slow_limits(found, pinned, [moves.cap])
    if moves.diversity:
        found = slow_limits(found, pinned, [moves.cap, *moves.diversity])
    kept = set(pinned)
    missed = []
    for curation, floor in moves.floors:
        found, met = slow_floor(found, pinned, kept, floor)
        if met < floor.least:
            missed.append((curation, floor.least, met))
        members = [each for each in found[: floor.first] if each in floor.offerings]
        kept |= set(members[: floor.least])
    return found, missed


def case(seed: int) -> tuple[list[int], Moves, int | None]:
    r = random.Random(seed)  # noqa: S311  (a case, no secret)
    size = r.randint(1, 18)
    order = r.sample(range(size + 4), size)
    pinned = r.sample(range(size + 4), r.randint(0, min(4, size)))
    places = r.sample(range(1, size + 5), len(pinned))
    providers = {each: r.choice("abcd") for each in range(size + 4)}
    forms = {each: r.choice(("x", "y", None)) for each in range(size + 4)}
    floors = tuple(
        (
            f"c{number}",
            Floor(
                frozenset(r.sample(range(size + 4), r.randint(0, min(6, size)))),
                r.randint(1, 4),
                r.randint(1, 10),
            ),
        )
        for number in range(r.randint(0, 3))
    )
    moves = Moves(
        dict(zip(pinned, places, strict=True)),
        (providers.__getitem__, r.randint(1, 3), r.randint(1, 12)),
        tuple(
            (forms.__getitem__, r.randint(1, 3), r.randint(1, 8)) for _ in range(r.randint(0, 2))
        ),
        floors,
    )
    return order, moves, r.choice(order) if r.random() < 0.3 else None


def check(seed: int) -> Counter[str]:
    """The case of this seed is composed alike; what it had in it."""
    order, moves, given = case(seed)
    shown = compose(order, moves, given=given)
    expected, missed = slowly(order, moves, given)
    assert list(shown.offerings) == expected, seed
    assert [(each.curation, each.asked, each.met) for each in shown.missed] == missed, seed
    for place, each in enumerate(shown.offerings):
        displaced = shown.moves.get(each, ())
        assert sum(move.moved for move in displaced) == place - order.index(each)
    for each in moves.pins:
        assert each in shown.offerings or each not in order
    for short in shown.missed:
        assert short.met == min(short.eligible, short.room) < short.asked
    steps = [move.step for each in shown.moves.values() for move in each]
    return Counter({*steps, *("missed" for _ in shown.missed)})


def test_it_is_what_a_slow_composition_makes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SHORT):
        seen += check(seed)
    assert {*seen} == {"allocation", "pin", "cap", "diversity", "floor", "missed"}
    assert min(seen.values()) >= SHORT // 20, "the control: every step moved something"


@pytest.mark.soak
def test_it_is_what_a_slow_composition_makes_ten_thousand_times() -> None:
    for seed in range(LONG):
        check(seed)


def brute(order: Sequence[int], pins: dict[int, int], floor: Floor[int]) -> int:
    """The most of the floor's offerings that any list with these pins has in its first places."""
    pinned = {
        each: place for each, place in enumerate(slow_pins(list(order), pins)) if place in pins
    }
    held = {place: each for each, place in pinned.items()}
    free = [each for each in order if each not in held]
    first = min(floor.first, len(order))
    best = 0
    for loose in itertools.permutations(free):
        made = list(loose)
        for each, place in sorted(held.items(), key=lambda pin: pin[1]):
            made.insert(place, each)
        best = max(best, sum(each in floor.offerings for each in made[:first]))
    return best


def test_a_floor_is_met_whenever_any_list_with_the_pins_meets_it() -> None:
    """Of all lists there are, by trying them all; and the certificate says what none exceeds."""
    missed = 0
    for seed in range(60):
        r = random.Random(seed)  # noqa: S311  (a case, no secret)
        size = r.randint(1, 6)
        order = list(range(size))
        pins = dict(zip(r.sample(order, r.randint(0, min(2, size))), (1, 3), strict=False))
        floor = Floor(frozenset(r.sample(order, r.randint(0, size))), r.randint(1, 3), 3)
        cap = (lambda _: "p", r.randint(1, 3), 3)
        shown = compose(order, Moves(pins, cap, (), (("c", floor),)))
        there = sum(each in floor.offerings for each in shown.offerings[:3])
        most = brute(order, pins, floor)
        assert min(there, floor.least) == min(most, floor.least), seed
        if shown.missed:
            missed += 1
            (short,) = shown.missed
            assert short.met == most < floor.least
    assert missed > 5


# ---- on whole matches


def world(seed: int) -> tuple[Maker, list[str]]:
    maker = Maker(seed)
    return maker, [f"o{number:02d}" for number in range(maker.random.randint(6, 16))]


@pytest.mark.parametrize("seed", range(25))
def test_a_pin_never_shows_what_is_excluded_and_without_a_boost_the_order_is_as_before(
    seed: int,
) -> None:
    maker, ids = world(seed)
    index = pools.index_of([maker.offering(each) for each in ids])
    query, model = maker.query(), pools.model()
    gone, lifted = maker.random.sample(ids, 2)
    excluding = Curation("a", exclude=frozenset({gone}), pins=(Pin(gone, 1),))
    boosting = Curation("b", (Boost(frozenset({lifted}), 100),))
    plain, before = match(query, index, model, limit=50)
    both = tuple(placed(each, index.place) for each in (excluding, boosting))
    shown, _ = match(query, index, model, both, limit=50)
    place = index.place(gone)
    assert place is not None
    assert all(item.offering != place for item in shown.items)
    if before.verdict.scored[place]:
        _, found = match(query, index, model, both, limit=50)
        assert standing_of(found, place, 50).excluded_by == "curation.a"
    without = (placed(replace(boosting, boosts=()), index.place),)
    again, _ = match(query, index, model, without, limit=50)
    assert [item.offering for item in again.items] == [item.offering for item in plain.items]
    assert [item.score for item in again.items] == [item.score for item in plain.items]


@pytest.mark.parametrize("seed", range(25))
def test_sums_of_adds_are_those_of_each_offering(seed: int) -> None:
    maker, ids = world(seed)
    index = pools.index_of([maker.offering(each) for each in ids])
    curations = [placed(each, index.place) for each in maker.curations(ids)]
    ends = (-1_234_567, 7_654_321)
    sums = sums_of(curations, ends, index.offerings)
    assert sums.dtype == np.int64
    for place in range(index.offerings):
        assert sums[place] == sum(add.adds for add in adds_for(place, curations, ends))


@pytest.mark.parametrize("seed", range(15))
def test_a_match_shows_the_first_of_the_whole_slate_whatever_curations_ask(seed: int) -> None:
    maker, ids = world(seed)
    offerings = [
        replace(maker.offering(each), provider_id=f"p{maker.random.randrange(3)}") for each in ids
    ]
    index = pools.index_of(offerings)
    curation = Curation(
        "c",
        cap=SlateRules(1, 4),
        diversity=(Diversity("offering.deployment", 2, 6),),
        floors=(Floor(frozenset(maker.random.sample(ids, 3)), 2, 5),),
    )
    answered, found = match(
        maker.query(), index, pools.model(), (placed(curation, index.place),), limit=3
    )
    whole = slate_of(found, len(found.scored))
    assert [item.offering for item in answered.items] == list(whole.offerings[:3])
    assert answered.missed_floors == whole.missed
    for each in whole.missed:
        assert isinstance(each, MissedFloor)
