"""The moves of the slate in their one order: allocation, pins, cap, diversity, floors.

Each step takes the order that the one before left (scoring.md 15), and what it displaced is listed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from matchmaker.ranking.slate import (
    ALLOCATION,
    CAP,
    DIVERSITY,
    FLOOR,
    PIN,
    Floor,
    MissedFloor,
    Move,
    Slate,
    in_turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from matchmaker.ranking.slate import Curation, SlateRules

    Limit = tuple[Callable[[int], Hashable | None], int, int]
    """What offerings have in common, how many of one such, within how many places."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Everything that moves offerings, of all curations together."""

    pins: Mapping[int, int]
    """By offering its exact place, from 1."""
    cap: Limit
    diversity: tuple[Limit, ...] = ()
    floors: tuple[tuple[str, Floor[int]], ...] = ()
    """Each with the curation that asks for it."""

    @property
    def is_whole(self) -> bool:
        """Whether they need all of the order: there are pins or floors."""
        return bool(self.pins or self.floors)

    @property
    def first(self) -> int:
        """Behind so many places nothing is limited."""
        return max(first for _, _, first in (self.cap, *self.diversity))


def moves_of(
    curations: Sequence[Curation[int]],
    provider_of: Callable[[int], Hashable],
    rules: SlateRules,
    value_of: Callable[[str, int], Hashable | None],
) -> Moves:
    """The moves that curations ask for; ``rules`` are the cap where none of them states one.

    ``value_of`` is what an offering states in a field. Of two that say the same thing otherwise,
    the one with the lesser id counts.
    """
    pins: dict[int, int] = {}
    cap = None
    for curation in in_turn(curations):
        cap = cap or curation.cap
        for pin in curation.pins:
            pins.setdefault(pin.offering, pin.place)
    cap = cap or rules
    return Moves(
        pins,
        (provider_of, cap.of_provider, cap.first),
        tuple(
            (partial(value_of, each.field), each.most, each.first)
            for curation in in_turn(curations)
            for each in curation.diversity
        ),
        tuple((curation.id, each) for curation in in_turn(curations) for each in curation.floors),
    )


def compose(
    order: Sequence[int], moves: Moves, *, given: int | None = None, stood: int | None = None
) -> Slate:
    """The slate of ``order``, which is all of the order where there are pins or floors.

    In a batch the offering that was ``given`` to the firm comes before all that; it ``stood`` at
    this place of the whole order, from 0, where ``order`` ends before it. A pin is exact,
    also downwards, and no later step moves it; what is not in the order is not pinned. The third of
    a provider, and what diversity holds back, goes behind the first places in order, and to the end
    of a shorter list. A floor gives way to pins and to the floors before it alone.
    """
    allotted = order if given is None else [given, *(each for each in order if each != given)]
    pinned, held = _with_pins(allotted, moves.pins)
    capped = _within(pinned, held, [moves.cap])
    diverse = capped
    if moves.diversity:
        diverse = _within(capped, held, [moves.cap, *moves.diversity])
    floored, missed = _with_floors(diverse, held, moves.floors)
    found: dict[int, tuple[Move, ...]] = {}
    steps = (
        *((ALLOCATION, order, allotted), (PIN, allotted, pinned), (CAP, pinned, capped)),
        *((DIVERSITY, capped, diverse), (FLOOR, diverse, floored)),
    )
    for step, before, after in steps:
        if before is after:
            continue
        old = {offering: place for place, offering in enumerate(before)}
        if step == ALLOCATION and given is not None and stood is not None:
            old.setdefault(given, stood)
        for place, offering in enumerate(after):
            if place != old[offering]:
                found[offering] = (*found.get(offering, ()), Move(step, place - old[offering]))
    return Slate(tuple(floored), found, missed)


def is_settled(shown: Slate, moves: Moves, needed: int) -> bool:
    """Whether a longer order could not change the first ``needed`` places: the limits are kept."""
    if len(shown.offerings) < max(needed, moves.first):
        return False
    for value_of, most, first in (moves.cap, *moves.diversity):
        values = (value_of(offering) for offering in shown.offerings[:first])
        counts = Counter(value for value in values if value is not None)
        if max(counts.values(), default=0) > most:
            return False
    return True


