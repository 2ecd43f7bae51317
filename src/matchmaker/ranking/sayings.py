"""What many offerings, or many packages, say: codes under each name, and columns made of them."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from matchmaker.ranking.columns import Coded, Coder
from matchmaker.ranking.lines import MUST

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from matchmaker.ranking.coding import SaidCodes
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.lines import Said

_C = TypeVar("_C", bound=Coded)


class Order(NamedTuple):
    """What is taken of what has arrived, in order of id; and how that is laid out in an index."""

    taken: Int
    laid: Int


class Sayings:
    """Takes what is said by one after the other; what has arrived stays where it is."""

    def __init__(self) -> None:
        """Nothing said yet."""
        self._arrived = 0
        self._coders: dict[str, Coder[Any]] = {}
        self._number: defaultdict[Said, int] = defaultdict(count().__next__)
        self._coder, self._code = array("i"), array("I")
        """Of everything that is said: which coder it is for, and its code there."""
        self._made: dict[tuple[str, Callable[[Coder[Any]], Any]], tuple[Int, Any]] = {}

    @property
    def names(self) -> list[str]:
        """The names under which anything has been said."""
        return [*self._coders]

    def extend(self, said: SaidCodes) -> None:
        """What the next ones say, each under a name once."""
        number = self._numbered(said.distinct)
        coder_of, code_of = np.array(self._coder, np.int32), np.array(self._code, np.uint32)
        coder, code = coder_of[number][said.number], code_of[number][said.number]
        owner = np.repeat(np.arange(len(said.each)), said.each)
        coders = [*self._coders.values()]
        for place in np.flatnonzero(np.bincount(coder, minlength=len(coders))).tolist():
            here = coder == place
            codes = np.zeros(len(said.each), np.uint32)
            codes[owner[here]] = code[here]
            # Those before may have said nothing of it.
            coders[place].fill(self._arrived)
            coders[place].add(codes)
        self._arrived += len(said.each)

    def say(self, name: str, values: Sequence[Hashable | None]) -> None:
        """What those who came last say besides, under a ``name`` that none of them has used."""
        coder: Coder[Any] = self._coders.setdefault(name, Coder())
        coder.fill(self._arrived - len(values))
        coder.extend(values)

    def _numbered(self, distinct: Sequence[Said]) -> Int:
        known = len(self._number)
        every = np.fromiter(map(self._number.__getitem__, distinct), np.int64, len(distinct))
        new = islice(reversed(self._number), len(self._number) - known)
        places = {name: place for place, name in enumerate(self._coders)}
        for each in [*new][::-1]:
            if each.name not in places:
                places[each.name] = len(places)
                # True is no 1, also inside of a rule.
                self._coders[each.name] = Coder(kind=repr if each.name == MUST else type)
            self._coder.append(places[each.name])
            self._code.append(self._coders[each.name].code(each.value))
        return every

    def column(self, name: str, order: Order, make: Callable[[Coder[Any]], _C]) -> _C:
        """What ``make`` makes of the values under ``name``, for what is taken, as it is laid out.

        It is given each value once, in order of first appearance. What it made last is made again
        only of other values.
        """
        coder: Coder[Any] = self._coders.get(name) or Coder()
        coder.fill(self._arrived)
        seen, codes = coder.of(order.taken)
        kept = self._made.get((name, make))
        if kept is None or not np.array_equal(kept[0], seen):
            kept = self._made[name, make] = seen, make(coder.one_each(seen))
        made: _C = kept[1]
        return replace(made, codes=made.codes[codes[order.laid]])
