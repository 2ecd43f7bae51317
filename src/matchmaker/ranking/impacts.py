"""What each token adds to each offering that holds it, and how that follows offerings that turn."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matchmaker.ranking.columns import placed
from matchmaker.ranking.text import COMMON, UNIT, TextIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int


@dataclass(frozen=True, slots=True)
class Impacts:
    """Token t, in order of the alphabet, is held by ``offering[start[t]: start[t + 1]]``.

    Offerings by the number they have arrived with, in order of id; each with its impact. ``idf``
    is that of the base, not rounded.
    """

    tokens: tuple[str, ...]
    idf: NDArray[np.float64]
    start: Int
    offering: NDArray[np.int32]
    impact: NDArray[np.int32]

    def index(self, places: NDArray[np.int32], offerings: int) -> TextIndex:
        """The postings of so many ``offerings``: who has arrived as n stands at ``places[n]``."""
        holders, offering = np.diff(self.start), places[self.offering]
        common = np.flatnonzero(holders * COMMON >= max(1, offerings))
        dense = np.zeros((len(common), offerings), np.int32)
        held = np.zeros(dense.shape, np.bool_)
        for place, t in enumerate(common):
            here = slice(self.start[t], self.start[t + 1])
            dense[place, offering[here]] = self.impact[here]
            held[place, offering[here]] = True
        row = np.full(len(holders), -1, np.int32)
        row[common] = np.arange(len(common))
        holders[common] = 0
        return TextIndex(
            tokens=self.tokens,
            place=placed(self.tokens),
            idf=np.rint(self.idf * UNIT).astype(np.int64),
            start=_starts(holders),
            offering=_cut(offering, self.start[common], self.start[common + 1]),
            impact=_cut(self.impact, self.start[common], self.start[common + 1]),
            row=row,
            dense=dense,
            held=np.packbits(held, axis=1),
        )

    def kept(self, rank: Int) -> Impacts:
        """Those of the offerings that have a ``rank`` from 0; a token that none holds is gone."""
        lost = np.flatnonzero((rank < 0)[self.offering])
        if not len(lost):
            return self
        token = self.start.searchsorted(lost, side="right") - 1
        holders = np.diff(self.start) - np.bincount(token, minlength=len(self.tokens))
        held = np.flatnonzero(holders)
        return Impacts(
            tokens=tuple([self.tokens[t] for t in held.tolist()]),
            idf=self.idf[held],
            start=_starts(holders[held]),
            offering=_cut(self.offering, lost, lost + 1),
            impact=_cut(self.impact, lost, lost + 1),
        )

    def joined(self, late: Impacts, rank: Int) -> Impacts:
        """These and the ``late`` ones, of a few other offerings; ``rank`` is the order of ids."""
        tokens = tuple(sorted({*self.tokens, *late.tokens}))
        mine, theirs = (each.on(tokens) for each in (self, late))
        at = np.empty(len(late.offering), np.int64)
        for t in np.flatnonzero(np.diff(theirs.start)).tolist():
            here = slice(mine.start[t], mine.start[t + 1])
            added = slice(theirs.start[t], theirs.start[t + 1])
            before = rank[mine.offering[here]].searchsorted(rank[theirs.offering[added]])
            at[added] = mine.start[t] + before
        return Impacts(
            tokens=tokens,
            idf=np.maximum(mine.idf, theirs.idf),
            start=mine.start + theirs.start,
            offering=np.insert(mine.offering, at, theirs.offering),
            impact=np.insert(mine.impact, at, theirs.impact),
        )

    def on(self, tokens: tuple[str, ...]) -> Impacts:
        """The same among more ``tokens``: those that are not here are held by none."""
        if tokens == self.tokens:
            return self
        here = [bisect_left(tokens, token) for token in self.tokens]
        idf, holders = np.zeros(len(tokens), np.float64), np.zeros(len(tokens), np.int64)
        idf[here], holders[here] = self.idf, np.diff(self.start)
        return Impacts(tokens, idf, _starts(holders), self.offering, self.impact)


def _cut(values: NDArray[np.int32], starts: Int, ends: Int) -> NDArray[np.int32]:
    """``values`` without those spans, ascending: pieces, of which there are far fewer."""
    begins, stops = [0, *ends.tolist()], [*starts.tolist(), len(values)]
    return np.concatenate([values[a:b] for a, b in zip(begins, stops, strict=True)])


def _starts(lengths: Int) -> Int:
    """Where each part begins of those with these ``lengths``, and where the last one ends."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
