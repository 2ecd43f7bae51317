"""Wholes and their parts, laid out so that to fold the parts is to fold slices of an array."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int

N = TypeVar("N", bound=np.generic)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Planes:
    """The first part of every whole, then the second of those that have one, and so on.

    Wholes stand in order of falling number of parts and have one at least: the first ``counts[k]``
    of them have more than k. (``ufunc.reduceat`` over parts that lie together took 19 times as
    long, docs/adr/0031.)
    """

    counts: tuple[int, ...]
    slices: tuple[tuple[int, slice], ...] = field(init=False, repr=False, compare=False)
    """Of each plane: how many wholes have a part in it, and where those parts stand."""

    def __post_init__(self) -> None:
        """Find where the planes begin and end."""
        ends = pairwise(accumulate(self.counts, initial=0))
        slices = tuple((end - start, slice(start, end)) for start, end in ends)
        object.__setattr__(self, "slices", slices)

    @property
    def wholes(self) -> int:
        """How many wholes there are."""
        return self.counts[0] if self.counts else 0

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return sum(self.counts)

    def fold(self, ufunc: np.ufunc, parts: NDArray[N]) -> NDArray[N]:
        """``ufunc`` over the parts of each whole, of shape (wholes,)."""
        folded = parts[: self.wholes].copy()
        for count, plane in self.slices[1:]:
            ufunc(folded[:count], parts[plane], out=folded[:count])
        return folded

    def spread(self, of_whole: NDArray[N]) -> NDArray[N]:
        """What stands for each whole, for each of its parts."""
        if len(self.counts) < 2:  # noqa: PLR2004 - one plane is the wholes themselves
            return of_whole
        return np.concatenate([of_whole[:count] for count in self.counts])

    def laid_out(self, lists: Sequence[Sequence[T]]) -> list[T]:
        """The parts of ``lists``, one for each whole."""
        return [each[k] for k, count in enumerate(self.counts) for each in lists[:count]]

    def parts_of(self, whole: int) -> list[int]:
        """Where the parts of ``whole`` stand, in their order."""
        return [plane.start + whole for count, plane in self.slices if whole < count]

    def whole_of(self, part: int) -> int:
        """The whole that has this part."""
        return next(part - int(plane.start) for _, plane in self.slices if part < plane.stop)

    def at(self, wholes: Int) -> tuple[Planes, Int]:
        """The planes of these ``wholes`` (ascending) alone, and where their parts stand here."""
        counts = np.searchsorted(wholes, self.counts).tolist()
        parts = [
            plane.start + wholes[:count]
            for count, (_, plane) in zip(counts, self.slices, strict=True)
        ]
        found: Int = np.concatenate(parts) if parts else wholes
        return Planes(tuple(count for count in counts if count)), found


def planes_of(lengths: Sequence[int] | Int) -> Planes:
    """The planes of wholes with so many parts, in falling order."""
    having = np.bincount(np.asarray(lengths, np.int64), minlength=1)[::-1].cumsum()[::-1]
    return Planes(tuple(int(count) for count in having[1:]))
