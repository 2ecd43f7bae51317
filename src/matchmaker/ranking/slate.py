"""From scores to what is shown.

Curation adds, the order, pins and the cap per provider (scoring.md 14 and 15).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matchmaker.ranking.columns import Int

MOST_ADDED: Final = 100
"""The running sum of a curation's adds is held within this many thousandths of hi - lo."""
UNSCORED: Final = -(2**62)
"""The key of an offering that is not in the order."""
ALLOCATION: Final = "allocation"
PIN: Final = "pin"
CAP: Final = "cap"


@dataclass(frozen=True, slots=True)
class SlateRules:
    """The default curation: at most ``of_provider`` of one provider within the ``first`` places."""

    of_provider: int
    first: int


@dataclass(frozen=True, slots=True)
class Boost:
    """Thousandths of hi - lo added to some offerings."""

    offerings: frozenset[str]
    thousandths: int


@dataclass(frozen=True, slots=True)
class Pin:
    """An offering held at an exact place, from 1."""

    offering: str
    place: int


@dataclass(frozen=True, slots=True)
class Curation:
    """One curation of an agency or of the operator."""

    id: str
    boosts: tuple[Boost, ...] = ()
    exclude: frozenset[str] = frozenset()
    pins: tuple[Pin, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class Add:
    """What one curation added: thousandths kept and cut, and the millionths that came of it."""

    curation: str
    thousandths: int
    cut: int
    adds: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Move:
    """A step of the slate that displaced an offering: new place minus old."""

    step: str
    moved: int


@dataclass(frozen=True, slots=True)
class Slate:
    """Offerings in the order they are shown, and the moves of each one that was displaced."""

    offerings: tuple[int, ...]
    moves: Mapping[int, tuple[Move, ...]]


def adds_for(
    offering_id: str, curations: Sequence[Curation], ends: tuple[int, int]
) -> tuple[Add, ...]:
    """What the curations add to the offering, in order of their ids."""
    lo, hi = ends
    running = 0
    found: list[Add] = []
    for curation in sorted(curations, key=lambda each: each.id):
        for boost in curation.boosts:
            if offering_id in boost.offerings:
                kept = max(-MOST_ADDED, min(MOST_ADDED, running + boost.thousandths)) - running
                running += kept
                added, cut = kept * (hi - lo) // 1000, boost.thousandths - kept
                found.append(Add(curation.id, kept, cut, added, curation.version))
    return tuple(found)


def tie(digest: str, offering_id: str) -> bytes:
    """What breaks equal scores: fixed for the input, fair over needs."""
    return hashlib.sha256(f"{digest}{offering_id}".encode()).digest()[:8]


def ordered(keys: Int, scored: int, tie_of: Callable[[int], bytes], count: int) -> list[int]:
    """The first ``count`` places by key descending, then tie; ``scored`` have a key above UNSCORED.

    Longer where the last key is shared.
    """
    least = UNSCORED + 1
    if scored > count:
        least = np.partition(keys, len(keys) - count)[len(keys) - count]
    places = np.flatnonzero(keys >= least)
    found = sorted(zip((-keys[places]).tolist(), places.tolist(), strict=True))
    alike = ([place for _, place in group] for _, group in groupby(found, key=itemgetter(0)))
    ordered_alike = (each if len(each) == 1 else sorted(each, key=tie_of) for each in alike)
    return [*chain.from_iterable(ordered_alike)]


def compose(
    order: Sequence[int],
    provider_of: Callable[[int], str],
    rules: SlateRules,
    pins: Sequence[tuple[int, int]],
    *,
    given: int | None = None,
) -> Slate:
    """The slate of ``order``: pins of (offering, place) first, then the cap.

    In a batch the offering that was ``given`` to the firm comes before all that. A pin is exact,
    also downwards, and no later step moves it.
    """
    allotted = order if given is None else [given, *(each for each in order if each != given)]
    pinned = _with_pins(allotted, pins)
    held = {
        offering: place
        for place, offering in enumerate(pinned)
        if any(offering == o for o, _ in pins)
    }
    capped = _with_cap(pinned, held, provider_of, rules)
    moves: dict[int, tuple[Move, ...]] = {}
    steps = ((ALLOCATION, order, allotted), (PIN, allotted, pinned), (CAP, pinned, capped))
    for step, before, after in steps:
        old = {offering: place for place, offering in enumerate(before)}
        for place, offering in enumerate(after):
            if place != old[offering]:
                moves[offering] = (*moves.get(offering, ()), Move(step, place - old[offering]))
    return Slate(tuple(capped), moves)


def _with_pins(order: Sequence[int], pins: Sequence[tuple[int, int]]) -> list[int]:
    places: dict[int, int] = {}
    for offering, place in pins:
        if offering in order:
            places.setdefault(offering, place)
    result = [offering for offering in order if offering not in places]
    for offering, place in sorted(places.items(), key=lambda pin: pin[1]):
        result.insert(place - 1, offering)
    return result


def _with_cap(
    order: Sequence[int],
    held: Mapping[int, int],
    provider_of: Callable[[int], str],
    rules: SlateRules,
) -> list[int]:
    """``order`` with a provider's further offerings behind the first places; pins stay."""
    seen = Counter(provider_of(offering) for offering, place in held.items() if place < rules.first)
    room = rules.first - sum(place < rules.first for place in held.values())
    front: list[int] = []
    behind: list[int] = []
    rest: list[int] = []
    for offering in order:
        if offering in held:
            continue
        if len(front) == room:
            rest.append(offering)
        elif seen[provider_of(offering)] < rules.of_provider:
            seen[provider_of(offering)] += 1
            front.append(offering)
        else:
            behind.append(offering)
    result = [*front, *behind, *rest]
    for offering, place in sorted(held.items(), key=lambda item: item[1]):
        result.insert(place, offering)
    return result
