"""The model as integer tables: a match only looks up and adds (scoring.md 6-9 and 13)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.blocks import BLOCK, blocks
from matchmaker.ranking.compiled import SWITCH
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.slate import UNSCORED
from matchmaker.ranking.steps import FULL, Level, Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.ranking.card import Card
    from matchmaker.ranking.columns import Codes, Int
    from matchmaker.ranking.price import Bools

    Looked = Codes | Int
    """Where effects are looked up: codes of a column, or steps themselves."""

MILLION: Final = 1_000_000
_SMALL: Final = 2**26
"""Sums that stay below it are added up in 32 bits."""
_COMPILED: Final = 4 * BLOCK
"""Sums at a time where loops are compiled: fewer calls."""
_TOLERANCE: Final = 1e-6
_PASSES: Final = 4
_SAMPLED: Final = 256
MISSING: Final = -1
"""Stands in a sample where a step is missing."""
BINS: Final = 16
BIN_WIDTH: Final = 64


Sum = NDArray[np.signedinteger[Any]]
Effects = tuple[NDArray[np.float64], dict[tuple[int, int], NDArray[np.float64]]]
"""What steps add, in millionths before rounding: of shape (features, 1025), and (16, 16) a pair."""


class IncompatibleTables(ValueError):
    """Compiled tables do not give what the model predicts."""


class Sample(NamedTuple):
    """Rows of steps, MISSING where there is none, and what a model predicts of each."""

    rows: Int
    predicted: NDArray[np.float64]


class Additive(Protocol):
    """A fitted model that is a sum over features and listed pairs."""

    def effects(self) -> Effects:
        """What each step and each pair of bins adds."""
        ...

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores of rows of steps; NaN adds nothing."""
        ...


