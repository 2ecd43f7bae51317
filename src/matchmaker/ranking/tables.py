"""The model as integer tables: a match only looks up and adds (scoring.md 6-9 and 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking.steps import FULL, Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.ranking.columns import Int

MILLION: Final = 1_000_000
BINS: Final = 16
_BIN_WIDTH: Final = 64


@dataclass(frozen=True, slots=True)
class ScoreTables:
    """Effects in millionths: ``effects[f]`` of shape (1025,), ``pairs[f, g]`` of shape (16, 16).

    Rows by f.

    ``references`` are the steps that contributions are measured from.
    """

    name: str
    effects: Mapping[str, Int]
    references: Mapping[str, int]
    pairs: Mapping[tuple[str, str], Int]

    def pairs_in(self, active: Sequence[str]) -> list[tuple[str, str]]:
        """The pairs whose features are both in ``active``."""
        return [pair for pair in self.pairs if pair[0] in active and pair[1] in active]

    def ends(self, active: Sequence[str]) -> tuple[int, int]:
        """(lo, hi): sums over ``active`` of the least and the greatest entry of each table."""
        tables = [
            *(self.effects[name] for name in active),
            *(self.pairs[pair] for pair in self.pairs_in(active)),
        ]
        return sum(int(table.min()) for table in tables), sum(int(table.max()) for table in tables)

    def at(self, steps: Mapping[str, int]) -> dict[str, int]:
        """The effect of each feature, and of each pair inside them, at these steps."""
        found = {name: int(self.effects[name][step]) for name, step in steps.items()}
        for first, second in self.pairs_in(list(steps)):
            table = self.pairs[first, second]
            found[pair_name(first, second)] = int(
                table[bin_of(steps[first]), bin_of(steps[second])]
            )
        return found

    def at_references(self, active: Sequence[str]) -> dict[str, int]:
        """The effects at the reference steps: their sum is the base."""
        return self.at({name: self.references[name] for name in active})


def pair_name(first: str, second: str) -> str:
    """The name of a pair's contribution."""
    return f"{first} x {second}"


def bin_of(step: int) -> int:
    """The bin 0..15 of a step; 1024 lies in the last."""
    return min(step // _BIN_WIDTH, BINS - 1)


def score(tables: ScoreTables, steps: Mapping[str, Steps], offering_of_row: Int) -> Int:
    """Scores of all rows in millionths, of shape (rows,); no curation."""
    scores = np.zeros(len(offering_of_row), np.int64)
    for name, step in steps.items():
        scores += step.by_row(tables.effects[name][step.table], offering_of_row)
    for first, second in tables.pairs_in(list(steps)):
        rows = _bins(steps[first], offering_of_row), _bins(steps[second], offering_of_row)
        scores += tables.pairs[first, second][rows]
    return scores


def _bins(steps: Steps, offering_of_row: Int) -> Int:
    return steps.by_row(np.minimum(steps.table // _BIN_WIDTH, BINS - 1), offering_of_row)


def card_effects(weight: int) -> Int:
    """E[0..1024] of a card's weight in millionths: round half to even of weight x step / 1024."""
    return round_half_even(weight * np.arange(FULL + 1, dtype=np.int64), FULL)


def round_half_even(numerators: Int, denominator: int) -> Int:
    """Numerators / denominator rounded half to even, exactly."""
    quotient, rest = np.divmod(numerators, denominator)
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (quotient % 2 == 1))
    rounded: Int = quotient + up
    return rounded


def fit(score_without_curation: int, ends: tuple[int, int]) -> int | None:
    """Whole percent of the way from lo to hi; None when they are equal."""
    lo, hi = ends
    return None if lo == hi else 100 * (score_without_curation - lo) // (hi - lo)