def _with_pins(
    order: Sequence[int], pins: Mapping[int, int]
) -> tuple[Sequence[int], dict[int, int]]:
    """The order with its pins, and where each stands in it."""
    there = frozenset(order) if pins else frozenset[int]()
    places = {offering: place for offering, place in pins.items() if offering in there}
    if not places:
        return order, {}
    result = [offering for offering in order if offering not in places]
    for offering, place in sorted(places.items(), key=lambda pin: pin[1]):
        result.insert(place - 1, offering)
    return result, {each: place for place, each in enumerate(result) if each in places}


def _within(order: Sequence[int], held: Mapping[int, int], limits: Sequence[Limit]) -> list[int]:
    """Each of the first places has the foremost offering that no limit holds back; pins stay.

    Where all that are left are held back, they follow in order.
    """
    seen = [
        Counter(value_of(each) for each, place in held.items() if place < first)
        for value_of, _, first in limits
    ]
    pinned_at = {place: each for each, place in held.items()}
    waiting = [each for each in order if each not in held]
    result: list[int] = []
    for place in range(min(max(first for _, _, first in limits), len(order))):
        if place in pinned_at:
            result.append(pinned_at[place])
            continue
        at = next((at for at, each in enumerate(waiting) if _fits(each, place, limits, seen)), None)
        if at is None:
            break
        chosen = waiting.pop(at)
        for (value_of, _, first), counts in zip(limits, seen, strict=True):
            if place < first:
                counts[value_of(chosen)] += 1
        result.append(chosen)
    rest = iter(waiting)
    left = range(len(result), len(order))
    return [*result, *(pinned_at[at] if at in pinned_at else next(rest) for at in left)]


def _fits(
    offering: int, place: int, limits: Sequence[Limit], seen: Sequence[Counter[Hashable | None]]
) -> bool:
    for (value_of, most, first), counts in zip(limits, seen, strict=True):
        value = value_of(offering)
        if place < first and value is not None and counts[value] >= most:
            return False
    return True


def _with_floors(
    order: Sequence[int], held: Mapping[int, int], floors: Sequence[tuple[str, Floor[int]]]
) -> tuple[Sequence[int], tuple[MissedFloor, ...]]:
    """Each floor met in its turn, as far as it can be, and those that are not."""
    kept = set(held)
    missed: list[MissedFloor] = []
    for curation, floor in floors:
        order, short = _with_floor(order, held, kept, floor)
        missed += [] if short is None else [MissedFloor(curation, *short)]
        front = [each for each in order[: floor.first] if each in floor.offerings]
        kept.update(front[: floor.least])
    return order, tuple(missed)


def _with_floor(
    order: Sequence[int],
    held: Mapping[int, int],
    kept: set[int],
    floor: Floor[int],
) -> tuple[Sequence[int], tuple[int, int, int, int] | None]:
    """The foremost of the floor's offerings in the last of the first places that may be taken.

    And where it is not met: what is asked and met, who is eligible, for how many there is room.
    """
    front, behind = order[: floor.first], order[floor.first :]
    there = sum(each in floor.offerings for each in front)
    may_come = [each for each in behind if each in floor.offerings and each not in held]
    may_go = [each for each in front if each not in floor.offerings and each not in kept]
    count = max(0, min(floor.least - there, len(may_come), len(may_go)))
    short = None
    if there + count < floor.least:
        eligible, room = there + len(may_come), there + len(may_go)
        short = (floor.least, there + count, eligible, room)
    if not count:
        return order, short
    coming, going = may_come[:count], may_go[-count:]
    stays = [each for each in front if each not in going and each not in held]
    rest = [each for each in behind if each not in coming and each not in held]
    moved = [*stays, *coming, *going, *rest]
    for offering, place in sorted(held.items(), key=lambda pin: pin[1]):
        moved.insert(place, offering)
    return moved, short