@dataclass(frozen=True)
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
        names = [*active, *(pair_name(*pair) for pair in self.pairs_in(active))]
        ends = [self._ends[name] for name in names]
        return sum(lo for lo, _ in ends), sum(hi for _, hi in ends)

    @cached_property
    def _ends(self) -> dict[str, tuple[int, int]]:
        """The least and the greatest entry of each table."""
        pairs = {pair_name(*pair): table for pair, table in self.pairs.items()}
        tables = {**self.effects, **pairs}
        return {name: (int(table.min()), int(table.max())) for name, table in tables.items()}

    @cached_property
    def width(self) -> np.dtype[np.signedinteger[Any]]:
        """Of what every sum of effects fits into, twice over: 32 bits, or 64."""
        greatest = sum(int(np.abs(table).max()) for table in self.effects.values())
        return np.dtype(np.int32 if greatest < _SMALL else np.int64)

    @cached_property
    def narrow(self) -> Mapping[str, Sum]:
        """The effects of that width."""
        return {name: table.astype(self.width) for name, table in self.effects.items()}

    def at(self, steps: Mapping[str, int]) -> dict[str, int]:
        """The effect of each feature, and of each pair inside them, at these steps."""
        found = {name: self.effects[name].item(step) for name, step in steps.items()}
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
    return min(step // BIN_WIDTH, BINS - 1)


def score(tables: ScoreTables, steps: Mapping[str, Steps], planes: Planes) -> Int:
    """Scores of all rows in millionths, of shape (rows,); no curation."""
    lookups: dict[Level, list[tuple[Sum, Looked]]] = {Level.OFFERING: [], Level.ROW: []}
    for name, step in steps.items():
        lookups[step.level].append(_lookup(tables.narrow[name], step))
    of_offering = np.zeros(planes.wholes, tables.width)
    size = _COMPILED if SWITCH.kernels else BLOCK
    for block in blocks(planes.wholes, size):
        _add_looked(lookups[Level.OFFERING], of_offering[block], block)
    scores, buffer = np.empty(planes.parts, np.int64), np.empty(size, tables.width)
    for count, plane in planes.slices:
        for block in blocks(count, size):
            rows = slice(plane.start + block.start, plane.start + block.stop)
            sums = buffer[: block.stop - block.start]
            sums[:] = of_offering[block]
            _add_looked(lookups[Level.ROW], sums, rows)
            scores[rows] = sums
    _add_pairs(tables, steps, planes, scores)
    return scores


def effects_of(effects: Int, step: Steps) -> Int:
    """What one feature adds to each offering, or to each row."""
    table = effects.take(step.table)
    return table if step.codes is None else table.take(step.codes)


def total(
    tables: ScoreTables, steps: Mapping[str, Steps], effects: Mapping[str, Int], planes: Planes
) -> Int:
    """`score`, of effects that `effects_of` gave before."""
    scores, of_offering = np.zeros(planes.parts, np.int64), np.zeros(planes.wholes, np.int64)
    for name, step in steps.items():
        into = scores if step.level is Level.ROW else of_offering
        into += effects[name]
    _add_pairs(tables, steps, planes, scores)
    _add_spread(of_offering, planes, scores)
    return scores


def _add_pairs(
    tables: ScoreTables, steps: Mapping[str, Steps], planes: Planes, scores: Int
) -> None:
    for first, second in tables.pairs_in(list(steps)):
        bins = _bins(steps[first], planes), _bins(steps[second], planes)
        scores += tables.pairs[first, second][bins]


def _add_spread(of_offering: Int, planes: Planes, scores: Int) -> None:
    for count, plane in planes.slices:
        scores[plane] += of_offering[:count]


def _lookup(effects: Sum, step: Steps) -> tuple[Sum, Looked]:
    """A table of effects and where it is looked up, made by the shorter way."""
    if step.codes is None:
        return effects, step.table
    if len(step.table) < len(step.codes):
        return effects.take(step.table), step.codes
    return effects, step.table.take(step.codes)


def _add_looked(lookups: Sequence[tuple[Sum, Looked]], total: Sum, block: slice) -> None:
    """Add to ``total``, the sums of a block, the effects looked up at each of its places."""
    kernels = SWITCH.kernels
    if kernels:
        for effects, codes in lookups:
            kernels.add_effects(total, effects, codes[block])
        return
    found = np.empty_like(total)
    for effects, codes in lookups:
        # Codes are in range by the index: clip only spares take a copy for its errors.
        total += effects.take(codes[block], out=found, mode="clip")


def best_keys(scores: Int, alive: Bools, unconfirmed: Bools, planes: Planes) -> Int:
    """Of each whole the greatest 2 x score + confirmed of its rows that are alive.

    `slate.UNSCORED` where none is.
    """
    best = np.full(planes.wholes, UNSCORED, np.int64)
    for count, plane in planes.slices:
        for block in blocks(count):
            rows = slice(plane.start + block.start, plane.start + block.stop)
            keys = 2 * scores[rows] + ~unconfirmed[rows]
            keys[~alive[rows]] = UNSCORED
            np.maximum(best[block], keys, out=best[block])
    return best


def _bins(steps: Steps, planes: Planes) -> Int:
    return steps.by_row(np.minimum(steps.table // BIN_WIDTH, BINS - 1), planes)


def compile_card(card: Card, pairs: Mapping[tuple[str, str], Int] | None = None) -> ScoreTables:
    """The tables of ``card``; `check` holds them against its ranker."""
    return ScoreTables(
        name=card.name,
        effects={name: card_effects(feature.weight) for name, feature in card.features.items()},
        references={name: feature.reference for name, feature in card.features.items()},
        pairs=pairs or {},
    )


def compile_model(
    model: Additive, name: str, features: Sequence[str], references: Mapping[str, int]
) -> ScoreTables:
    """The tables of ``model``, whose columns are ``features``; rounded once, half to even.

    Raises:
        IncompatibleTables: they do not give what the model predicts.
    """
    singles, pairs = model.effects()
    if singles.shape != (len(features), FULL + 1):
        raise IncompatibleTables(f"{name}: the model has not the features that are named")
    tables = ScoreTables(
        name,
        {each: _rounded(row) for each, row in zip(features, singles, strict=True)},
        {each: references[each] for each in features},
        {(features[i], features[j]): _rounded(grid) for (i, j), grid in pairs.items()},
    )
    check(tables, model)
    return tables


def check(tables: ScoreTables, model: Additive) -> None:
    """Nothing, where ``tables`` give what ``model`` predicts on a sample (scoring.md 7).

    Every step of every feature is in it, with all features given and with a third of them missing.

    Raises:
        IncompatibleTables: they differ by more than 10^-6 per effect.
    """
    names, random = tuple(tables.effects), np.random.default_rng(0)
    rows = np.array([random.permutation(FULL + 1) for _ in range(_PASSES * len(names))])
    rows = rows.reshape(len(names), -1).T
    most = _TOLERANCE * (len(names) + len(tables.pairs))
    for missing in ((), *(range(start, len(names), 3) for start in range(3))):
        given = [each for each in range(len(names)) if each not in missing]
        asked = rows.astype(np.float64)
        asked[:, list(missing)] = np.nan
        found = score_rows(tables, [names[each] for each in given], rows[:, given])
        if np.abs(found / MILLION - model.predict(asked)).max() > most:
            raise IncompatibleTables(tables.name)


def sampled(model: Additive, columns: int) -> Sample:
    """Rows drawn once for all, whole or with a third missing, as ``model`` predicts them.

    What is kept of a model beside its tables, so that they can be held against it later (`hold`).
    """
    random = np.random.default_rng(1)
    rows = random.integers(0, FULL + 1, (_SAMPLED, columns))
    starts = np.arange(_SAMPLED) % 4
    for start in range(3):
        rows[starts == start, start::3] = MISSING
    return Sample(rows, model.predict(np.where(rows == MISSING, np.nan, rows)))


def hold(tables: ScoreTables, sample: Sample) -> None:
    """Nothing, where ``tables`` give what the model predicted of ``sample`` (scoring.md 7).

    Raises:
        IncompatibleTables: they differ by more than 10^-6 per effect, or the sample is of others.
    """
    names = tuple(tables.effects)
    rows, predicted = sample
    if rows.shape != (len(predicted), len(names)):
        raise IncompatibleTables(f"{tables.name}: the sample is of other features")
    most = _TOLERANCE * (len(names) + len(tables.pairs))
    given = rows != MISSING
    for pattern in np.unique(given, axis=0):
        alike = (given == pattern).all(axis=1)
        named = [name for name, is_given in zip(names, pattern, strict=True) if is_given]
        found = score_rows(tables, named, rows[alike][:, pattern])
        if np.abs(found / MILLION - predicted[alike]).max() > most:
            raise IncompatibleTables(tables.name)


def score_rows(tables: ScoreTables, names: Sequence[str], rows: Int) -> Int:
    """Scores in millionths of ``rows`` of steps of the features ``names``, of shape (rows,)."""
    none = np.zeros(len(rows), np.bool_)
    steps = {
        name: Steps(Level.ROW, np.ascontiguousarray(column), none)
        for name, column in zip(names, rows.T, strict=True)
    }
    return score(tables, steps, Planes((len(rows),)))


def _rounded(effects: NDArray[np.float64]) -> Int:
    return np.rint(effects).astype(np.int64)


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
