"""Whether the steps of a plan find room in the years, and which is done when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.pathway.problem import ALONE, Arc, Move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.pathway.problem import Problem


class Laying:
    """The steps of one plan laid into the years, each after what it needs.

    Those of one package are laid into one year, where there are budgets by year.
    """

    def __init__(
        self, problem: Problem, arcs: Sequence[Arc], worth: Mapping[str, int], *, tries: int
    ) -> None:
        self.problem = problem
        self.proven = True
        self.left = tries
        self.bought: dict[int, int] = {}
        """The year of every package that steps laid so far are of."""
        self.needs = {arc: self._needed(arc, arcs) for arc in arcs}
        self.order = self._in_order(worth)

    def moves(self) -> tuple[Move, ...] | None:
        """The steps in order with their years; None where the budgets have no room for them."""
        if len(self.order) < len(self.needs):
            return None
        if self.problem.budgets is None:
            years: dict[Arc, int] = {}
            for arc in self.order:
                years[arc] = 1 + max((years[each] for each in self.needs[arc]), default=-1)
        else:
            left, found = list(self.problem.budgets), dict[Arc, int]()
            if not self._fits(0, left, found):
                return None
            years = found
        place = {arc: number for number, arc in enumerate(self.order)}
        ordered = sorted(self.order, key=lambda arc: (years[arc], place[arc]))
        return tuple(Move(years[arc], arc) for arc in ordered)

    def _needed(self, arc: Arc, arcs: Sequence[Arc]) -> tuple[Arc, ...]:
        before = [each for each in arcs if each.scene == arc.scene and each.end == arc.start]
        for demand in self.problem.demands:
            if demand.scene == arc.scene and arc.crosses(demand.level):
                before += [
                    each
                    for each in arcs
                    if each.scene == demand.needed and each.crosses(demand.least)
                ]
        return tuple(before)

    def _in_order(self, worth: Mapping[str, int]) -> list[Arc]:
        """The steps, each after what it needs, the worthiest first; fewer where they go round."""
        left = sorted(self.needs, key=lambda arc: (-worth.get(arc.scene, 0), arc))
        found: list[Arc] = []
        while ready := [arc for arc in left if all(each in found for each in self.needs[arc])]:
            found.append(ready[0])
            left.remove(ready[0])
        return found

    def _fits(self, place: int, left: list[int], years: dict[Arc, int]) -> bool:
        """Whether the steps from ``place`` on find room, each as early as may be."""
        if place == len(self.order):
            return True
        arc = self.order[place]
        earliest = max((years[each] for each in self.needs[arc]), default=0)
        is_paid = arc.package in self.bought
        price = 0 if is_paid else arc.cost
        for year in [self.bought[arc.package]] if is_paid else range(earliest, len(left)):
            self.left -= 1
            if self.left < 0:
                self.proven = False
                return False
            if year < earliest or left[year] < price:
                continue
            left[year] -= price
            years[arc] = year
            if not is_paid and arc.package != ALONE:
                self.bought[arc.package] = year
            if self._fits(place + 1, left, years):
                return True
            left[year] += price
            del years[arc]
            if not is_paid:
                self.bought.pop(arc.package, None)
        return False
