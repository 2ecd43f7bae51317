"""From scores to what is shown.

Curation adds and the order (scoring.md 14 and 15); `moves` has what is moved then.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np

from matchmaker.ranking.compiled import SWITCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.interleaving import Team

T = TypeVar("T", str, int)

_FEW: Final = 512
"""So many first places are sooner found by looking at each key once."""
_HIGH: Final = 64
"""Keys in a pile: of many keys only the best of each pile are parted, in a ninth of the time."""
MOST_ADDED: Final = 100
"""The running sum of a curation's adds is held within this many thousandths of hi - lo."""
UNSCORED: Final = -(2**62)
"""The key of an offering that is not in the order."""
ALLOCATION: Final = "allocation"
PIN: Final = "pin"
CAP: Final = "cap"
DIVERSITY: Final = "diversity"
FLOOR: Final = "floor"


@dataclass(frozen=True, slots=True)
class SlateRules:
    """At most ``of_provider`` of one provider within the ``first`` places."""

    of_provider: int
    first: int


@dataclass(frozen=True)
class Boost(Generic[T]):
    """Thousandths of hi - lo added to some offerings."""

    offerings: frozenset[T]
    thousandths: int

    @cached_property
    def in_order(self) -> list[T]:
        """The offerings in order."""
        return sorted(self.offerings)


@dataclass(frozen=True, slots=True)
class Pin(Generic[T]):
    """An offering held at an exact place, from 1."""

    offering: T
    place: int


@dataclass(frozen=True, slots=True)
class Diversity:
    """At most ``most`` offerings that state the same in a field within the ``first`` places."""

    field: str
    """Of the offering; what does not state it is as others are in nothing."""
    most: int
    first: int


@dataclass(frozen=True, slots=True)
class Floor(Generic[T]):
    """At least ``least`` of some offerings within the ``first`` places."""

    offerings: frozenset[T]
    least: int
    first: int


@dataclass(frozen=True, slots=True)
class Curation(Generic[T]):
    """One curation of an agency or of the operator; offerings by id, or by place in an index."""

    id: str
    boosts: tuple[Boost[T], ...] = ()
    exclude: frozenset[T] = frozenset()
    pins: tuple[Pin[T], ...] = ()
    version: int = 1
    cap: SlateRules | None = None
    diversity: tuple[Diversity, ...] = ()
    floors: tuple[Floor[T], ...] = ()


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
class MissedFloor:
    """Why a floor is not met: too few of its offerings are there, or too few places are free.

    ``met`` is the least of ``asked``, the ``eligible`` offerings of the floor that stand in the
    first places or may be moved there, and the ``room`` of places that are theirs or may become so.
    """

    curation: str
    asked: int
    met: int
    eligible: int
    room: int


@dataclass(frozen=True, slots=True)
class Slate:
    """Offerings in the order they are shown, and the moves of each one that was displaced."""

    offerings: tuple[int, ...]
    moves: Mapping[int, tuple[Move, ...]]
    missed: tuple[MissedFloor, ...] = ()
    teams: Mapping[int, Team] = field(default_factory=dict[int, "Team"])
    """For which of two merged orders an offering was drafted."""


def placed(curation: Curation[str], place: Callable[[str], int | None]) -> Curation[int]:
    """The curation with its offerings by their places; those that have none are left out."""

    def all_of(ids: frozenset[str]) -> frozenset[int]:
        found = (place(each) for each in ids)
        return frozenset(each for each in found if each is not None)

    pins = ((place(pin.offering), pin.place) for pin in curation.pins)
    return Curation(
        id=curation.id,
        boosts=tuple(Boost(all_of(each.offerings), each.thousandths) for each in curation.boosts),
        exclude=all_of(curation.exclude),
        pins=tuple(Pin(offering, at) for offering, at in pins if offering is not None),
        version=curation.version,
        cap=curation.cap,
        diversity=curation.diversity,
        floors=tuple(
            Floor(all_of(each.offerings), each.least, each.first) for each in curation.floors
        ),
    )


def in_turn(curations: Iterable[Curation[T]]) -> list[Curation[T]]:
    """The curations in order of their ids, as they apply."""
    return sorted(curations, key=lambda each: each.id)


def adds_for(
    offering: T, curations: Sequence[Curation[T]], ends: tuple[int, int]
) -> tuple[Add, ...]:
    """What the curations add to the offering, in order of their ids."""
    lo, hi = ends
    running = 0
    found: list[Add] = []
    for curation in in_turn(curations):
        for boost in curation.boosts:
            if offering in boost.offerings:
                kept = max(-MOST_ADDED, min(MOST_ADDED, running + boost.thousandths)) - running
                running += kept
                added, cut = kept * (hi - lo) // 1000, boost.thousandths - kept
                found.append(Add(curation.id, kept, cut, added, curation.version))
    return tuple(found)


def sums_of(curations: Sequence[Curation[int]], ends: tuple[int, int], offerings: int) -> Int:
    """What the curations add to each offering, in millionths: the sums of `adds_for`."""
    lo, hi = ends
    running, sums = np.zeros((2, offerings), np.int64)
    for curation in in_turn(curations):
        for boost in curation.boosts:
            places = np.array(boost.in_order, np.int64)
            now = running[places]
            kept = np.clip(now + boost.thousandths, -MOST_ADDED, MOST_ADDED) - now
            running[places] += kept
            sums[places] += kept * (hi - lo) // 1000
    return sums


def tie(digest: str, offering_id: str) -> bytes:
    """What breaks equal scores: fixed for the input, fair over needs."""
    return hashlib.sha256(f"{digest}{offering_id}".encode()).digest()[:8]


def ordered(keys: Int, scored: int, tie_of: Callable[[int], bytes], count: int) -> list[int]:
    """The first ``count`` places by key descending, then tie; ``scored`` have a key above UNSCORED.

    Longer where the last key is shared.
    """
    least = UNSCORED + 1
    if scored > count:
        least = _nth_greatest(keys, count)
    places = np.flatnonzero(keys >= least)
    found = sorted(zip((-keys[places]).tolist(), places.tolist(), strict=True))
    alike = ([place for _, place in group] for _, group in groupby(found, key=itemgetter(0)))
    ordered_alike = (each if len(each) == 1 else sorted(each, key=tie_of) for each in alike)
    return [*chain.from_iterable(ordered_alike)]


def _nth_greatest(keys: Int, count: int) -> int:
    if SWITCH.kernels and count <= _FEW:
        return SWITCH.kernels.nth_greatest(keys, count)
    piles = len(keys) // _HIGH
    if piles <= count:
        return _nth(keys, count)
    # So many piles have a key as great as the last of their best: what is below cannot be it.
    least = _nth(keys[: _HIGH * piles].reshape(_HIGH, piles).max(axis=0), count)
    return _nth(keys[keys >= least], count)


def _nth(keys: Int, count: int) -> int:
    return int(np.partition(keys, len(keys) - count)[len(keys) - count])
